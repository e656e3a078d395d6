"""esp.replay"""

from probe.checks.esp_replay import CHECK, judge


def test_it_warns_only_where_it_was_seen() -> None:
    [verdict] = judge({"class": "ipsec", "esp.replayed": True})
    assert (verdict.check, verdict.status) == (CHECK, "warn")
    assert judge({"class": "ipsec", "esp.nat_t": True}) == []

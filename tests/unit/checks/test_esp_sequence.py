"""esp.sequence"""

from probe.checks.esp_sequence import CHECK, judge


def test_it_warns_only_where_it_was_seen() -> None:
    [verdict] = judge({"class": "ipsec", "esp.near_wrap": True})
    assert (verdict.check, verdict.status) == (CHECK, "warn")
    assert judge({"class": "ipsec", "esp.nat_t": True}) == []

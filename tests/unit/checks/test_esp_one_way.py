"""esp.one_way"""

from probe.checks.esp_one_way import CHECK, judge


def test_it_warns_only_where_nothing_came_back() -> None:
    [verdict] = judge({"class": "ipsec", CHECK: True})
    assert (verdict.check, verdict.status) == (CHECK, "warn")
    assert judge({"class": "ipsec", "esp.nat_t": True}) == []

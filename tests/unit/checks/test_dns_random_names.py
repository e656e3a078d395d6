from probe.checks.dns_random_names import judge


def test_a_flood_is_a_warning() -> None:
    flood = {"client": "10.0.0.5", "domain": "shop.example", "score": 0.5}
    (verdict,) = judge({"dns.random_names": flood, "dns.queries": 900, "dns.names": 880, "dns.volume": "day"})
    assert (verdict.check, verdict.status, verdict.severity) == ("dns.random_names", "warn", "medium")
    assert verdict.observed == {"dns.queries": 900, "dns.names": 880}
    assert verdict.details == flood


def test_nothing_else_is_judged() -> None:
    assert judge({"protocol": "dns"}) == []

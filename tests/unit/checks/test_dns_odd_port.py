from probe.checks.dns_odd_port import judge


def test_a_warning() -> None:
    (verdict,) = judge({"dns.port": 5300})
    assert (verdict.status, verdict.severity) == ("warn", "low")
    assert verdict.title == "DNS on port 5300"


def test_nothing_else_is_judged() -> None:
    assert judge({"class": "plaintext", "protocol": "dns"}) == []

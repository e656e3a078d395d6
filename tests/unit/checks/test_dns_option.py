from probe.checks.dns_option import judge

ALERT = {"client": "10.0.0.5", "domain": "a.example", "first_alert": "2026-11-23T10:00:00.000000Z"}


def test_a_warning_for_client_and_domain() -> None:
    (verdict,) = judge({"dns.option": ALERT})
    assert (verdict.status, verdict.severity) == ("warn", "medium")
    assert verdict.title == "Data beside the names that 10.0.0.5 asks for below a.example"
    assert verdict.details == ALERT
    assert verdict.key == {"client": "10.0.0.5", "domain": "a.example"}


def test_nothing_else_is_judged() -> None:
    assert judge({"protocol": "dns"}) == []

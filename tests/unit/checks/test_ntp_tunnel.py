from probe.checks.ntp_tunnel import judge


def test_a_warning() -> None:
    (verdict,) = judge({"ntp.tunnel": True})
    assert (verdict.status, verdict.severity, verdict.title) == (
        "warn",
        "medium",
        "Data in time messages: too long for NTP",
    )


def test_nothing_else_is_judged() -> None:
    assert judge({"class": "plaintext", "protocol": "dns"}) == []

from probe.checks.icmp_tunnel import judge


def test_a_warning() -> None:
    (verdict,) = judge({"icmp.tunnel": True})
    assert (verdict.status, verdict.severity, verdict.title) == (
        "warn",
        "medium",
        "Data in echo messages: requests and answers differ in length",
    )


def test_nothing_else_is_judged() -> None:
    assert judge({"class": "plaintext", "protocol": "dns"}) == []

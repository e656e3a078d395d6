from probe.checks.dns_port_53 import judge


def test_a_warning() -> None:
    (verdict,) = judge({"dns.port_53": "ssh"})
    assert (verdict.status, verdict.severity, verdict.title) == (
        "warn",
        "medium",
        "Something else than DNS on port 53: ssh",
    )


def test_nothing_else_is_judged() -> None:
    assert judge({"class": "plaintext", "protocol": "dns"}) == []

from probe.checks.dns_tcp_volume import judge


def test_a_warning() -> None:
    (verdict,) = judge({"dns.tcp_bytes": 524288})
    assert (verdict.status, verdict.severity, verdict.title) == (
        "warn",
        "low",
        "Much data in one DNS connection over TCP: 512 KiB or more",
    )


def test_nothing_else_is_judged() -> None:
    assert judge({"class": "plaintext", "protocol": "dns"}) == []

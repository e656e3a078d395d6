from probe.checks.dns_encrypted_resolver import judge


def test_a_warning() -> None:
    (verdict,) = judge({"dns.encrypted_resolver": "doh", "dns.resolver_name": "dns.google"})
    assert (verdict.status, verdict.severity, verdict.title) == (
        "warn",
        "low",
        "DNS under encryption: over HTTPS with dns.google",
    )


def test_nothing_else_is_judged() -> None:
    assert judge({"class": "plaintext", "protocol": "dns"}) == []

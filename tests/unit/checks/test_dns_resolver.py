from probe.checks.dns_resolver import judge


def test_only_others_than_the_declared_ones() -> None:
    (verdict,) = judge({"dns.server": "192.0.2.53"}, ["10.0.0.2", "2001:DB8::53"])
    assert (verdict.status, verdict.title) == ("warn", "DNS server asked that is not declared: 192.0.2.53")
    assert judge({"dns.server": "2001:db8::53"}, ["10.0.0.2", "2001:DB8::53"]) == []


def test_without_a_declaration_nothing_is_said() -> None:
    assert judge({"dns.server": "192.0.2.53"}, []) == []
    assert judge({"protocol": "dns"}, ["10.0.0.2"]) == []

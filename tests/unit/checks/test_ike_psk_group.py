"""ike.psk_group"""

from probe.checks.ike_psk_group import judge


def test_it_takes_both() -> None:
    [verdict] = judge({"ike.auth_method": "xauth_init_psk", "ike.ke": "modp1024"})
    assert (verdict.status, verdict.title) == ("fail", "Pre-shared key behind a weak key exchange (modp1024)")
    assert judge({"ike.auth_method": "psk", "ike.ke": "modp2048"}) == []
    assert judge({"ike.auth_method": "rsa_sig", "ike.ke": "modp1024"}) == []
    assert judge({"ike.ke": "modp1024"}) == [], "IKEv2 hides the method"

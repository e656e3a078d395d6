"""ipsec.association, ipsec.bypass, and lifetimes that a kernel allows"""

from probe.checks import ike_lifetime, ipsec_association, ipsec_bypass

WAY = {"class": "ipsec", "host.way": "192.0.2.1 to 192.0.2.2"}


def test_associations() -> None:
    [unknown] = ipsec_association.judge({**WAY, "host.association": "unknown"})
    [unseen] = ipsec_association.judge({**WAY, "host.association": "unseen"})
    assert (unknown.status, unseen.status, unseen.evidence) == ("warn", "not_observable", "not_observable")
    assert unknown.title == "IPsec from 192.0.2.1 to 192.0.2.2 under an association that the kernel does not know"
    assert ipsec_association.judge({"class": "ipsec"}) == []


def test_policies() -> None:
    [bypass] = ipsec_bypass.judge({"host.bypass": "a to b (out)", "host.bypassed": "c to d (out)"})
    [optional] = ipsec_bypass.judge({"host.optional": "a to b (in)"})
    assert (bypass.status, optional.status) == ("warn", "fail")
    assert bypass.title == "Policy lets a to b (out) pass unprotected, before the one that protects c to d (out)"
    assert ipsec_bypass.judge({"class": "ipsec"}) == []


def test_lifetimes() -> None:
    [long] = ike_lifetime.judge({"esp.lifetime_hours": 25})
    [unlimited] = ike_lifetime.judge({"esp.unlimited": True})
    assert long.title == "The kernel keeps an ESP association for up to 25 h"
    assert unlimited.observed == {"esp.unlimited": True}
    assert ike_lifetime.judge({"esp.lifetime_hours": 24}) == []

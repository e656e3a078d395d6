"""ipsec.association, ipsec.bypass, and lifetimes that a kernel allows"""

from probe.checks import ike_lifetime, ipsec_association, ipsec_bypass

WAY = {"class": "ipsec", "host.way": "192.0.2.1 to 192.0.2.2"}


def test_associations() -> None:
    [unknown] = ipsec_association.judge({**WAY, "host.association": "unknown"})
    [unseen] = ipsec_association.judge({**WAY, "host.association": "unseen"})
    assert (unknown.status, unseen.status, unseen.evidence) == ("warn", "not_observable", "not_observable")
    assert unknown.title == "IPsec from 192.0.2.1 to 192.0.2.2 under an association that the gateway does not know"
    assert ipsec_association.judge({"class": "ipsec"}) == []
    [offloaded] = ipsec_association.judge({**WAY, "host.association": "offloaded", "host.offload": "crypto"})
    assert (offloaded.status, offloaded.observed["host.offload"]) == ("not_observable", "crypto")
    assert offloaded.title.endswith("an interface of the gateway encrypts it, beyond this capture")


def test_policies() -> None:
    [bypass] = ipsec_bypass.judge({"host.bypass": "a to b (out)", "host.bypassed": "c to d (out)"})
    [optional] = ipsec_bypass.judge({"host.optional": "a to b (in)"})
    assert (bypass.status, optional.status) == ("warn", "fail")
    assert bypass.title == "Policy lets a to b (out) pass unprotected, before the one that protects c to d (out)"
    assert ipsec_bypass.judge({"class": "ipsec"}) == []
    [fleeting] = ipsec_bypass.judge({"host.fleeting": "a to b (out)"})
    assert (fleeting.status, fleeting.title) == ("warn", "Nothing holds a to b (out) back when its child SA is gone")


def test_defaults() -> None:
    [passing] = ipsec_bypass.judge({"host.default": "allow (fwd, out)"})
    [blocking] = ipsec_bypass.judge({"host.default": "block"})
    assert (passing.status, passing.severity, blocking.status) == ("warn", "low", "pass")
    assert passing.title == "What no policy covers passes unprotected: allow (fwd, out)"


def test_lifetimes() -> None:
    [long] = ike_lifetime.judge({"esp.lifetime_hours": 25})
    [unlimited] = ike_lifetime.judge({"esp.unlimited": True})
    assert long.title == "The gateway keeps an ESP association for up to 25 h"
    assert unlimited.observed == {"esp.unlimited": True}
    assert ike_lifetime.judge({"esp.lifetime_hours": 24}) == []

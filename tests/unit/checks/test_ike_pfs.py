"""ike.pfs"""

from probe.checks.ike_pfs import judge


def test_without_keys_nothing_is_claimed() -> None:
    [verdict] = judge({"ike.version": 2, "ike.encr": "ENCR_AES_GCM_16"})
    assert (verdict.status, verdict.evidence) == ("not_observable", "not_observable")
    assert judge({"ike.version": 2}) == [], "nothing was agreed"


def test_with_keys_it_is_said() -> None:
    [without] = judge({"ike.encr": "ENCR_AES_GCM_16", "ike.child_pfs": False})
    assert (without.status, without.evidence) == ("warn", "decrypted")
    [given] = judge({"ike.child_pfs": True})
    assert given.status == "pass"

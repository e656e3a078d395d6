"""ike.negotiation"""

from probe.checks.ike_negotiation import judge


def test_a_refusal_in_clear_is_observed_and_one_by_size_is_inferred() -> None:
    [clear] = judge({"ike.refused": "NO_PROPOSAL_CHOSEN"})
    assert (clear.title, clear.evidence) == ("IKE negotiation refused: NO_PROPOSAL_CHOSEN", "observed")
    [hidden] = judge({"ike.auth_refused": True})
    assert (hidden.status, hidden.evidence) == ("warn", "inferred")


def test_an_agreement_is_none() -> None:
    assert judge({"ike.version": 2, "ike.encr": "ENCR_AES_GCM_16"}) == []

"""ike.downgrade"""

from probe.checks.ike_downgrade import judge


def test_what_was_chosen_is_named_and_tells_findings_apart() -> None:
    facts = {"ike.downgraded": ["encr", "ke"], "ike.encr": "ENCR_3DES", "ike.ke": "modp1024", "ike.prf": "PRF_HMAC_MD5"}
    [verdict] = judge(facts)
    assert verdict.title == "IKE agreed on ENCR_3DES, modp1024 although better was offered"
    assert verdict.key == {"ike.encr": "ENCR_3DES", "ike.ke": "modp1024"}


def test_the_best_that_was_offered_is_no_downgrade() -> None:
    assert judge({"ike.encr": "ENCR_3DES", "ike.ke": "modp1024"}) == []

"""tls.keys"""

from probe.checks.tls_keys import judge


def test_keys_that_do_not_fit_are_told() -> None:
    [verdict] = judge({"class": "tls", "tls.keys": "unfit"})
    assert (verdict.status, verdict.severity, verdict.evidence) == ("warn", "low", "decrypted")
    assert verdict.remediation


def test_fitting_keys_pass_and_none_say_nothing() -> None:
    assert [verdict.status for verdict in judge({"tls.keys": "fit"})] == ["pass"]
    assert judge({"class": "tls"}) == []


def test_a_signature_that_is_not_the_certificates() -> None:
    [verdict] = judge({"tls.keys": "fit", "tls.proven": False})
    assert (verdict.status, verdict.severity, verdict.key) == ("fail", "high", {"reason": "unproven"})
    assert [verdict.status for verdict in judge({"tls.keys": "fit", "tls.proven": True})] == ["pass"]

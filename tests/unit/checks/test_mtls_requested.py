"""mtls.requested"""

import pytest

from probe.checks.mtls_requested import judge


@pytest.mark.parametrize(
    ("outcome", "status", "severity"),
    [
        ("accepted", "pass", "info"),
        ("presented", "pass", "info"),
        ("requested", "pass", "info"),
        ("absent", "pass", "info"),
        ("refused", "warn", "medium"),
    ],
)
def test_outcomes(outcome: str, status: str, severity: str) -> None:
    [verdict] = judge({"class": "tls", "tls.client_certificate": outcome})
    assert (verdict.status, verdict.severity) == (status, severity)
    assert verdict.observed == {"tls.client_certificate": outcome}
    assert (verdict.remediation is None) == (status == "pass")


def test_the_alert_is_shown() -> None:
    [verdict] = judge({"class": "tls", "tls.client_certificate": "refused", "tls.alert": "unknown_ca"})
    assert verdict.observed["tls.alert"] == "unknown_ca"


def test_nobody_asked_or_nobody_was_served() -> None:
    assert judge({"class": "tls", "tls.version": "TLSv1.2"}) == []
    # Ended by the client itself.
    assert judge({"class": "tls", "tls.client_certificate": "absent", "tls.alert": "bad_certificate"}) == []


@pytest.mark.parametrize("evidence", ["inferred", "decrypted"])
def test_how_it_is_known(evidence: str) -> None:
    facts = {"tls.client_certificate": "refused", "tls.client_certificate_evidence": evidence}
    assert [verdict.evidence for verdict in judge(facts)] == [evidence]
    assert [verdict.evidence for verdict in judge({"tls.client_certificate": "refused"})] == ["observed"]

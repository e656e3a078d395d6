"""certificate.chain: the words for each reason, and when there is nothing to see."""

from typing import Any, get_args

import msgspec
import pytest

from probe._parsers import Batch, Ledger, Observation
from probe.checks.certificate_chain import WORDINGS, not_observable
from probe.model import Finding, Reason


def _worded(reason: Reason, detail: str | None = None) -> Finding:
    """The finding for a chain with this reason."""
    ledger = Ledger(WORDINGS, passes=True)
    ledger.add(Batch(observations=[Observation(b"{}", "10.0.0.1:443/tcp", chain=["ab" * 32])]), "x")
    ledger.answer_facts(0, [])
    ledger.answer_chain(0, [(reason, "ab" * 32, "CN=a", "CN=b", detail, None)], 0, 0)
    ledger.settle()
    return msgspec.json.decode(ledger.take().lines(1), type=Finding)


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_words(reason: Reason) -> None:
    finding = _worded(reason)
    assert finding.check == (reason if "." in reason else "certificate.chain")
    names = {"sha256": "ab" * 32, "subject": "CN=a", "issuer": "CN=b"}
    assert finding.observed == (names if "." in reason else {"reason": reason, **names})
    assert (finding.remediation is None) == (reason == "ok")
    assert (finding.status == "pass") == (reason == "ok")


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("expired", "Certificate expired: issued for x.example"),
        ("unknown_root", "Certificate of an authority that is not trusted here: issued by CN=b"),
        ("missing_intermediate", "Issuer of the certificate was not sent and is not known here: issued by CN=b"),
        ("self_signed", "Self-signed certificate: CN=a"),
        ("wrong_name", "Certificate is for another name: issued for x.example"),
    ],
)
def test_the_title_names_what_the_operator_needs(reason: Reason, title: str) -> None:
    assert _worded(reason, "issued for x.example").title == title


def test_outside_the_web_pki_s_profile_is_a_low_warning() -> None:
    finding = _worded("ok", "no AKI")
    assert (finding.status, finding.severity, finding.observed["detail"]) == ("warn", "low", "no AKI")
    assert finding.observed["reason"] == "ok"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"tls.version": "TLSv1.3"}, "TLS 1.3 encrypts it"),
        ({"tls.version": "TLSv1.2", "tls.resumed": True}, "the session was resumed, which sends none"),
        ({"tls.version": "TLSv1.2", "tls.certificates": []}, "the server sent an empty list"),
        ({}, "the handshake is not in the capture as a whole"),
    ],
)
def test_not_observable_says_why(facts: dict[str, Any], why: str) -> None:
    verdict = not_observable({"class": "tls", **facts})
    assert verdict is not None
    assert (verdict.status, verdict.severity, verdict.evidence) == ("not_observable", "info", "not_observable")
    assert verdict.observed == {"reason": "not_observable", "detail": why}


@pytest.mark.parametrize(
    "facts",
    [
        {"class": "plaintext"},
        {"class": "tls", "tls.certificates": ["ab"]},
        {"class": "tls", "tls.version": "TLSv1.2", "tls.suite.properties": ["anon"]},
    ],
)
def test_nothing_where_there_is_nothing_to_expect(facts: dict[str, Any]) -> None:
    assert not_observable(facts) is None

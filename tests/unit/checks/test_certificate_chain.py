"""certificate.chain: the words for each reason, and when there is nothing to see."""

from typing import Any, get_args

import pytest

from probe.checks.certificate_chain import not_observable, of_judgement
from probe.model import Reason
from probe.trust.reasons import Judgement


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_words(reason: Reason) -> None:
    verdict = of_judgement(Judgement(reason, "ab" * 32, "CN=a", "CN=b"))
    assert verdict.observed == {"reason": reason, "sha256": "ab" * 32, "subject": "CN=a", "issuer": "CN=b"}
    assert verdict.key == {"reason": reason}
    assert (verdict.remediation is None) == (reason == "ok")
    assert (verdict.status == "pass") == (reason == "ok")


def test_the_title_says_the_detail() -> None:
    verdict = of_judgement(Judgement("expired", detail="valid until 2024-05-27 00:00:00 UTC"))
    assert verdict.title == "Certificate expired: valid until 2024-05-27 00:00:00 UTC"


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("unknown_root", "Certificate of an authority that is not trusted here: issued by CN=b"),
        ("missing_intermediate", "Issuer of the certificate was not sent and is not known here: issued by CN=b"),
        ("self_signed", "Self-signed certificate: CN=a"),
        ("wrong_name", "Certificate is for another name: issued for x.example"),
    ],
)
def test_the_title_names_what_the_operator_needs(reason: Reason, title: str) -> None:
    assert of_judgement(Judgement(reason, "ab", "CN=a", "CN=b", "issued for x.example")).title == title


def test_outside_the_web_pki_s_profile_is_a_low_warning() -> None:
    verdict = of_judgement(Judgement("ok", detail="no AKI"))
    assert (verdict.status, verdict.severity, verdict.observed["detail"]) == ("warn", "low", "no AKI")


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

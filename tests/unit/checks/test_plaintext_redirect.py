"""plaintext.redirect"""

from typing import Any

import pytest

from probe.checks import plaintext_protocol
from probe.checks.plaintext_redirect import judge

REDIRECT = {"class": "plaintext", "protocol": "http", "http.redirect_to_https": True}


@pytest.mark.parametrize(
    ("more", "severity", "title"),
    [
        ({}, "info", "HTTP that only redirects to HTTPS"),
        ({"http.hsts": True}, "info", "HTTP that only redirects to HTTPS"),
        (
            {"http.request_carries": ["cookie", "body"]},
            "low",
            "HTTP that only redirects to HTTPS, after a cookie and content were sent in the clear",
        ),
        (
            {"plaintext.credentials": "http_basic"},
            "low",
            "HTTP that only redirects to HTTPS, after a login was sent in the clear",
        ),
    ],
)
def test_what_was_sent_before_weighs(more: dict[str, Any], severity: str, title: str) -> None:
    facts = {**REDIRECT, **more}
    [verdict] = judge(facts)
    assert (verdict.status, verdict.severity, verdict.title) == ("warn", severity, title)
    assert verdict.observed == {key: value for key, value in facts.items() if key != "class"}
    assert plaintext_protocol.judge(facts) == []


def test_what_serves_is_another_check() -> None:
    facts = {"class": "plaintext", "protocol": "http", "http.hsts": True}
    assert judge(facts) == []
    assert [verdict.check for verdict in plaintext_protocol.judge(facts)] == ["plaintext.protocol"]

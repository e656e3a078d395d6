"""plaintext.after_tls: what counts as what, and when it is told."""

from typing import Any

import pytest

from probe.checks.plaintext_after_tls import judge, word


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"class": "tls", "protocol": "tls", "tls.version": "TLSv1.2"}, "tls"),
        ({"class": "tls", "protocol": "tls", "tls.version": "TLSv1.2", "starttls": "smtp"}, "tls"),
        ({"class": "tls", "protocol": "tls"}, None),  # nobody answered with TLS
        ({"class": "tls", "protocol": "tls", "tls.version": "TLSv1.2", "via": ["connect"]}, None),
        ({"class": "plaintext", "protocol": "http", "via": ["connect"]}, None),
        ({"class": "plaintext", "protocol": "http"}, "clear http"),
        ({"class": "plaintext", "protocol": "http", "http.redirect_to_https": True}, None),
        ({"class": "plaintext", "protocol": "dns"}, None),
        ({"class": "encrypted", "protocol": "ssh"}, None),
    ],
)
def test_words(facts: dict[str, Any], expected: str | None) -> None:
    assert word(facts) == expected


def _seen(what: str, first: int, last: int) -> dict[str, Any]:
    return {"word": what, "first_seen": first, "last_seen": last, "flows": last - first}


def test_clear_text_beside_or_after_tls() -> None:
    (verdict,) = judge({"words": [_seen("tls", 10, 20), _seen("clear smtp", 12, 30)]})
    assert verdict.title == "SMTP in the clear where TLS was spoken as well"
    assert verdict.observed == {"clear": "smtp", "flows": {"tls": 10, "clear": 18}}


def test_clear_text_before_tls_was_mended() -> None:
    assert judge({"words": [_seen("clear smtp", 1, 9), _seen("tls", 10, 20)]}) == []


def test_without_tls_it_is_another_check() -> None:
    assert judge({"words": [_seen("clear http", 1, 9), _seen("clear smtp", 10, 20)]}) == []

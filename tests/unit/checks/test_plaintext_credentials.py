"""plaintext.credentials"""

import pytest

from probe.checks.plaintext_credentials import judge


def test_password_names_the_account() -> None:
    [verdict] = judge(
        {"class": "plaintext", "protocol": "http", "plaintext.credentials": "http_basic", "plaintext.account": "alice"}
    )
    assert (verdict.status, verdict.severity) == ("fail", "critical")
    assert verdict.title == "Password of account “alice” sent in the clear (HTTP Basic)"
    assert verdict.observed == {"protocol": "http", "plaintext.credentials": "http_basic", "plaintext.account": "alice"}


def test_challenge_and_response_is_high() -> None:
    [verdict] = judge({"plaintext.credentials": "http_digest"})
    assert (verdict.severity, verdict.title) == ("high", "Guessable login sent in the clear (HTTP Digest)")


@pytest.mark.parametrize(
    ("kind", "severity", "title"),
    [
        ("smtp_auth_plain", "critical", "Password sent in the clear (SMTP AUTH PLAIN)"),
        ("imap_auth_cram_md5", "high", "Guessable login sent in the clear (IMAP AUTHENTICATE CRAM-MD5)"),
        ("telnet_login", "critical", "Password sent in the clear (Telnet)"),
        ("kerberos_tgs_rep_rc4", "high", "Guessable password sent in the clear (Kerberos service ticket with RC4)"),
        ("new_md5_thing", "high", "Guessable login sent in the clear (new_md5_thing)"),
    ],
)
def test_every_kind_has_words(kind: str, severity: str, title: str) -> None:
    [verdict] = judge({"plaintext.credentials": kind})
    assert (verdict.severity, verdict.title) == (severity, title)


def test_a_hash_is_shown_and_does_not_tell_findings_apart() -> None:
    """One account at one place is one finding with and without a key, so that its uid stays."""
    facts = {"plaintext.credentials": "ftp_pass", "plaintext.account": "a"}
    [bare], [hashed] = judge(facts), judge({**facts, "plaintext.secret_hmac": "ab" * 16})
    assert hashed.observed["plaintext.secret_hmac"] == "ab" * 16
    assert hashed.key == bare.key


def test_accounts_are_findings_of_their_own() -> None:
    verdicts = [judge({"plaintext.credentials": "ftp_pass", "plaintext.account": account})[0] for account in ("a", "b")]
    assert verdicts[0].key != verdicts[1].key


def test_nothing_without_credentials() -> None:
    assert judge({"class": "plaintext", "protocol": "ftp"}) == []

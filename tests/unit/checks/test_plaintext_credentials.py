"""plaintext.credentials"""

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


def test_accounts_are_findings_of_their_own() -> None:
    verdicts = [judge({"plaintext.credentials": "ftp_pass", "plaintext.account": account})[0] for account in ("a", "b")]
    assert verdicts[0].key != verdicts[1].key


def test_nothing_without_credentials() -> None:
    assert judge({"class": "plaintext", "protocol": "ftp"}) == []

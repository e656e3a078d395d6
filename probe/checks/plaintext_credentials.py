"""plaintext.credentials: a password or its equivalent was sent in the clear

Meaning: a login crossed the network readable, or in a form from which the secret can be guessed offline. The account is
named; the secret never leaves the parser and is not in any record.

Evidence: `plaintext.credentials` says by which mechanism (http_basic, ftp_pass, imap_login, …), `plaintext.account` for
whom (observed). Challenge and response (http_digest, …) is `high`, the secret itself `critical`; an SNMP community is
`high`.

Why it matters: whoever saw it once can log in, now and elsewhere if the password is used twice. A seen password must be
taken as known to others, also after the connection has been secured.

How to fix: allow logins only over TLS, and change the password that was seen.

Reference: RFC 7617 section 4 (HTTP Basic), RFC 8314 section 3 (mail), CWE-319.
"""

from typing import Final

from probe.model import Facts, Severity, Verdict

CHECK: Final = "plaintext.credentials"

_MECHANISMS: Final[dict[str, tuple[str, str, Severity]]] = {
    "http_basic": ("Password", "HTTP Basic", "critical"),
    "http_bearer": ("Access token", "HTTP Bearer", "critical"),
    "http_digest": ("Guessable login", "HTTP Digest", "high"),
    "ftp_pass": ("Password", "FTP PASS", "critical"),
    "pop3_pass": ("Password", "POP3 PASS", "critical"),
    "pop3_apop": ("Guessable login", "POP3 APOP", "high"),
    "pop3_auth_plain": ("Password", "POP3 AUTH PLAIN", "critical"),
    "pop3_auth_login": ("Password", "POP3 AUTH LOGIN", "critical"),
    "imap_login": ("Password", "IMAP LOGIN", "critical"),
    "imap_auth_plain": ("Password", "IMAP AUTHENTICATE PLAIN", "critical"),
    "imap_auth_login": ("Password", "IMAP AUTHENTICATE LOGIN", "critical"),
    "smtp_auth_plain": ("Password", "SMTP AUTH PLAIN", "critical"),
    "smtp_auth_login": ("Password", "SMTP AUTH LOGIN", "critical"),
    "nntp_pass": ("Password", "NNTP AUTHINFO", "critical"),
    "ldap_simple_bind": ("Password", "LDAP simple bind", "critical"),
    "redis_auth": ("Password", "Redis AUTH", "critical"),
    "mqtt_connect": ("Password", "MQTT CONNECT", "critical"),
    "snmp_community": ("Community string", "SNMP", "high"),
}
_HASHED: Final = ("digest", "cram", "ntlm", "apop", "md5", "scram", "challenge")


def judge(facts: Facts) -> list[Verdict]:
    """One verdict if credentials were seen."""
    kind = facts.get("plaintext.credentials")
    if kind is None:
        return []
    kind = ", ".join(str(item) for item in kind) if isinstance(kind, list) else str(kind)
    account = facts.get("plaintext.account")
    what, how, severity = _MECHANISMS.get(kind) or _unlisted(kind)
    whose = f" of account “{account}”" if account else ""
    observed: Facts = {
        name: facts[name] for name in ("protocol", "plaintext.credentials", "plaintext.account") if name in facts
    }
    return [
        Verdict(
            check=CHECK,
            status="fail",
            severity=severity,
            title=f"{what}{whose} sent in the clear ({how})",
            observed=observed,
            key={"plaintext.credentials": kind, "plaintext.account": account},
            remediation="Allow this login only over TLS, and change the secret: it must be taken as known to others.",
        )
    ]


def _unlisted(kind: str) -> tuple[str, str, Severity]:
    hashed = any(word in kind for word in _HASHED)
    return ("Guessable login", kind, "high") if hashed else ("Credentials", kind, "critical")

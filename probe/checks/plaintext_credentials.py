"""plaintext.credentials: a password or its equivalent was sent in the clear

Meaning: a login crossed the network readable, or in a form from which the secret can be guessed offline. The account is named;
the secret never leaves the parser and is not in any record.

Evidence: `plaintext.credentials` says by which mechanism (http_basic, ftp_pass, imap_login, …), `plaintext.account` for whom
(observed). Challenge and response mechanisms (http_digest, cram_md5, ntlm, …) are `high`, the secret itself is `critical`.

Why it matters: whoever saw it once can log in, now and elsewhere if the password is used twice. A seen password must be taken
as known to others, also after the connection has been secured.

How to fix: allow logins only over TLS, and change the password that was seen.

Reference: RFC 7617 section 4 (HTTP Basic), RFC 8314 section 3 (mail), CWE-319.
"""

from typing import Final

from probe.model import Facts, Severity, Verdict

CHECK: Final = "plaintext.credentials"

_NAMES: Final = {
    "http_basic": "HTTP Basic",
    "http_digest": "HTTP Digest",
    "http_form": "a form",
    "http_bearer": "an HTTP bearer token",
    "ftp_pass": "FTP PASS",
    "pop3_pass": "POP3 PASS",
    "pop3_apop": "POP3 APOP",
    "imap_login": "IMAP LOGIN",
    "smtp_auth": "SMTP AUTH",
    "ldap_simple_bind": "an LDAP simple bind",
    "telnet_login": "a Telnet login",
    "redis_auth": "Redis AUTH",
    "snmp_community": "an SNMP community",
    "mqtt_connect": "MQTT CONNECT",
}
_HASHED: Final = ("digest", "cram", "ntlm", "apop", "md5", "scram", "native", "sha", "challenge")


def judge(facts: Facts) -> list[Verdict]:
    """One verdict if credentials were seen."""
    kind = facts.get("plaintext.credentials")
    if kind is None:
        return []
    kind = ", ".join(str(item) for item in kind) if isinstance(kind, list) else str(kind)
    account = facts.get("plaintext.account")
    severity: Severity = "high" if any(word in kind for word in _HASHED) else "critical"
    whose = f" of account “{account}”" if account else ""
    what = "Password" if severity == "critical" else "Guessable login"
    observed: Facts = {
        name: facts[name] for name in ("protocol", "plaintext.credentials", "plaintext.account") if name in facts
    }
    return [
        Verdict(
            check=CHECK,
            status="fail",
            severity=severity,
            title=f"{what}{whose} sent in the clear ({_NAMES.get(kind, kind)})",
            observed=observed,
            key={"plaintext.credentials": kind, "plaintext.account": account},
            remediation="Allow this login only over TLS, and change the password: it must be taken as known to others.",
        )
    ]

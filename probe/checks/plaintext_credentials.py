"""plaintext.credentials: a password or its equivalent was sent in the clear

Meaning: a login crossed the network readable, or in a form from which the secret can be guessed offline. The account is
named; the secret never leaves the parser and is not in any record.

Evidence: `plaintext.credentials` says by which mechanism (http_basic, ftp_pass, imap_login, …), `plaintext.account` for
whom (observed). Challenge and response (http_digest, …) is `high`, the secret itself `critical`; an SNMP community is
`high`. With `--hash-key FILE`, `plaintext.secret_hmac` is the first half of HMAC-SHA-256 under that key over the
secret's bytes: equal ones are one secret, whatever the account, endpoint or protocol. Challenges and what is hidden by
a shared secret have none, because it would differ at every login.

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
    "http_form": ("Password", "HTTP form", "critical"),
    "rtsp_basic": ("Password", "RTSP Basic", "critical"),
    "rtsp_digest": ("Guessable login", "RTSP Digest", "high"),
    "sip_basic": ("Password", "SIP Basic", "critical"),
    "sip_digest": ("Guessable login", "SIP Digest", "high"),
    "ftp_pass": ("Password", "FTP PASS", "critical"),
    "pop3_pass": ("Password", "POP3 PASS", "critical"),
    "pop3_apop": ("Guessable login", "POP3 APOP", "high"),
    "imap_login": ("Password", "IMAP LOGIN", "critical"),
    "nntp_pass": ("Password", "NNTP AUTHINFO", "critical"),
    "ldap_simple_bind": ("Password", "LDAP simple bind", "critical"),
    "redis_auth": ("Password", "Redis AUTH", "critical"),
    "mqtt_connect": ("Password", "MQTT CONNECT", "critical"),
    "snmp_community": ("Community string", "SNMP", "high"),
    "telnet_login": ("Password", "Telnet", "critical"),
    "irc_pass": ("Password", "IRC PASS", "critical"),
    "postgresql_password": ("Password", "PostgreSQL", "critical"),
    "postgresql_md5": ("Guessable login", "PostgreSQL MD5", "high"),
    "mysql_clear_password": ("Password", "MySQL", "critical"),
    "mysql_native_password": ("Guessable login", "MySQL native password", "high"),
    "mysql_caching_sha2_password": ("Guessable login", "MySQL caching SHA-2 password", "high"),
    "mysql_ed25519": ("Guessable login", "MariaDB ed25519", "high"),
    "radius_password": ("Guessable password", "RADIUS User-Password", "high"),
    "radius_chap": ("Guessable login", "RADIUS CHAP", "high"),
    "radius_mschap": ("Guessable login", "RADIUS MS-CHAP", "high"),
    "tacacs_pap": ("Password", "TACACS+ PAP", "critical"),
    "tacacs_ascii": ("Password", "TACACS+ ASCII", "critical"),
    "tacacs_obfuscated": ("Guessable login", "TACACS+", "high"),
    "kerberos_preauth_rc4": ("Guessable login", "Kerberos pre-authentication with RC4", "high"),
    "kerberos_as_rep_rc4": ("Guessable login", "Kerberos AS-REP with RC4", "high"),
    "kerberos_tgs_rep_rc4": ("Guessable password", "Kerberos service ticket with RC4", "high"),
}
# SASL is the same in every protocol: smtp_auth_plain, imap_auth_cram_md5, …
_SASL: Final[dict[str, tuple[str, Severity]]] = {
    "plain": ("Password", "critical"),
    "login": ("Password", "critical"),
    "bearer": ("Access token", "critical"),
    "cram_md5": ("Guessable login", "high"),
    "digest_md5": ("Guessable login", "high"),
    "ntlm": ("Guessable login", "high"),
}
_REMEDY: Final = "Allow this login only over TLS, and change the secret: it must be taken as known to others."
_REMEDIES: Final = {
    "kerberos": "Remove RC4 (arcfour-hmac) from accounts and KDC, and change the password, which can be guessed.",
    "radius": "Carry RADIUS over TLS (RFC 6614) or IPsec, and use a shared secret of 16 random bytes or more.",
    "snmp": "Use SNMPv3 with authPriv, and change the community: it must be taken as known to others.",
    "tacacs": "Carry TACACS+ over TLS 1.3 (RFC 9887) or IPsec; its own obfuscation does not protect.",
}
_SHOWN: Final = ("protocol", "plaintext.credentials", "plaintext.account", "plaintext.secret_hmac")
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
    observed: Facts = {name: facts[name] for name in _SHOWN if name in facts}
    return [
        Verdict(
            check=CHECK,
            status="fail",
            severity=severity,
            title=f"{what}{whose} sent in the clear ({how})",
            observed=observed,
            key={"plaintext.credentials": kind, "plaintext.account": account},
            remediation=_REMEDIES.get(kind.partition("_")[0], _REMEDY),
        )
    ]


def _unlisted(kind: str) -> tuple[str, str, Severity]:
    protocol, _, mechanism = kind.partition("_auth_")
    if mechanism in _SASL:
        what, severity = _SASL[mechanism]
        command = "AUTHENTICATE" if protocol in ("imap", "sieve") else "AUTH"
        return what, f"{protocol.upper()} {command} {mechanism.upper().replace('_', '-')}", severity
    hashed = any(word in kind for word in _HASHED)
    return ("Guessable login", kind, "high") if hashed else ("Credentials", kind, "critical")

"""plaintext.after_tls: an endpoint that can speak TLS and was spoken to in the clear as well

Meaning: at one address and port some sessions were TLS, from the beginning or after STARTTLS, and later ones, or ones
at the same time, carried their content in the clear. `observed.clear` names the protocol.

Evidence: the class of the flows (observed). Sessions through a proxy are left out, since what lies behind it differs;
so is HTTP that only redirects to HTTPS. 65,536 endpoints are remembered (`limits.histories`).

Why it matters: the server offers protection and does not require it, so whoever is on the path can keep clients from
using it (see tls.starttls_stripped); or clients are there that were never told to.

How to fix: let the server refuse what is not encrypted, and require TLS in the clients: PostgreSQL `hostssl` and
`sslmode=verify-full`, MySQL `require_secure_transport`, Postfix `smtpd_tls_security_level = encrypt` for submission,
Dovecot `ssl = required`, OpenLDAP `security tls=1`.

Reference: RFC 9325 section 3.2 (strict TLS); RFC 8314 section 3.
"""

from typing import Final

from probe.checks.plaintext_protocol import ACCEPTED
from probe.model import Facts, Verdict

CHECK: Final = "plaintext.after_tls"
_TLS: Final = "tls"
_CLEAR: Final = "clear "


def word(facts: Facts) -> str | None:
    """What a set of facts is for the memory of its endpoint; None if it does not matter."""
    if facts.get("via"):
        return None
    if facts.get("class") == _TLS:
        return _TLS if "tls.version" in facts else None
    protocol = facts.get("protocol")
    if facts.get("class") != "plaintext" or protocol in ACCEPTED or facts.get("http.redirect_to_https"):
        return None
    return f"{_CLEAR}{protocol}"


def judge(history: Facts) -> list[Verdict]:
    """One verdict for each protocol that was spoken in the clear, once TLS had been."""
    tls = next((seen for seen in history["words"] if seen["word"] == _TLS), None)
    if tls is None:
        return []
    clear = (seen for seen in history["words"] if seen["word"].startswith(_CLEAR))
    return [
        _verdict(seen["word"].removeprefix(_CLEAR), tls["flows"], seen["flows"])
        for seen in clear
        if seen["last_seen"] >= tls["first_seen"]
    ]


def _verdict(protocol: str, encrypted: int, clear: int) -> Verdict:
    return Verdict(
        check=CHECK,
        status="warn",
        severity="medium",
        title=f"{protocol.upper()} in the clear where TLS was spoken as well",
        observed={"clear": protocol, "flows": {"tls": encrypted, "clear": clear}},
        key={"clear": protocol},
        remediation="Let the server refuse what is not encrypted, and require TLS in the clients.",
    )

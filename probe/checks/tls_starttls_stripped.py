"""tls.starttls_stripped: a dialogue that could have gone on under TLS and stayed in the clear

Meaning: `observed.tls.starttls` is one of
mangled (where the offer or the request of STARTTLS stands, letters were overwritten, as in XXXXXXXA: a device on the
way took TLS away) ·
refused (the client asked for TLS, the answer was no, and it went on in the clear all the same) ·
offered (the server offered TLS, and the client did not ask for it).
Looked at are SMTP, IMAP, POP3, FTP, NNTP, Sieve, XMPP, PostgreSQL and MySQL. An offer that was taken out as a whole
looks like a server without TLS: then plaintext.after_tls tells, where the endpoint spoke TLS with others.

Evidence: what server and client said in the clear (observed).

Why it matters: opportunistic TLS gives way to anybody on the path who says no in the server's name; mail, passwords and
data then go in the clear without anybody being told.

How to fix: require TLS on both sides: clients that refuse to go on without it (SMTP by MTA-STS or DANE, PostgreSQL
`sslmode=verify-full`, MySQL `--ssl-mode=VERIFY_IDENTITY`), servers that refuse logins in the clear; or TLS from the
first byte (ports 465, 993, 995, RFC 8314). Of `mangled`: switch the device's inspection of SMTP off (Cisco: `no inspect
esmtp`, or `allow-tls`).

Reference: RFC 3207 section 6; RFC 8314 section 3; Durumeric et al., "Neither Snow Nor Rain Nor MITM...", IMC 2015.
"""

from typing import Final

from probe.model import Facts, Severity, Status, Verdict

CHECK: Final = "tls.starttls_stripped"
_FACT: Final = "tls.starttls"
_REQUIRE: Final = "Require TLS in client and server, or use TLS from the first byte."
_ROWS: Final[dict[str, tuple[Status, Severity, str, str]]] = {
    "mangled": (
        "fail",
        "high",
        "STARTTLS overwritten on the way",
        "Find the device on the way that rewrites SMTP (Cisco: inspect esmtp) and let it leave TLS alone.",
    ),
    "refused": ("warn", "medium", "TLS asked for and refused, then in the clear", _REQUIRE),
    "offered": ("warn", "low", "TLS offered and not used", _REQUIRE),
}


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where there was a chance of TLS."""
    chance = facts.get(_FACT)
    if facts.get("class") != "plaintext" or chance not in _ROWS:
        return []
    status, severity, title, remediation = _ROWS[chance]
    protocol = str(facts.get("protocol", ""))
    return [
        Verdict(
            check=CHECK,
            status=status,
            severity=severity,
            title=f"{title}: {protocol}",
            observed={_FACT: chance, "protocol": protocol},
            key={_FACT: chance},
            remediation=remediation,
        )
    ]

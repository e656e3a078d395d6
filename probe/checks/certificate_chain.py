"""certificate.chain: whether the server's certificate would be accepted, and every reason why not

Meaning: `observed.reason` is one of
ok (leads to a trusted root and is valid) ·
expired, not_yet_valid (judged at the time of the packet) ·
self_signed (vouches for itself) ·
unknown_root (leads to a root that is not trusted here) ·
missing_intermediate (the server did not send the certificate that links its own to a root) ·
wrong_name (not issued for the name that the client asked for) ·
revoked (by a stapled OCSP response or the lists given by --crl, from the moment that they name) ·
revocation_unknown (the list of its authority is out of date, or not signed by it) ·
weak_key (less than 112 bits of security; or RSA with an exponent of 1 or an even one, with factors below 752, with
primes that lie close together, of the ROCA kind, or on a list given by --weak-keys) ·
weak_signature (SHA-1 or MD5) ·
not_a_ca (signed by a certificate that may not sign others) ·
wrong_usage (not issued for servers, or outside what its issuer may issue) ·
unparseable (broken encoding) ·
not_observable (TLS 1.3 encrypts certificates; a resumed session sends none, and the handshake that it resumes was not
seen).
Several may apply; each is a finding of its own.

Evidence: the Certificate message as it was seen (observed), against the roots of this host and those given by --trust,
and the revocation lists given by --crl, whose signatures are checked. Of a session that resumes an earlier one, up to
TLS 1.2, the chain of that handshake is judged at the time of the resumption (inferred: the session id or ticket ties
them together).
`observed.store` names the stores that have the root to which the chain leads: `host`, the name given with
`--trust NAME=FILE`, else `private`.
The finding names the certificate by SHA-256, subject and issuer. `ok` with `observed.detail` means that OpenSSL accepts
the chain but the stricter profile of the web PKI does not, which is common and harmless for private authorities.

Why it matters: a client that accepts such a certificate can be talked into accepting an attacker's; a client that does
not accept it cannot connect.

How to fix: the finding says it for each reason; most often: renew, send the full chain, or add the private root by
--trust.

Reference: RFC 5280 (path validation, revocation lists), RFC 9525 (names), RFC 9325 section 4.5 (keys and signatures).
"""

from typing import Final, Literal

from probe.checks import (
    certificate_expiring,
    certificate_interception,
    certificate_self_signed,
    certificate_staple,
    certificate_transparency,
    certificate_validity_length,
    certificate_wildcard,
    ike_certificate,
    mtls_certificate,
)
from probe.model import Facts, Reason, Severity, Status, Verdict

CHECK: Final = "certificate.chain"

_Told = Literal["detail", "subject", "issuer"]
_Row = tuple[Status, Severity, str, _Told | None, str | None]
_REASONS: Final[dict[Reason | Literal["outside_profile", "certificate.self_signed"], _Row]] = {
    "ok": ("pass", "info", "Certificate chain accepted", None, None),
    "outside_profile": (
        "warn",
        "low",
        "Certificate chain valid, but outside the profile of the web PKI",
        None,
        "Nothing is urgent: bring the authority's certificates in line with RFC 5280 when they are next issued.",
    ),
    "expired": (
        "fail",
        "high",
        "Certificate expired",
        "detail",
        "Renew the certificate, and automate it so that it cannot happen again.",
    ),
    "not_yet_valid": (
        "fail",
        "high",
        "Certificate not yet valid",
        "detail",
        "Check the server's clock and the date from which it was issued.",
    ),
    "self_signed": (
        "fail",
        "high",
        "Self-signed certificate",
        "subject",
        "Use a certificate of an authority that clients trust; if this one is meant, name it by --trust.",
    ),
    "unknown_root": (
        "fail",
        "high",
        "Certificate of an authority that is not trusted here",
        "issuer",
        "If it is a private authority, name its root by --trust; else replace the certificate.",
    ),
    "missing_intermediate": (
        "warn",
        "medium",
        "Issuer of the certificate was not sent and is not known here",
        "issuer",
        "Configure the server to send its full chain; if a private authority issued it, name that by --trust.",
    ),
    "wrong_name": (
        "fail",
        "high",
        "Certificate is for another name",
        "detail",
        "Issue a certificate that lists the name that clients ask for, or correct the clients.",
    ),
    "revoked": ("fail", "critical", "Certificate revoked", "detail", "Replace the certificate and its key now."),
    "revocation_unknown": (
        "warn",
        "low",
        "Whether the certificate is revoked is not known",
        "detail",
        "Give the authority's current list by --crl.",
    ),
    "weak_key": (
        "fail",
        "high",
        "Certificate with a weak key",
        "detail",
        "Issue a new certificate with ECDSA P-256 or RSA of at least 2048 bits.",
    ),
    "weak_signature": (
        "fail",
        "high",
        "Certificate with a weak signature",
        "detail",
        "Issue it again, signed with SHA-256 or better.",
    ),
    "not_a_ca": (
        "fail",
        "critical",
        "Certificate signed by one that may not sign others",
        "subject",
        "Find out who issued it: this is a mistake of the authority or an attack.",
    ),
    "wrong_usage": (
        "fail",
        "medium",
        "Certificate used for what it was not issued for",
        "detail",
        "Issue a certificate with extendedKeyUsage serverAuth, within what its authority may issue.",
    ),
    "unparseable": (
        "fail",
        "medium",
        "Certificate cannot be parsed",
        "detail",
        "Issue it again: its encoding is broken, and clients may refuse it.",
    ),
    "not_observable": (
        "not_observable",
        "info",
        "Certificate not observable",
        "detail",
        "Look at the endpoint itself, or give the session's keys.",
    ),
    certificate_expiring.CHECK: certificate_expiring.WORDING,
    certificate_validity_length.CHECK: certificate_validity_length.WORDING,
    certificate_wildcard.CHECK: certificate_wildcard.WORDING,
    certificate_interception.CHECK: certificate_interception.WORDING,
    certificate_staple.CHECK: certificate_staple.WORDING,
    certificate_transparency.CHECK: certificate_transparency.WORDING,
    certificate_self_signed.CHECK: certificate_self_signed.WORDING,
}
_ROWS: Final[dict[str, _Row]] = {
    **{str(reason): row for reason, row in _REASONS.items()},
    **mtls_certificate.ROWS,
    **ike_certificate.ROWS,
}
WORDINGS: Final = [(reason, (*row, reason == certificate_self_signed.CHECK)) for reason, row in _ROWS.items()]
"""Of each reason: status, severity, title, what of the certificate the title tells besides, remediation, and whether it
is for public addresses only. The row `outside_profile` is for `ok` with a detail; one with a dot is a check of its own,
but for those with `client.` or `peer.` in front, for chains of clients and of peers of IKE. The ledger puts chains into
these words."""
_HIDDEN: Final = ("TLSv1.3", "DTLSv1.3")


def not_observable(facts: Facts) -> Verdict | None:
    """For TLS without a readable certificate; None where there is none to expect, since the suite does without."""
    if facts.get("class") != "tls" or facts.get("tls.certificates") or facts.get("tls.inherited"):
        return None
    if {"anon", "psk"} & set(facts.get("tls.suite.properties", ())) and not facts.get("tls.resumed"):
        return None
    version = facts.get("tls.version")
    if version in _HIDDEN and facts.get("tls.keys") != "fit":
        why = f"{str(version).replace('v', ' ')} encrypts it"
    elif facts.get("tls.resumed"):
        why = "the session was resumed, which sends none"
    elif "tls.certificates" in facts:
        why = "the server sent an empty list"
    else:
        why = "the handshake is not in the capture as a whole"
    status, severity, title, _, remediation = _REASONS["not_observable"]
    return Verdict(
        check=CHECK,
        status=status,
        severity=severity,
        title=f"{title}: {why}",
        observed={"reason": "not_observable", "detail": why},
        key={"reason": "not_observable"},
        remediation=remediation,
        evidence="not_observable",
    )

"""certificate.chain: whether the server's certificate would be accepted, and every reason why not

Meaning: `observed.reason` is one of
ok (leads to a trusted root and is valid) ·
expired, not_yet_valid (judged at the time of the packet) ·
self_signed (vouches for itself) ·
unknown_root (leads to a root that is not trusted here) ·
missing_intermediate (the server did not send the certificate that links its own to a root) ·
wrong_name (not issued for the name that the client asked for) ·
revoked ·
weak_key (less than 112 bits of security) ·
weak_signature (SHA-1 or MD5) ·
not_a_ca (signed by a certificate that may not sign others) ·
wrong_usage (not issued for servers, or outside what its issuer may issue) ·
unparseable (broken encoding) ·
not_observable (TLS 1.3 encrypts certificates; a resumed session sends none).
Several may apply; each is a finding of its own.

Evidence: the Certificate message as it was seen (observed), against the roots of this host and those given by --trust.
The finding names the certificate by SHA-256, subject and issuer. `ok` with `observed.detail` means that OpenSSL accepts
the chain but the stricter profile of the web PKI does not, which is common and harmless for private authorities.

Why it matters: a client that accepts such a certificate can be talked into accepting an attacker's; a client that does
not accept it cannot connect.

How to fix: the finding says it for each reason; most often: renew, send the full chain, or add the private root by
--trust.

Reference: RFC 5280 (path validation), RFC 9525 (names), RFC 9325 section 4.5 (keys and signatures).
"""

from typing import TYPE_CHECKING, Final

from probe.model import Facts, Reason, Severity, Status, Verdict

if TYPE_CHECKING:
    from probe.trust.reasons import Judgement

CHECK: Final = "certificate.chain"

_Row = tuple[Status, Severity, str, str | None]
_REASONS: Final[dict[Reason, _Row]] = {
    "ok": ("pass", "info", "Certificate chain accepted", None),
    "expired": (
        "fail",
        "high",
        "Certificate expired",
        "Renew the certificate, and automate it so that it cannot happen again.",
    ),
    "not_yet_valid": (
        "fail",
        "high",
        "Certificate not yet valid",
        "Check the server's clock and the date from which it was issued.",
    ),
    "self_signed": (
        "fail",
        "high",
        "Self-signed certificate",
        "Use a certificate of an authority that clients trust; if this one is meant, name it by --trust.",
    ),
    "unknown_root": (
        "fail",
        "high",
        "Certificate of an authority that is not trusted here",
        "If it is a private authority, name its root by --trust; else replace the certificate.",
    ),
    "missing_intermediate": (
        "warn",
        "medium",
        "Issuer of the certificate was not sent and is not known here",
        "Configure the server to send its full chain; if a private authority issued it, name that by --trust.",
    ),
    "wrong_name": (
        "fail",
        "high",
        "Certificate is for another name",
        "Issue a certificate that lists the name that clients ask for, or correct the clients.",
    ),
    "revoked": ("fail", "critical", "Certificate revoked", "Replace the certificate and its key now."),
    "weak_key": (
        "fail",
        "high",
        "Certificate with a weak key",
        "Issue a new certificate with ECDSA P-256 or RSA of at least 2048 bits.",
    ),
    "weak_signature": (
        "fail",
        "high",
        "Certificate with a weak signature",
        "Issue it again, signed with SHA-256 or better.",
    ),
    "not_a_ca": (
        "fail",
        "critical",
        "Certificate signed by one that may not sign others",
        "Find out who issued it: this is a mistake of the authority or an attack.",
    ),
    "wrong_usage": (
        "fail",
        "medium",
        "Certificate used for what it was not issued for",
        "Issue a certificate with extendedKeyUsage serverAuth, within what its authority may issue.",
    ),
    "unparseable": (
        "fail",
        "medium",
        "Certificate cannot be parsed",
        "Issue it again: its encoding is broken, and clients may refuse it.",
    ),
    "not_observable": (
        "not_observable",
        "info",
        "Certificate not observable",
        "Look at the endpoint itself, or give the session's keys.",
    ),
}
_HIDDEN: Final = ("TLSv1.3", "DTLSv1.3")


def of_judgement(judgement: "Judgement") -> Verdict:
    """The verdict for one reason of a judged chain."""
    reason = judgement.reason
    status, severity, title, remediation = _REASONS[reason]
    if reason == "ok" and judgement.detail is not None:
        status, severity, title = "warn", "low", "Certificate chain valid, but outside the profile of the web PKI"
        remediation = (
            "Nothing is urgent: bring the authority's certificates in line with RFC 5280 when they are next issued."
        )
    elif told := _told(judgement):
        title = f"{title}: {told}"
    observed: Facts = {"reason": reason}
    for name, value in (
        ("sha256", judgement.sha256),
        ("subject", judgement.subject),
        ("issuer", judgement.issuer),
        ("detail", judgement.detail),
    ):
        if value is not None:
            observed[name] = value
    return _verdict(status, severity, title, observed, remediation)


def _told(judgement: "Judgement") -> str | None:
    """What tells this certificate best: whose it is where trust is missing, else the detail."""
    if judgement.reason in ("unknown_root", "missing_intermediate"):
        return f"issued by {judgement.issuer}" if judgement.issuer else judgement.detail
    if judgement.reason in ("self_signed", "not_a_ca"):
        return judgement.subject
    return judgement.detail


def not_observable(facts: Facts) -> Verdict | None:
    """For TLS without a readable certificate; None where there is none to expect, since the suite does without."""
    if facts.get("class") != "tls" or facts.get("tls.certificates"):
        return None
    if {"anon", "psk"} & set(facts.get("tls.suite.properties", ())) and not facts.get("tls.resumed"):
        return None
    version = facts.get("tls.version")
    if version in _HIDDEN:
        why = f"{str(version).replace('v', ' ')} encrypts it"
    elif facts.get("tls.resumed"):
        why = "the session was resumed, which sends none"
    elif "tls.certificates" in facts:
        why = "the server sent an empty list"
    else:
        why = "the handshake is not in the capture as a whole"
    status, severity, title, remediation = _REASONS["not_observable"]
    return _verdict(status, severity, f"{title}: {why}", {"reason": "not_observable", "detail": why}, remediation)


def _verdict(status: Status, severity: Severity, title: str, observed: Facts, remediation: str | None) -> Verdict:
    return Verdict(
        check=CHECK,
        status=status,
        severity=severity,
        title=title,
        observed=observed,
        key={"reason": observed["reason"]},
        remediation=remediation,
        evidence="not_observable" if status == "not_observable" else "observed",
    )

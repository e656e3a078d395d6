"""mtls.requested: a server that asks its clients for certificates, and what came of it

Meaning: the server asked its client for a certificate. `observed.tls.client_certificate` is one of
accepted (the client showed a certificate and the server went on) ·
absent (the client answered that it has none, and the server went on: the certificate is optional there) ·
refused (the server ended the handshake with an alert after the client's answer, be it a certificate or none) ·
presented, requested (the capture ends before it is clear).
Only `refused` is noted, the others pass: many servers (MySQL, say) ask every client and mean it as an offer. Whoever
means an endpoint for mutual TLS looks for `absent` there: it lets strangers in, as far as TLS goes.

Evidence: up to TLS 1.2 CertificateRequest, the client's Certificate and the server's alert in the clear (observed).
TLS 1.3 encrypts all three; there the sizes of the records tell (inferred): a client that is not asked sends a Finished,
whose length is known, one that is asked sends a Certificate before it, and a refusal has the length of an alert. With
keys for the session the messages themselves are read (decrypted), and only the refusal is inferred. Nothing is said of
QUIC and DTLS 1.3 without keys, of sessions with early data, and where records are padded.

Why it matters: mutual TLS that is optional is no authentication: whoever has no certificate is served all the same,
unless the application looks.

How to fix: require the certificate: nginx `ssl_verify_client on`, Apache `SSLVerifyClient require`, HAProxy
`verify required`, AWS ELB mutual authentication in mode `verify`, OpenSSL SSL_VERIFY_FAIL_IF_NO_PEER_CERT. Of
`refused`: renew the client's certificate, or have its issuer named on the server.

Reference: RFC 5246 sections 7.4.4 and 7.4.6, RFC 8446 section 4.3.2.
"""

from typing import Final

from probe.model import EvidenceClass, Facts, Severity, Status, Verdict

CHECK: Final = "mtls.requested"

_SHOWN: Final = ("tls.client_certificate", "tls.alert")
_Row = tuple[Status, Severity, str, str | None]
_ROWS: Final[dict[str, _Row]] = {
    "accepted": ("pass", "info", "Client certificate requested and accepted", None),
    "presented": ("pass", "info", "Client certificate requested and presented", None),
    "requested": ("pass", "info", "Client certificate requested", None),
    "absent": ("pass", "info", "Client without a certificate served though one was requested", None),
    "refused": (
        "warn",
        "medium",
        "Client refused at the request for its certificate",
        "Give the client a valid certificate of an issuer that the server knows.",
    ),
}


def judge(facts: Facts) -> list[Verdict]:
    """One verdict where a request was seen."""
    outcome = facts.get("tls.client_certificate")
    if outcome not in _ROWS or (outcome == "absent" and facts.get("tls.alert")):
        return []
    status, severity, title, remediation = _ROWS[outcome]
    observed: Facts = {name: facts[name] for name in _SHOWN if name in facts}
    evidence: EvidenceClass = facts.get("tls.client_certificate_evidence", "observed")
    return [
        Verdict(
            check=CHECK,
            status=status,
            severity=severity,
            title=title,
            observed=observed,
            key=observed,
            remediation=remediation,
            evidence=evidence,
        )
    ]

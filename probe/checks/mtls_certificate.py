"""mtls.certificate: whether a client's certificate would be accepted, and every reason why not

Meaning: `observed.reason` is one of those of certificate.chain, judged for a client: the certificate has to be issued
for clients (extendedKeyUsage clientAuth), and there is no name to compare. unknown_root, missing_intermediate and
self_signed are low here: what servers accept clients by is mostly an authority of their own that this host does not
trust; name it by --trust.

Evidence: the client's Certificate message up to TLS 1.2 (observed), or read with keys in TLS 1.3 (decrypted). Whether
the server accepted it is mtls.requested.

Why it matters: a server that accepts an expired, weak or misused certificate of a client does not check what it asks
for.

How to fix: renew the client's certificate; let the server check validity, issuer and usage (nginx `ssl_verify_client
on`, Apache `SSLVerifyClient require`, HAProxy `verify required`, AWS ELB mutual authentication in mode `verify`).

Reference: RFC 5280 section 4.2.1.12; RFC 8446 section 4.4.2.4.
"""

from typing import Final, Literal

from probe.model import Severity, Status

CHECK: Final = "mtls.certificate"
_PRIVATE: Final = "If the server has an authority of its own, name its root by --trust; else look at what it accepts."
ROWS: Final[dict[str, tuple[Status, Severity, str, Literal["detail", "subject", "issuer"] | None, str | None]]] = {
    "client.self_signed": ("warn", "low", "Self-signed certificate", "subject", _PRIVATE),
    "client.unknown_root": ("warn", "low", "Certificate of an authority that is not trusted here", "issuer", _PRIVATE),
    "client.missing_intermediate": ("warn", "low", "Issuer of the certificate is not known here", "issuer", _PRIVATE),
    "client.wrong_usage": (
        "fail",
        "medium",
        "Certificate used for what it was not issued for",
        "detail",
        "Issue a certificate with extendedKeyUsage clientAuth, within what its authority may issue.",
    ),
}
"""Where clients have other words than servers: as in certificate_chain.py."""

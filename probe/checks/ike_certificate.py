"""ike.certificate: whether the certificate of a peer of IKE would be accepted, and every reason why not

Meaning: `observed.reason` is one of those of certificate.chain, judged for a peer of IKE: extendedKeyUsage is not
asked for, and the name is what the peer claims to be in its ID payload: an address, host's or mail name has to be a
subjectAltName, a distinguished name the subject. unknown_root, missing_intermediate and self_signed are low here:
tunnels mostly have an authority of their own that this host does not trust; name it by --trust.

Evidence: the CERT and ID payloads of IKE_AUTH, read with the keys of the IKE SA (decrypted).

Why it matters: a gateway that accepts an expired, weak or other certificate than that of its peer can be talked into a
tunnel with somebody else.

How to fix: renew the certificate, with the identity among its subjectAltNames (strongSwan: `pki --issue --san`, and
`id` of the connection); give the gateway the authority of its peers and nothing more.

Reference: RFC 4945 sections 3.1 and 5.1.3 (profile for IKE), RFC 7296 section 3.5 and 3.6.
"""

from typing import Final, Literal

from probe.model import Severity, Status

CHECK: Final = "ike.certificate"
_PRIVATE: Final = "If the tunnel has an authority of its own, name its root by --trust; else see what gateways accept."
ROWS: Final[dict[str, tuple[Status, Severity, str, Literal["detail", "subject", "issuer"] | None, str | None]]] = {
    "peer.self_signed": ("warn", "low", "Self-signed certificate", "subject", _PRIVATE),
    "peer.unknown_root": ("warn", "low", "Certificate of an authority that is not trusted here", "issuer", _PRIVATE),
    "peer.missing_intermediate": ("warn", "low", "Issuer of the certificate is not known here", "issuer", _PRIVATE),
    "peer.wrong_name": (
        "fail",
        "high",
        "Certificate does not prove what the peer claims to be",
        "detail",
        "Issue it with the identity among its subjectAltNames, or let the peer claim what it has.",
    ),
}
"""Where peers have other words than servers: as in certificate_chain.py."""

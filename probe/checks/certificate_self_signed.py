"""certificate.self_signed: a self-signed certificate at an address of the public Internet

Meaning: a server at an address that is reachable all over the Internet sent a certificate that vouches for itself.
The chain's own finding (certificate.chain, reason self_signed) is there besides; this one sets apart what strangers
meet from what is meant for a network of one's own. DTLS is left out: the peers of a call make their certificates for it
and vouch for them elsewhere (RFC 8827).

Evidence: the Certificate message (observed), and the server's address against IANA's special-purpose registries:
private, link-local, shared, documentation and benchmarking addresses are not public.

Why it matters: no stranger can tell this certificate from the one of an attacker on the path, so clients either refuse
it or were told not to look.

How to fix: get a certificate from a public authority, by ACME without a charge; or take the service off the Internet.

Reference: RFC 9325 section 6.2; IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890).
"""

from typing import Final

CHECK: Final = "certificate.self_signed"
WORDING: Final = (
    "fail",
    "high",
    "Self-signed certificate at a public address",
    "subject",
    "Get a certificate from a public authority, by ACME for instance, or take the service off the Internet.",
)
"""As in certificate_chain.py; for public addresses only."""

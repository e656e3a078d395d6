"""certificate.interception: a certificate made up on the way by a product that reads along inside TLS

Meaning: an issuer in the chain has a name with which a security product, a proxy or an antivirus program is known to
sign the certificates that it makes up for the sites that it reads along with. `observed.detail` names the product.

Evidence: the issuers' names in the Certificate message (observed), against the list that is shipped,
probe/trust/middleboxes.toml, with the source of each name. Anybody can take such a name; and such a product signs its
own administration pages with it too, so one that is reached directly is found as well. A product that uses the
organisation's own authority is not told from it by names: then compare with what the endpoint itself sends
(`transitproof cert`), or look at certificate.changed.

Why it matters: what the client takes for its peer is the product, which sees everything in the clear, chooses the
protocol version towards the server itself, and decides whether the server's certificate is checked at all.

How to fix: if it is meant, exempt what must not be read, and see how the product verifies servers; if it is not, find
out who installed it.

Reference: Durumeric et al., "The Security Impact of HTTPS Interception", NDSS 2017.
"""

from typing import Final

CHECK: Final = "certificate.interception"
WORDING: Final = (
    "warn",
    "medium",
    "Certificate signed with the name of a product that reads along inside TLS",
    "detail",
    "If it is meant, exempt what must not be read and see how it verifies servers; else find out who installed it.",
)
"""As in certificate_chain.py."""

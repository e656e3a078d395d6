"""certificate.staple: a stapled OCSP response that proves nothing

Meaning: the server sent a statement of its authority with its certificate, but it does not hold: it is out of date or
of the future, about another certificate, not signed by the authority of the certificate or one to whom that delegated
it (a certificate of its own with OCSPSigning), an error of the responder, or it cannot be parsed. `observed.detail`
says which. A response that revokes the certificate is certificate.chain with the reason revoked.

Evidence: the CertificateStatus message up to TLS 1.2 (observed), the extension in TLS 1.3 (decrypted), at packet time
or as --at says; five minutes are granted for clocks. Without the authority's certificate nothing can be checked, and
nothing is said.

Why it matters: clients that look at staples refuse the connection, those that do not learn nothing of a revocation. It
tells that the server cannot reach the responder any more.

How to fix: let the server fetch responses in time: nginx `ssl_stapling on` with a `resolver`, Apache `SSLUseStapling`,
HAProxy `ocsp-update`; see that it can reach the responder, and that it has its authority's certificate.

Reference: RFC 6960 sections 3.2 and 4.2.2; RFC 6066 section 8; RFC 8446 section 4.4.2.1.
"""

from typing import Final

CHECK: Final = "certificate.staple"
WORDING: Final = (
    "warn",
    "medium",
    "Stapled OCSP response that proves nothing",
    "detail",
    "Let the server fetch responses in time, and see that it can reach the responder.",
)
"""As in certificate_chain.py."""

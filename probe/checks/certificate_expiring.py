"""certificate.expiring: a certificate in use that will soon not be valid any more

Meaning: at the time of the packet less than 30 days, or less than a sixth of its lifetime if that is shorter, were left
of the validity of the server's certificate: 15 days of one for 90, 7 of one for 47.

Evidence: notAfter and notBefore of the certificate in the Certificate message (observed), at packet time or as --at
says. The finding names the certificate by SHA-256, subject and issuer.

Why it matters: automated renewal happens at a third of the lifetime. A certificate that is still used at a sixth tells
that renewal has failed, or that the server was not loaded anew; on the day it expires, clients stop connecting.

How to fix: renew it now, see why that did not happen by itself, and reload the server.

Reference: RFC 5280 section 4.1.2.5; RFC 8739 section 2; the schedule of CA/B Forum ballot SC081, by which lifetimes
shrink to 47 days.
"""

from typing import Final

CHECK: Final = "certificate.expiring"
WORDING: Final = (
    "warn",
    "medium",
    "Certificate expires soon",
    "detail",
    "Renew the certificate, see why that did not happen by itself, and reload the server.",
)
"""As in certificate_chain.py."""

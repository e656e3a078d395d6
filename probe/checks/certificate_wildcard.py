"""certificate.wildcard: a certificate whose wildcards cover more than anybody can answer for, or nothing at all

Meaning: the finding says which of these it is:
a wildcard directly below a name where everybody may register (`*.com`, `*.co.uk`), or below a top-level name of one's
own (`*.internal`), or `*` alone ·
a star that is not the whole left-most label (`w*.example.com`, `a.*.example.com`): clients do not take it ·
wildcards for more than 100 domains in one certificate: whoever has the key of one server can be all of them.
A wildcard for one's own domain (`*.example.com`) is not reported.

Evidence: subjectAltName of the server's certificate in the Certificate message (observed), against the ICANN section of
the public suffix list that is shipped.

Why it matters: the key of such a certificate speaks for names of others, or for so many that one lost server loses all.
Public authorities have to refuse the first kind, so a private one issued it, or one that makes mistakes.

How to fix: issue a certificate that lists the names that the server has, or a wildcard for one domain of one's own.

Reference: RFC 9525 section 6.3; CA/B Forum Baseline Requirements section 3.2.2.6; publicsuffix.org.
"""

from typing import Final

CHECK: Final = "certificate.wildcard"
WORDING: Final = (
    "warn",
    "medium",
    "Certificate with a wildcard that covers too much, or nothing",
    "detail",
    "Issue a certificate that lists the names that the server has, or a wildcard for one domain of your own.",
)
"""As in certificate_chain.py."""

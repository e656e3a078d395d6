"""certificate.validity_length: a certificate of a public authority that is valid for longer than it may be

Meaning: the chain leads to a root of the host's own bundle, and the server's certificate is valid for more days than
the CA/B Forum allowed on the day of issue: 47 from 2029-03-15, 100 from 2027-03-15, 200 from 2026-03-15, 398 from
2020-09-01, 825 from 2018-03-01, 39 months before. Roots given by --trust are private: what they issue is not judged.

Evidence: notBefore, which stands for the day of issue, and notAfter of the certificate in the Certificate message
(observed). Both ends count, and a part of a day counts as one.

Why it matters: browsers refuse such a certificate; and a key that is used for long is long at risk, since revocation
hardly reaches anybody.

How to fix: issue the certificate anew, by ACME if possible. If the authority is a private one that was put into the
host's bundle, nothing has to be done.

Reference: CA/B Forum Baseline Requirements section 6.3.2 (ballots 193, SC22, SC081).
"""

from typing import Final

CHECK: Final = "certificate.validity_length"
WORDING: Final = (
    "fail",
    "medium",
    "Certificate valid for longer than a public authority may issue it",
    "detail",
    "Issue the certificate anew with the validity that is allowed today, by ACME if possible.",
)
"""As in certificate_chain.py."""

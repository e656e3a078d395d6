"""certificate.transparency: a certificate of a public authority that too few logs promised to publish

Meaning: the chain leads to a root of a public programme (the host's own, say), and fewer logs of the list given by
--ct-logs than browsers want have signed that they will publish the certificate: two for a validity of up to 180 days,
three for a longer one, of two operators at least. `observed.detail` counts them and says what is wrong with the others:
of a log that is not on the list, signed wrongly, of the future, of a log that was retired before. Nothing is said
without --ct-logs.

Evidence: timestamps embedded in the certificate, in the TLS extension and in a stapled OCSP response (observed;
decrypted in TLS 1.3), each signature checked with the key of its log. Promises are not proofs: that the log did publish
the certificate is not looked at.

Why it matters: a certificate that is not published can be issued wrongly without anybody noticing, and browsers refuse
it.

How to fix: let the authority issue it anew with timestamps embedded; or give a log list of the time of the capture:
logs come and go every year.

Reference: RFC 6962 sections 3.2 and 3.3; the Certificate Transparency policies of Chrome and Apple.
"""

from typing import Final

CHECK: Final = "certificate.transparency"
WORDING: Final = (
    "warn",
    "medium",
    "Certificate of a public authority that too few logs promised to publish",
    "detail",
    "Let the authority issue it anew with timestamps of enough logs, or give a log list of the time of the capture.",
)
"""As in certificate_chain.py."""

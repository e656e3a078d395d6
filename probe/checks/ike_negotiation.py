"""ike.negotiation: peers that did not come to an agreement

Meaning: an attempt to set up a tunnel was refused: the responder said so in clear (NO_PROPOSAL_CHOSEN and the like), or
its answer to IKE_AUTH was too short to be anything but an error, and nothing followed.

Evidence: `ike.refused`, the error of IKE_SA_INIT or of an unencrypted IKEv1 message (observed); `ike.auth_refused`,
from the size of an encrypted message (inferred): which error it was, most often AUTHENTICATION_FAILED, is not visible.

Why it matters: there is no tunnel, so what should go through it does not go or goes unprotected; and somebody who
guesses at a gateway's keys looks the same.

How to fix: compare the proposals of both gateways; if the authentication was refused, compare identities, certificates
and pre-shared keys. The responder's log names the reason.

Reference: RFC 7296 sections 1.2, 2.21 and 3.10.1.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ike.negotiation"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict for an attempt that failed."""
    if "ike.refused" in facts:
        observed = {"ike.refused": facts["ike.refused"]}
        title = f"IKE negotiation refused: {facts['ike.refused']}"
    elif facts.get("ike.auth_refused"):
        observed = {"ike.auth_refused": True}
        title = "IKE authentication refused, by the size of the answer"
    else:
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title=title,
            observed=observed,
            key=observed,
            remediation="Compare proposals, identities and keys of both gateways; the responder's log names why.",
            evidence="observed" if "ike.refused" in facts else "inferred",
        )
    ]

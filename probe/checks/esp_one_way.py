"""esp.one_way: a tunnel that carries packets in one direction only

Meaning: sixteen packets or more of ESP went one way and none came back, for as long as the flow was seen.

Evidence: `esp.one_way`, the counts of both directions (observed).

Why it matters: one gateway has lost the association and drops what it is sent, or the way back goes round the tunnel,
perhaps unprotected. Or only one direction of the link is captured, which makes much else unobservable.

How to fix: see whether the capture has both directions; then compare the SPIs on both gateways, and the routes and
policies of the way back.

Reference: RFC 4301 section 4.1 (an association protects one direction), RFC 7296 section 2.4 (half-open connections).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "esp.one_way"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict where nothing came back."""
    if not facts.get("esp.one_way"):
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="low",
            title="ESP in one direction only",
            observed={CHECK: True},
            key={CHECK: True},
            remediation="See whether both directions are captured; else compare SPIs and routes on both gateways.",
        )
    ]

"""ike.downgrade: something outdated was agreed although better was on offer

Meaning: the responder chose an algorithm that RFC 8247 has below SHOULD (DES, 3DES, MD5, SHA-1, a group under 2048
bits) while the initiator had offered one of the same kind that is not.

Evidence: `ike.downgraded`, the kinds of algorithm (encr, prf, integ, ke) of which this holds, from the offer and the
answer in IKE_SA_INIT or IKEv1's first exchange (observed). What else the responder would have accepted is not
visible.

Why it matters: the tunnel is as weak as what was chosen; a responder that prefers the old one weakens every peer, and
so does whoever can make it choose.

How to fix: remove the outdated algorithms from the proposals of both gateways, or put them last on the responder.

Reference: RFC 7296 section 2.7 (choice of a proposal), RFC 8247 section 2.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ike.downgrade"

_CHOSEN: Final = {"encr": "ike.encr", "prf": "ike.prf", "integ": "ike.integ", "ke": "ike.ke"}


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for all kinds together."""
    kinds = [kind for kind in facts.get("ike.downgraded", []) if kind in _CHOSEN]
    if not kinds:
        return []
    chosen = {_CHOSEN[kind]: facts[_CHOSEN[kind]] for kind in kinds if _CHOSEN[kind] in facts}
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title=f"IKE agreed on {', '.join(map(str, chosen.values()))} although better was offered",
            observed={"ike.downgraded": kinds, **chosen},
            key=chosen,
            remediation="Remove outdated algorithms from both gateways' proposals, or put them last on the responder.",
        )
    ]

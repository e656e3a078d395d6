"""esp.replay: packets of a tunnel seen twice

Meaning: an ESP sequence number came again in the same direction of the same security association.

Evidence: `esp.replayed` (observed); how many is in `esp.sas` of the flow record. A number is called repeated only if
it was certainly seen before: what comes late into a gap is not.

Why it matters: a receiver without replay protection takes a packet that somebody recorded and sent again. More often
the capture itself holds packets twice, as a mirror of both sides of a switch does.

How to fix: look whether the capture doubles packets; if not, see that the receiver's replay window is on (strongSwan:
replay_window) and wide enough for the path.

Reference: RFC 4303 section 3.4.3 (sequence number verification).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "esp.replay"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict where a number came twice."""
    if not facts.get("esp.replayed"):
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title="ESP packets seen twice",
            observed={"esp.replayed": True},
            key={"esp.replayed": True},
            remediation="Look whether the capture doubles packets; else check the receiver's replay window.",
        )
    ]

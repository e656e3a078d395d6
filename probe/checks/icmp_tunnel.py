"""icmp.tunnel: echo messages of which requests and answers differ

Meaning: an echo is returned as it came (RFC 792), so requests and answers of a flow are equally long. Here their
mean lengths differ by more than a fifth, over ten packets each way or more.

Evidence: `icmp.tunnel` (inferred, from packet and byte counts alone; the flow record has them).

Why it matters: programs such as ptunnel, hans and icmptunnel put packets into echo messages, because these pass
many firewalls.

How to fix: find the program on the sender; let firewalls pass echo requests of usual lengths only.

Reference: RFC 792 (Echo or Echo Reply Message), RFC 4443 section 4.2.
"""

from typing import Final

from probe.checks.signs import at_endpoint
from probe.model import Facts, Verdict

CHECK: Final = "icmp.tunnel"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict."""
    return at_endpoint(
        facts,
        CHECK,
        title="Data in echo messages: requests and answers differ in length",
        remediation="Find the program on the sender; pass echo messages of usual lengths only.",
    )

"""ntp.tunnel: time messages that are too long

Meaning: messages to the port and in the form of NTP are longer than time takes, and requests and answers differ in
length or only one side speaks.

Evidence: `ntp.tunnel` (inferred, from packet and byte counts alone; the flow record has them). Network Time
Security makes long messages too, but answers of the length of their requests.

Why it matters: NTP passes nearly every firewall; a few tunnels and much amplification traffic use it.

How to fix: let clients ask the time servers of the network only; find the program on the sender.

Reference: RFC 5905 section 7.3 (lengths), RFC 8915 section 5.7 (answers as long as requests).
"""

from typing import Final

from probe.checks.signs import at_endpoint
from probe.model import Facts, Verdict

CHECK: Final = "ntp.tunnel"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict."""
    return at_endpoint(
        facts,
        CHECK,
        title="Data in time messages: too long for NTP",
        remediation="Let clients ask the time servers of the network only; find the program on the sender.",
    )

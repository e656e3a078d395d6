"""dns.beacon: a name is asked for at even intervals by one client alone

Meaning: one client has asked for the same name, below a domain that nobody else in this network uses, for an hour
or longer at intervals that hardly differ (by less than a tenth on average).

Evidence: inferred: `dns.interval`, the seconds between two. Questions that come within a second are one.

Why it matters: programs that wait for orders ask for them so. Monitoring, updates and time services beat as well:
what is meant is known to somebody.

How to fix: find the program on the client; put what is meant on the suppression list.

Reference: MITRE ATT&CK T1071.004 (Application Layer Protocol: DNS), T1008 (Fallback Channels).
"""

from typing import Final

from probe.checks.signs import of_pair
from probe.model import Facts, Verdict

CHECK: Final = "dns.beacon"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each client and domain."""
    return of_pair(
        facts,
        CHECK,
        title="A name below {domain} asked for by {client} every " + f"{facts.get('dns.interval')} s",
        remediation="Find the program that asks; put what is meant on the suppression list.",
        shown=["dns.interval"],
        severity="low",
    )

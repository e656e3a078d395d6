"""dns.random_names: short random names below one domain that nobody resolves

Meaning: one client asks in quick succession for names of one random label below one domain, and hardly any of them
exists or is answered at all. So look attacks on the name servers of that domain (random-subdomain attacks, "water
torture"), in which the client takes part, perhaps without knowing it: as an open resolver, a bot, or a device with
a faulty program.

Evidence: inferred, from what a dns.tunnel is inferred from, with the same members. The names could carry data too,
though hardly anybody would send it so: one label of a few characters each. Therefore this is a warning of its own
and no dns.tunnel.

Why it matters: the domain's servers and the network's own resolver are loaded with look-ups that no cache can
answer.

How to fix: find the program on the client; limit the rate of queries at the resolver; do not resolve for strangers.

Reference: RFC 8020 and RFC 8198 (how resolvers may answer such names from what they know), RFC 5358 (open
resolvers).
"""

from typing import Final

from probe.checks.signs import of_pair
from probe.model import Facts, Verdict

CHECK: Final = "dns.random_names"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each client and domain."""
    return of_pair(
        facts,
        CHECK,
        title="Random names that nobody resolves: {client} asks below {domain}",
        remediation="Find the program that asks for these names; limit the rate of queries at the resolver.",
        shown=["dns.queries", "dns.names"],
    )

"""dns.option: data in options or records of queries

Meaning: queries of one client for names below one domain carried data where queries have none, each time other
data: in EDNS options of codes that are for local use or belong to nobody, in records that only answers have, or
behind the end of the message.

Evidence: observed, four different pieces of data at least. What they could hold is charged to dns.tunnel as well.
The identifiers that resolvers add for their customers stay the same and are left out.

Why it matters: few firewalls look into options, and resolvers that pass them on carry them to whoever runs the
domain.

How to fix: let the resolver strip options that it does not know (it must not pass them on, RFC 6891 section 6.2.6),
and find the program.

Reference: RFC 6891 sections 6.1.2 and 9 (options for local use), IANA DNS EDNS0 Option Codes.
"""

from typing import Final

from probe.checks.signs import of_pair
from probe.model import Facts, Verdict

CHECK: Final = "dns.option"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each client and domain."""
    return of_pair(
        facts,
        CHECK,
        title="Data beside the names that {client} asks for below {domain}",
        remediation="Let the resolver strip options that it does not know; find the program that sends them.",
        evidence="observed",
    )

"""dns.case: names that differ in the case of their letters alone

Meaning: one client asks for names below one domain that came before, in ever other mixtures of capital and small
letters, and spells the names of other domains as everybody does.

Evidence: inferred: a dozen spellings at least. Resolvers that mix the case of all names, to make forged answers
harder, are told by what they do elsewhere.

Why it matters: each letter can carry a bit, through every resolver that keeps the case, and nothing but the case
changes.

How to fix: find the program on the client. A resolver that mixes the case itself destroys what the case carried.

Reference: RFC 4343 (case in names), draft-vixie-dnsext-dns0x20 (mixed on purpose).
"""

from typing import Final

from probe.checks.signs import of_pair
from probe.model import Facts, Verdict

CHECK: Final = "dns.case"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each client and domain."""
    return of_pair(
        facts,
        CHECK,
        title="Names below {domain} that {client} spells in ever other ways",
        remediation="Find the program that asks for these names; let the resolver choose the case.",
    )

"""dns.tunnel: data that leaves or comes in through DNS names and answers

Meaning: one client asked for names below one registered domain that together could carry more data than names have
reason to. Every name that was not asked for before is charged with the bits that its labels can hold at most:
little for words and for labels that came before, five bits a character for base32. The sum leaks away over seconds,
hours and a day, and each of the three has its threshold; what comes back in TXT, NULL, CNAME and like answers is
summed up as well. Evidence moves the thresholds: the types that are asked for, how labels look, how long answers
may be kept, even intervals, a label that counts. A domain that many clients use needs far more volume.

Evidence: inferred. `score` from 0 to 1 (0.5 is where an alert begins, a tenth more stands for twice the bytes) and
`why`, the terms that add up to it: `volume` (with the bucket that was fullest in `dns.volume`), `types`, `names`,
`labels`, `answers`, `clock`, `counter`, `prevalence`, `known_service`. `first_seen` is the packet time of the first
query that counted, `first_alert` that of the alert, `bytes_estimated` an upper bound of what went through, both ways
(`dns.bytes_up`, `dns.bytes_down`), by the end of the capture. `dns.domains` is there if the names are spread over
many domains, `dns.clients` if it took many clients' names together.

Why it matters: DNS passes nearly every firewall, through the resolver that the network itself offers. Tunnels over
it (iodine, dns2tcp, dnscat2 and many kinds of malware) carry files out and commands in where everything else is
blocked.

How to fix: find the program on the client that asks for the domain. If nobody knows it, block the domain at the
resolver and treat the client as compromised. If it is a service that puts its questions into names, as scanners of
mail and files do, put it on the suppression list with the reason.

Reference: RFC 1035 section 2.3.4 (what fits into a name), RFC 7858 and 8484 (what does not show here), V. Paxson et
al., Practical Comprehensive Bounds on Surreptitious Communication Over DNS, USENIX Security 2013.
"""

from typing import Final

from probe.checks.signs import of_pair
from probe.model import Facts, Verdict

CHECK: Final = "dns.tunnel"


_SHOWN: Final = (
    "dns.volume",
    "dns.domains",
    "dns.clients",
    "dns.queries",
    "dns.names",
    "dns.bytes_up",
    "dns.bytes_down",
)
_CERTAIN: Final = 0.6  # twice the bytes that an alert takes, or as much other evidence


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each client and domain that reached the threshold."""
    score = facts.get(CHECK, {}).get("score", 0)
    return of_pair(
        facts,
        CHECK,
        title="Data tunnelled through DNS: {client} asks for names below {domain}",
        remediation="Find the program that asks for these names; block the domain unless it is wanted.",
        shown=_SHOWN,
        status="fail",
        severity="critical" if score >= _CERTAIN else "high",
    )

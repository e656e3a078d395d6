"""dns.odd_port: DNS on another port than 53

Meaning: messages that are DNS beyond doubt go to a port that is not DNS's own.

Evidence: `dns.port` (observed, by the content of the messages).

Why it matters: firewalls and resolvers look at port 53. Whoever uses another one may want to go past them: tunnels
and malware with a server of their own do.

How to fix: find the program; let it use the resolver of the network. Local services that are meant to be there (a
resolver behind a forwarder, a service registry) are in order.

Reference: RFC 1035 section 4.2 (port 53).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "dns.odd_port"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each port."""
    port = facts.get("dns.port")
    if port is None:
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="low",
            title=f"DNS on port {port}",
            observed={"dns.port": port},
            key={"dns.port": port},
            remediation="Find the program that asks there; let it use the resolver of the network.",
            evidence="observed",
        )
    ]

"""dns.resolver: a server is asked that is none of the declared resolvers

Meaning: resolvers were declared (`--dns FILE`, `resolvers`), and a client asked another server.

Evidence: `dns.server` (observed). Without a declaration nothing is said.

Why it matters: who asks another resolver goes past the block lists and logs of the network's own, by mistake, on
purpose or because malware changed the settings of the host (the resolver then answers what it likes).

How to fix: correct the settings of the host; block port 53 for all but the resolvers; if the resolver is meant,
declare it.

Reference: RFC 2132 section 3.8 and RFC 8106 (how hosts are told their resolvers).
"""

import ipaddress
from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "dns.resolver"


def judge(facts: Facts, resolvers: list[str]) -> list[Verdict]:
    """One verdict for each server that is not declared."""
    server = facts.get("dns.server")
    if server is None or not resolvers or _same(server) in {_same(resolver) for resolver in resolvers}:
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title=f"DNS server asked that is not declared: {server}",
            observed={"dns.server": server},
            key={"dns.server": server},
            remediation="Correct the settings of the host, or declare the resolver if it is meant.",
        )
    ]


def _same(address: str) -> str:
    return str(ipaddress.ip_address(address))

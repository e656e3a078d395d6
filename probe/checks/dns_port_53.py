"""dns.port_53: something else than DNS on port 53

Meaning: a flow to port 53 carries content that is no DNS: bytes that no message can be read from, or another
protocol.

Evidence: `dns.port_53`: the protocol, or `unknown` (observed). Connections without content, as scanners make them,
are left out.

Why it matters: port 53 is open nearly everywhere. VPNs and tunnels use it for what has nothing to do with names:
the raw mode of iodine, OpenVPN and WireGuard on port 53, SSH.

How to fix: let only the resolvers of the network speak to port 53 outside, and find the program on the client.

Reference: RFC 1035 section 4.2 (port 53), RFC 7766 (TCP).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "dns.port_53"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each protocol."""
    what = facts.get(CHECK)
    if what is None:
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title="Something else than DNS on port 53" + ("" if what == "unknown" else f": {what}"),
            observed={CHECK: what},
            key={CHECK: what},
            remediation="Let only resolvers speak to port 53 outside; find the program on the client.",
            evidence="observed",
        )
    ]

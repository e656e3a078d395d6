"""vpn.tunnel: a tunnel of a declared VPN connection that carries no traffic

Meaning: of the tunnels of a connection (`--vpn`; AWS gives each two) this one carried nothing, or packets in one
direction only, while the connection was in use.

Evidence: `vpn.state`: `carries`, `one_way`, `idle` (IKE was seen and no ESP), `unseen` (observed in this capture). If
no tunnel of the connection was seen at all, the capture is not of this place and nothing can be said (not_observable).

Why it matters: a connection on one tunnel is down whenever AWS replaces an endpoint for maintenance. A gateway that
keeps the second tunnel as a standby without traffic does not know whether it works.

How to fix: bring the tunnel up from the customer gateway, and let both carry traffic or at least keepalives; on AWS the
metric TunnelState says what its side sees.

Reference: AWS Site-to-Site VPN user guide (redundancy, endpoint replacement), AWS Config rule vpc-vpn-2-tunnels-up.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "vpn.tunnel"

_WORDS: Final = {
    "one_way": "carried packets in one direction only",
    "idle": "was negotiated and carried nothing",
    "unseen": "was not seen",
}


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each declared tunnel."""
    state = facts.get("vpn.state")
    if state is None:
        return []
    name, address = facts["vpn.name"], facts["vpn.outside_address"]
    seen = state != "unseen" or any(other != "unseen" for other in facts["vpn.others"])
    observed = {fact: facts[fact] for fact in ("vpn.name", "vpn.outside_address", "vpn.state")}
    if not seen:
        why = f"no tunnel of {name} is in this capture"
        return [
            Verdict(
                check=CHECK,
                status="not_observable",
                severity="info",
                title=f"Tunnel not observable: {why}",
                observed={**observed, "reason": "not_observable", "detail": why},
                key={"vpn.name": name, "vpn.outside_address": address},
                evidence="not_observable",
            )
        ]
    carries = state == "carries"
    return [
        Verdict(
            check=CHECK,
            status="pass" if carries else "warn",
            severity="info" if carries else "medium",
            title=f"{name}: tunnel {address} {'carries traffic' if carries else _WORDS[state]}",
            observed=observed,
            key={"vpn.name": name, "vpn.outside_address": address},
            remediation=None if carries else "Bring the tunnel up, and let both tunnels carry traffic or keepalives.",
        )
    ]

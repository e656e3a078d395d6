"""vpn.options: a tunnel that was negotiated other than it was declared

Meaning: the tunnel of a declared VPN connection (`--vpn`) agreed on something that is not among its options.

Evidence: `vpn.differs`, what IKE agreed on in clear: version, encryption, integrity, group, and for IKEv1 the lifetime
(observed), against the file. Options of phase 2 are agreed on under encryption and not judged.

Why it matters: the declared options are not those in force. A change was made beside the process, was not carried out,
or the file describes another tunnel.

How to fix: set the tunnel's options to what is wanted, and the customer gateway's proposals to the same.

Reference: AWS Site-to-Site VPN user guide, tunnel options.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "vpn.options"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each tunnel whose negotiation was seen."""
    if "vpn.differs" not in facts:
        return []
    differs, name = facts["vpn.differs"], facts["vpn.name"]
    title = f"{name}: negotiated {', '.join(differs)}, which was not declared" if differs else f"{name}: as declared"
    return [
        Verdict(
            check=CHECK,
            status="fail" if differs else "pass",
            severity="high" if differs else "info",
            title=title,
            observed={fact: facts[fact] for fact in ("vpn.name", "vpn.outside_address", "vpn.differs")},
            key={"vpn.name": name, "vpn.differs": differs},
            remediation="Set the tunnel's options and the customer gateway's proposals to the same."
            if differs
            else None,
        )
    ]

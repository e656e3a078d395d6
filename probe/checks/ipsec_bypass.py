"""ipsec.bypass: a policy of the gateway's kernel lets traffic pass unprotected

Meaning: `host.bypass`: a policy that allows packets as they are is asked before one that wants IPsec for some of the
same traffic (`host.bypassed`). `host.optional`: a policy wants IPsec and lets packets pass as they are while there is
no association.

Evidence: the kernel's policy database (host), handed over by `transitproof gateway`. Policies of single sockets, such
as those that let IKE itself out, are left out.

Why it matters: such traffic leaves in the clear although the tunnel is up, or whenever it is down.

How to fix: remove the policy or narrow it (strongSwan: `mode = pass` children, the bypass-lan plug-in); for optional
ones let the level be required (`ip xfrm policy … tmpl … level required`).

Reference: RFC 4301 section 4.4.1 (PROTECT, BYPASS, DISCARD; the order of the database decides).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ipsec.bypass"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict for each such policy."""
    bypass, optional = facts.get("host.bypass"), facts.get("host.optional")
    if bypass is not None:
        title = f"Policy lets {bypass} pass unprotected, before the one that protects {facts['host.bypassed']}"
        remedy = "Remove the policy, or narrow it to what may be read by anybody."
    elif optional is not None:
        title = f"Policy for {optional} lets packets pass unprotected while there is no association"
        remedy = "Make the template's level required, so that packets wait for the tunnel or are dropped."
    else:
        return []
    observed: Facts = {fact: facts[fact] for fact in ("host.bypass", "host.bypassed", "host.optional") if fact in facts}
    return [
        Verdict(
            check=CHECK,
            status="warn" if bypass is not None else "fail",
            severity="medium",
            title=title,
            observed=observed,
            key=observed,
            remediation=remedy,
        )
    ]

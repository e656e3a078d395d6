"""ipsec.association: what the wire shows and what the gateway's kernel knows of IPsec differ

Meaning: `unknown`: packets of ESP or AH from or to an address of this gateway came under an SPI that its kernel does
not have, read while they were being sent. `unseen`: the kernel used an association, and none of its packets is in the
capture.

Evidence: the kernel's state database (host), handed over without keys by `transitproof gateway`, against the SPIs on
the wire.

Why it matters: what the kernel does not know is done by another program (IPsec in user space, a virtual machine), is
left over from a tunnel that one side has forgotten, so that its packets are dropped, or is forged. Of what the capture
does not show nothing can be proven from here.

How to fix: unknown: see which program holds the addresses; after a restart let dead-peer detection clear the other
side. unseen: capture on the interface where the tunnel leaves, before hardware that takes IPsec off the host.

Reference: RFC 4301 sections 4.1 and 4.4.2 (the security association database), RFC 7296 section 2.4 (one side forgets).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ipsec.association"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict where they differ."""
    word = facts.get("host.association")
    if word is None:
        return []
    observed = {fact: facts[fact] for fact in ("host.association", "host.way")}
    if word == "unseen":
        why = "the kernel uses an association that this capture does not show"
        return [
            Verdict(
                check=CHECK,
                status="not_observable",
                severity="info",
                title=f"IPsec from {facts['host.way']} not observable: {why}",
                observed={**observed, "reason": "not_observable", "detail": why},
                key=observed,
                evidence="not_observable",
            )
        ]
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title=f"IPsec from {facts['host.way']} under an association that the kernel does not know",
            observed=observed,
            key=observed,
            remediation="See which program on this host speaks IPsec, and let both sides clear dead associations.",
        )
    ]

"""ipsec.association: what the wire shows and what the gateway knows of IPsec differ

Meaning: `unknown`: packets of ESP or AH from or to an address of this gateway came under an SPI that nobody there had
(`host.asked`: the kernel, strongSwan), read while they were being sent. `unseen`: the gateway used an association, and
none of its packets is in the capture. `offloaded`: the gateway knows the association, and an interface does the
encryption (`host.offload`: `crypto`, or `packet` for all of IPsec).

Evidence: the kernel's state database and strongSwan's child SAs (host), handed over without keys by
`transitproof gateway`, against the SPIs on the wire.

Why it matters: what the gateway does not know is done by another program (IPsec in user space, a virtual machine), is
left over from a tunnel that one side has forgotten, so that its packets are dropped, or is forged. Of what the capture
does not show nothing can be proven from here; nor of what was captured before an interface encrypted it or after it
decrypted it, where ESP looks as if it had no encryption.

How to fix: unknown: see which program holds the addresses; after a restart let dead-peer detection clear the other
side. unseen: capture on the interface where the tunnel leaves; beyond the interface where that does IPsec itself.
offloaded: capture beyond the interface (a mirror port, the peer).

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
    members = ("host.association", "host.way", "host.asked", "host.offload")
    observed = {fact: facts[fact] for fact in members if fact in facts}
    way = facts["host.way"]
    if word == "unknown":
        title = f"IPsec from {way} under an association that the gateway does not know"
        remedy = "See which program on this host speaks IPsec, and let both sides clear dead associations."
        return [
            Verdict(
                check=CHECK,
                status="warn",
                severity="medium",
                title=title,
                observed=observed,
                key={fact: facts[fact] for fact in members[:2]},
                remediation=remedy,
            )
        ]
    hidden = facts.get("host.offload") is not None
    why = (
        "an interface of the gateway encrypts it, beyond this capture"
        if hidden
        else "the gateway uses an association that this capture does not show"
    )
    return [
        Verdict(
            check=CHECK,
            status="not_observable",
            severity="info",
            title=f"IPsec from {way} not observable: {why}",
            observed={**observed, "reason": "not_observable", "detail": why},
            key={fact: facts[fact] for fact in members[:2]},
            evidence="not_observable",
        )
    ]

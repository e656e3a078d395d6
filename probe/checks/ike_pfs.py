"""ike.pfs: whether the tunnel's keys have a key exchange of their own

Meaning: child SAs made or replaced in CREATE_CHILD_SA or quick mode have fresh keys only if a Diffie-Hellman exchange
takes part (perfect forward secrecy). Whether it does is encrypted.

Evidence: not_observable, unless keys of the IKE SA were given: then `ike.child_pfs` says it (decrypted).

Why it matters: without it, whoever learns the keys of one IKE SA reads the traffic of all its children, for as long as
it lives.

How to fix: name a group in the ESP proposals of both gateways (strongSwan: esp_proposals = aes256gcm16-ecp384), or look
into their configuration; with the keys of the IKE SA the answer is in the report.

Reference: RFC 7296 sections 1.3.1 and 2.17, RFC 2409 section 5.5.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ike.pfs"

_HIDDEN: Final = "whether child SAs have a key exchange of their own (PFS) is encrypted"


def judge(facts: Facts) -> list[Verdict]:
    """For IKE that agreed on something."""
    known = facts.get("ike.child_pfs")
    if known is None and "ike.encr" not in facts:
        return []
    if known is None:
        return [
            Verdict(
                check=CHECK,
                status="not_observable",
                severity="info",
                title=f"PFS not observable: {_HIDDEN}",
                observed={"reason": "not_observable", "detail": _HIDDEN},
                key={"reason": "not_observable"},
                remediation="Look into the ESP proposals of the gateways, or give the keys of the IKE SA.",
                evidence="not_observable",
            )
        ]
    return [
        Verdict(
            check=CHECK,
            status="pass" if known else "warn",
            severity="info" if known else "medium",
            title="Child SAs have a key exchange of their own" if known else "Child SA made without PFS",
            observed={"ike.child_pfs": known},
            key={"ike.child_pfs": known},
            remediation=None if known else "Name a group in the ESP proposals of both gateways.",
            evidence="decrypted",
        )
    ]

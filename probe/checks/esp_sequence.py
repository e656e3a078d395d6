"""esp.sequence: a security association near the end of its sequence numbers

Meaning: the sequence number is in the last sixteenth of 32 bits. Without extended sequence numbers the association
must be replaced before the end.

Evidence: `esp.near_wrap` (observed). Whether extended sequence numbers were agreed is encrypted in IKE_AUTH, so this
is a warning; where keys open the association and show it (decrypted), there is none.

Why it matters: at the end traffic stops, or the counter starts again and replay protection is void; and an
association that has sent so much was not rekeyed by volume, as its cipher may need.

How to fix: agree on extended sequence numbers (strongSwan: `esn` in esp_proposals), and rekey by packets and bytes,
not by time alone.

Reference: RFC 4303 sections 2.2.1 and 3.3.3.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "esp.sequence"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict where an association comes close."""
    if not facts.get("esp.near_wrap"):
        return []
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title="ESP sequence numbers near their end",
            observed={"esp.near_wrap": True},
            key={"esp.near_wrap": True},
            remediation="Agree on extended sequence numbers, and rekey by packets and bytes as well as by time.",
        )
    ]

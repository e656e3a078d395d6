"""esp.null_encryption: an IPsec tunnel that does not encrypt

Meaning: ESP packets carry their content readable (ENCR_NULL): the tunnel authenticates at most, it does not hide.

Evidence: `esp.null_encryption`, proven by reading a well-formed packet at the place where ciphertext would stand
(observed). Where an interface of the capturing host encrypts for the kernel (`ip xfrm state`: crypto offload), what is
captured there is not encrypted yet; `transitproof gateway` shows it (ipsec.association).

Why it matters: the operator and every audit see a VPN where an observer reads the traffic.

How to fix: remove null from the ESP proposals of both gateways; AES-GCM costs little on any current processor.

Reference: RFC 8221 section 5 (ENCR_NULL), RFC 2410, RFC 5879 (how it is told from encryption).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "esp.null_encryption"


def judge(facts: Facts) -> list[Verdict]:
    """A verdict once it is known whether the content could be read."""
    null = facts.get("esp.null_encryption")
    if null is None:
        return []
    return [
        Verdict(
            check=CHECK,
            status="fail" if null else "pass",
            severity="critical" if null else "info",
            title="IPsec tunnel without encryption (ESP with NULL cipher)" if null else "ESP content is not readable",
            observed={CHECK: null},
            key={CHECK: null},
            remediation="Remove null from the ESP proposals of both gateways and propose AES-GCM." if null else None,
        )
    ]

"""ike.psk_group: a pre-shared key behind a weak key exchange

Meaning: IKEv1 authenticated with a pre-shared key over a Diffie-Hellman group of less than 2048 bits.

Evidence: `ike.auth_method` and `ike.ke` of the transform that the responder chose (observed). In IKEv2 the method is
encrypted in IKE_AUTH and nothing is said of it.

Why it matters: who breaks the group, and for 1024 bits that has been within reach of states since 2015, decrypts the
exchange and can then try pre-shared keys against it offline; with the key found he takes a gateway's place.

How to fix: a group of 2048 bits at least, better ecp256 or curve25519 with IKEv2, and a random key of 128 bits, or
certificates.

Reference: RFC 8247 section 2.4 (groups), RFC 9395 (IKEv1 retired), weakdh.org.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ike.psk_group"

_PRE_SHARED: Final = ("psk", "xauth_init_psk", "xauth_resp_psk")
_WEAK: Final = ("modp768", "modp1024", "modp1536", "modp1024s160", "ec2n155", "ec2n185", "ec2n163")


def judge(facts: Facts) -> list[Verdict]:
    """A verdict where both hold."""
    method, group = facts.get("ike.auth_method"), facts.get("ike.ke")
    if method not in _PRE_SHARED or group not in _WEAK:
        return []
    observed = {"ike.auth_method": method, "ike.ke": group}
    return [
        Verdict(
            check=CHECK,
            status="fail",
            severity="high",
            title=f"Pre-shared key behind a weak key exchange ({group})",
            observed=observed,
            key=observed,
            remediation="Use a group of 2048 bits or more, IKEv2, and a random pre-shared key or certificates.",
        )
    ]

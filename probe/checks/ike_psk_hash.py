"""ike.psk_hash: a pre-shared key that observers can guess offline

Meaning: IKEv1 aggressive mode with a pre-shared key: the responder's hash over the key was sent unencrypted.

Evidence: `ike.psk_hash_exposed`, seen as a readable HASH payload in an aggressive exchange that chose a pre-shared
key (observed). The hash itself is not reported.

Why it matters: whoever saw one exchange, or asked the gateway for one, tries keys as fast as a computer hashes; most
keys that people choose fall within hours.

How to fix: move to IKEv2, or to certificates; until then a random key of at least 128 bits. Change the key that was
used.

Reference: RFC 2409 section 5.4, RFC 9395 section 3.
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "ike.psk_hash"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict where the hash was readable."""
    if not facts.get("ike.psk_hash_exposed"):
        return []
    return [
        Verdict(
            check=CHECK,
            status="fail",
            severity="high",
            title="Pre-shared key open to offline guessing (IKEv1 aggressive mode)",
            observed={"ike.psk_hash_exposed": True},
            key={"ike.psk_hash_exposed": True},
            remediation="Move to IKEv2 or to certificates, and replace the pre-shared key.",
        )
    ]

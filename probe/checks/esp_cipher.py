"""esp.cipher: a tunnel whose packet sizes are those of a 64-bit block cipher

Meaning: all packets of an association agree in their size modulo 8 bytes, and not modulo 16: they are filled up to
blocks of 64 bits, as 3DES, DES and Blowfish do.

Evidence: `esp.inferred_cipher` (inferred): sixteen different sizes or more, which of a cipher without such blocks would
agree once in 32,000 times. Which cipher it is, and its key length, is agreed on under encryption.

Why it matters: after some 32 GiB under one key blocks begin to repeat and give content away (Sweet32); DES alone falls
within a day.

How to fix: propose AES-GCM only, on both gateways; until then rekey after a few gigabytes.

Reference: RFC 8221 section 5 (3DES SHOULD NOT, DES and Blowfish MUST NOT), RFC 4303 section 2.4 (padding).
"""

from typing import Final

from probe.model import Facts, Verdict

CHECK: Final = "esp.cipher"


def judge(facts: Facts) -> list[Verdict]:
    """One verdict where the sizes say so, and nothing better is known."""
    if facts.get("esp.inferred_cipher") != "cbc_64" or "esp.encr" in facts:
        return []
    observed = {"esp.inferred_cipher": "cbc_64"}
    return [
        Verdict(
            check=CHECK,
            status="warn",
            severity="medium",
            title="ESP seems to use a cipher with 64-bit blocks, such as 3DES",
            observed=observed,
            key=observed,
            remediation="See the ESP proposals of both gateways, and propose AES-GCM only.",
            evidence="inferred",
        )
    ]

"""IKE messages by hand: for what strongSwan cannot be made to send. RFC 7296 section 3, RFC 9370, RFC 9329.

Encrypted payloads are random bytes of the size that they would have; nothing here can be decrypted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

INITIATOR, RESPONSE = 0x08, 0x20
IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA, INFORMATIONAL, IKE_INTERMEDIATE, IKE_FOLLOWUP_KE = 34, 35, 36, 37, 43, 44
SA, KE, NONCE, NOTIFY, ENCRYPTED = 33, 34, 40, 41, 46
ENCR, PRF, INTEG, GROUP, ADDKE1 = 1, 2, 3, 4, 6
AES_GCM_16, PRF_SHA256, CURVE25519, ML_KEM_768 = 20, 5, 31, 36
GCM_OVERHEAD = 8 + 1 + 16
Transform = tuple[int, int, int]
"""Type, id, key length in bits or 0."""

STRONG: Sequence[Transform] = ((ENCR, AES_GCM_16, 256), (PRF, PRF_SHA256, 0), (GROUP, CURVE25519, 0))


def payload(kind: int, body: bytes) -> tuple[int, bytes]:
    return kind, body


def message(
    spis: tuple[int, int], exchange: int, flags: int, number: int, payloads: Sequence[tuple[int, bytes]]
) -> bytes:
    """A whole message: each payload names the next one."""
    kinds = [kind for kind, _ in payloads] + [0]
    chain = b"".join(
        bytes([following, 0]) + (len(body) + 4).to_bytes(2, "big") + body
        for following, (_, body) in zip(kinds[1:], payloads, strict=True)
    )
    head = spis[0].to_bytes(8, "big") + spis[1].to_bytes(8, "big") + bytes([kinds[0], 0x20, exchange, flags])
    return head + number.to_bytes(4, "big") + (28 + len(chain)).to_bytes(4, "big") + chain


def proposal(transforms: Sequence[Transform]) -> tuple[int, bytes]:
    """One proposal for IKE in an SA payload."""
    parts = []
    for place, (kind, identifier, bits) in enumerate(transforms, 1):
        attribute = (0x800E).to_bytes(2, "big") + bits.to_bytes(2, "big") if bits else b""
        more = 0 if place == len(transforms) else 3
        head = bytes([more, 0]) + (8 + len(attribute)).to_bytes(2, "big")
        parts.append(head + bytes([kind, 0]) + identifier.to_bytes(2, "big") + attribute)
    body = b"".join(parts)
    return SA, bytes([0, 0]) + (8 + len(body)).to_bytes(2, "big") + bytes([1, 1, 0, len(transforms)]) + body


def key_exchange(group: int, length: int, rng: random.Random) -> tuple[int, bytes]:
    return KE, group.to_bytes(2, "big") + bytes(2) + rng.randbytes(length)


def notify(kind: int, data: bytes = b"") -> tuple[int, bytes]:
    return NOTIFY, bytes([0, 0]) + kind.to_bytes(2, "big") + data


def init(spis: tuple[int, int], flags: int, rng: random.Random, *more: tuple[int, bytes]) -> bytes:
    """IKE_SA_INIT with AES-GCM and X25519."""
    return message(
        spis,
        IKE_SA_INIT,
        flags,
        0,
        [proposal(STRONG), key_exchange(CURVE25519, 32, rng), (NONCE, rng.randbytes(32)), *more],
    )


def encrypted(spis: tuple[int, int], exchange: int, flags: int, number: int, content: int, rng: random.Random) -> bytes:
    """A message whose content has this many bytes, as AES-GCM would encrypt it without padding."""
    return message(spis, exchange, flags, number, [(ENCRYPTED, rng.randbytes(content + GCM_OVERHEAD))])

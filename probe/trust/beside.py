"""What came with a chain besides its certificates, as the core keeps it (parsers/flow/src/tls/beside.rs): who sent it,
OCSP responses that were stapled to it, and timestamps.

The core puts it behind the last certificate of a chain, so that another staple is another chain.
"""

from typing import Final

from msgspec import Struct

MAGIC: Final = b"\0tps"
_CLIENT: Final = 1
_OCSP: Final = 2
_TIMESTAMPS: Final = 3
_PEER: Final = 4


class Beside(Struct, frozen=True):
    """What came with a chain; nothing by default."""

    client: bool = False
    """The chain is a client's."""
    peer: bool = False
    """The chain is that of a peer of IKE."""
    responses: tuple[bytes, ...] = ()
    """OCSP responses, of whichever certificate."""
    timestamps: tuple[bytes, ...] = ()
    """SignedCertificateTimestampLists of TLS extensions."""


NOTHING: Final = Beside()


def read(content: bytes) -> Beside | None:
    """None if it is a certificate instead."""
    if not content.startswith(MAGIC):
        return None
    parts: dict[int, list[bytes]] = {}
    rest = content[len(MAGIC) :]
    while rest:
        length = int.from_bytes(rest[1:4], "big")
        parts.setdefault(rest[0], []).append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    return Beside(_CLIENT in parts, _PEER in parts, tuple(parts.get(_OCSP, ())), tuple(parts.get(_TIMESTAMPS, ())))

"""Tunnels of IKE, ESP and AH as the core records them, put together where a pair of peers has several records.

Knows the records only; times stay the text of the contract, which sorts as time does.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

MAX_TUNNELS: Final = 16_384
"""Pairs kept for a report: as many as the core follows at a time."""


class Ike(Struct):
    """What the peers agreed on, and how they went on."""

    version: int
    mode: str | None = None
    chosen: dict[str, Any] = {}
    sas: int = 0
    rekeys: int = 0
    children: int = 0
    authentication: str | None = None


class Esp(Struct):
    """Associations of ESP or AH: the first number is of the peer that is named first."""

    sas: list[int]
    packets: list[int]
    bytes: list[int]
    lost: int = 0
    replayed: int = 0
    rekeys: int = 0
    nat_t: bool = False
    null_encryption: bool | None = None
    inferred_cipher: str | None = None


class Tunnel(Struct):
    """One pair of peers."""

    start: str
    end: str
    peers: list[str]
    flows: int
    bytes: list[int]
    tunnel: list[str] = []
    """What it was unwrapped from."""
    ike: Ike | None = None
    esp: Esp | None = None
    ah: Esp | None = None

    @property
    def protected(self) -> Esp | None:
        """What carries the traffic."""
        return self.esp or self.ah


Key = tuple[str, ...]
Tunnels = dict[Key, Tunnel]

_DECODER: Final = msgspec.json.Decoder(Tunnel)


def add(tunnels: Tunnels, lines: bytes) -> int:
    """Take in records (JSON Lines). Gives the number of those for which there was no room."""
    left_out = 0
    for tunnel in _DECODER.decode_lines(lines):
        key = (*sorted(tunnel.peers), *tunnel.tunnel)
        known = tunnels.get(key)
        if known is not None:
            _join(known, tunnel)
        elif len(tunnels) < MAX_TUNNELS:
            tunnels[key] = tunnel
        else:
            left_out += 1
    return left_out


def _join(known: Tunnel, later: Tunnel) -> None:
    """The later record continues the tunnel: its negotiation counts, traffic adds up."""
    turned = known.peers != later.peers
    known.start, known.end = min(known.start, later.start), max(known.end, later.end)
    known.flows += later.flows
    known.bytes = _sum(known.bytes, later.bytes, turned)
    if later.ike is not None:
        if known.ike is not None:
            later.ike.sas += known.ike.sas
            later.ike.rekeys += known.ike.rekeys
            later.ike.children += known.ike.children
            later.ike.chosen = later.ike.chosen or known.ike.chosen
        known.ike = later.ike
    known.esp = _esp(known.esp, later.esp, turned)
    known.ah = _esp(known.ah, later.ah, turned)


def _esp(known: Esp | None, later: Esp | None, turned: bool) -> Esp | None:
    if known is None or later is None:
        both = known or later
        if both is not None and both is later and turned:
            both.sas, both.packets, both.bytes = both.sas[::-1], both.packets[::-1], both.bytes[::-1]
        return both
    known.sas = _sum(known.sas, later.sas, turned)
    known.packets = _sum(known.packets, later.packets, turned)
    known.bytes = _sum(known.bytes, later.bytes, turned)
    known.lost += later.lost
    known.replayed += later.replayed
    known.rekeys += later.rekeys
    known.nat_t |= later.nat_t
    known.null_encryption = known.null_encryption or later.null_encryption
    known.inferred_cipher = later.inferred_cipher or known.inferred_cipher
    return known


def _sum(first: list[int], second: list[int], turned: bool) -> list[int]:
    return [a + b for a, b in zip(first, second[::-1] if turned else second, strict=True)]

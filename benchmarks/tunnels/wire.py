"""Queries and answers as packets of a capture, in the order of their times."""

import ipaddress
import random
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

A, NS, CNAME, NULL, PTR, MX, TXT, AAAA, SRV, NAPTR, TLSA, OPENPGPKEY, HTTPS = (
    1,
    2,
    5,
    10,
    12,
    15,
    16,
    28,
    33,
    35,
    52,
    61,
    65,
)
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
START: Final = 1_800_000_000.0

Answer = tuple[int, int, bytes]
"""Type, time to live in seconds, data."""


@dataclass(slots=True)
class Query:
    """One question with what comes back."""

    time: float
    client: str
    name: bytes
    """With dots; a dot within a label cannot be written."""
    kind: int = A
    answers: list[Answer] = field(default_factory=list)
    code: int = NO_ERROR
    answered: bool = True
    options: bytes = b""
    """Of the OPT record that the query carries."""


def address(rng: random.Random) -> Answer:
    """An answer of type A that may be kept for a while."""
    return (A, rng.choice((60, 300, 300, 3600)), rng.randbytes(4))


def text(data: bytes, ttl: int) -> Answer:
    """An answer of type TXT, in strings of up to 255 bytes."""
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return (TXT, ttl, b"".join(bytes((len(part),)) + part for part in parts))


def name(labels: bytes) -> bytes:
    """In wire form."""
    return b"".join(bytes((len(label),)) + label for label in labels.split(b".") if label) + b"\0"


def _message(query: Query, number: int, *, response: bool) -> bytes:
    flags = 0x8180 | query.code if response else 0x0100
    answers = query.answers if response else []
    counts = (1, len(answers), 0, 0 if response else 1)
    out = struct.pack("!6H", number, flags, *counts) + name(query.name) + struct.pack("!2H", query.kind, 1)
    for kind, ttl, data in answers:
        out += struct.pack("!3HIH", 0xC00C, kind, 1, ttl, len(data)) + data
    if not response:
        out += struct.pack("!BHHIH", 0, 41, 1232, 0, len(query.options)) + query.options
    return out


def packet(source: str, sport: int, target: str, dport: int, payload: bytes) -> bytes:
    """IPv4 and UDP around it."""
    src, dst = ipaddress.IPv4Address(source).packed, ipaddress.IPv4Address(target).packed
    udp = struct.pack("!4H", sport, dport, 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + src + dst + udp


def write(path: Path, queries: list[Query], resolver: str, rng: random.Random) -> None:
    """A capture (raw IP) with every query and, a few milliseconds later, its answer."""
    packets = []
    for query in queries:
        port, number = rng.randrange(1024, 65536), rng.randrange(65536)
        asked = packet(query.client, port, resolver, 53, _message(query, number, response=False))
        packets.append((query.time, asked))
        if query.answered:
            answered = packet(resolver, 53, query.client, port, _message(query, number, response=True))
            packets.append((query.time + rng.uniform(0.001, 0.04), answered))
    packets.sort(key=lambda timed: timed[0])
    with path.open("wb") as file:
        file.write(start())
        file.writelines(record(*timed) for timed in packets)


def start() -> bytes:
    """What a capture of raw IP begins with."""
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)


def record(time: float, frame: bytes) -> bytes:
    """A frame in a capture."""
    seconds = int(time)
    return struct.pack("<4I", seconds, int((time - seconds) * 1e6), len(frame), len(frame)) + frame

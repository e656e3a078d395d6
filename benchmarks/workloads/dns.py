"""DNS queries and answers (RFC 1035), a few of them those of a tunnel through TXT, NULL and CNAME."""

import random
from typing import Final

from .conversation import CLIENT, SERVER, Conversation
from .names import draw_domain

DNS_PORT: Final = 53
A, CNAME, NULL, PTR, MX, TXT, AAAA, HTTPS = 1, 5, 10, 12, 15, 16, 28, 65
IN: Final = b"\0\x01"

QUERY: Final = 0x0100
ANSWER: Final = 0x8180
NXDOMAIN: Final = 3
NXDOMAIN_SHARE: Final = 0.06
ALIAS_SHARE: Final = 0.34

# Pointer to the name of the question (RFC 1035 section 4.1.4).
SAME_NAME: Final = b"\xc0\x0c"
TTL_SECONDS: Final = 300

# An OPT record (RFC 6891) that offers 4,096 bytes.
OPT: Final = bytes.fromhex("0000291000000000000000")

QUESTIONS: Final = (A, AAAA, HTTPS, TXT, MX, CNAME, PTR)
QUESTION_WEIGHTS: Final = (60, 25, 8, 3, 2, 1, 1)
TUNNEL_QUESTIONS: Final = (TXT, NULL, TXT, CNAME)
TUNNEL_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
TUNNEL_ANSWER_BYTES: Final = 110

Record = tuple[int, bytes]


def name(text: str) -> bytes:
    """A name in wire form."""
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in text.split(".")) + b"\0"


def exchange(rng: random.Random, *, tunnel: bool = False) -> tuple[bytes, bytes]:
    """A query and its answer, both without the identifier in front."""
    if tunnel:
        kind = rng.choice(TUNNEL_QUESTIONS)
        labels = [_encoded(rng, rng.choice((57, 60, 63))) for _ in range(rng.choice((2, 3)))]
        asked = ".".join((*labels, "t", f"exfil{rng.randrange(6)}", "example"))
        code, records = 0, [(kind, _tunnel_data(rng, kind))]
    else:
        kind = rng.choices(QUESTIONS, QUESTION_WEIGHTS)[0]
        asked = draw_domain(rng)
        missing = rng.random() < NXDOMAIN_SHARE
        code, records = (NXDOMAIN, []) if missing else (0, _records(rng, kind))
    question = name(asked) + kind.to_bytes(2, "big") + IN
    answers = b"".join(_record(*record) for record in records)
    return _header(QUERY, 0) + question + OPT, _header(ANSWER | code, len(records)) + question + answers + OPT


def play(flow: Conversation, pair: tuple[bytes, bytes]) -> None:
    """One query and its answer under a fresh identifier."""
    identifier = flow.rng.getrandbits(16).to_bytes(2, "big")
    flow.udp(CLIENT, identifier + pair[0])
    flow.wait(flow.round_trip)
    flow.udp(SERVER, identifier + pair[1])


def _header(flags: int, answers: int) -> bytes:
    return b"".join(count.to_bytes(2, "big") for count in (flags, 1, answers, 0, 1))


def _record(kind: int, data: bytes) -> bytes:
    return (
        SAME_NAME + kind.to_bytes(2, "big") + IN + TTL_SECONDS.to_bytes(4, "big") + len(data).to_bytes(2, "big") + data
    )


def _records(rng: random.Random, kind: int) -> list[Record]:
    if kind == AAAA:
        return [(AAAA, rng.randbytes(16)) for _ in range(rng.randrange(3))]
    if kind == TXT:
        return [(TXT, b"\x1fv=spf1 include:example.com -all")]
    if kind == MX:
        return [(MX, b"\0\x0a" + name("mx1." + draw_domain(rng)))]
    if kind in (CNAME, PTR):
        return [(kind, name(draw_domain(rng)))]
    if kind == HTTPS:
        return [(HTTPS, bytes.fromhex("0001000001000602683302") + b"h2")]
    records = [(A, rng.randbytes(4)) for _ in range(rng.randrange(1, 5))]
    if rng.random() < ALIAS_SHARE:
        records.insert(0, (CNAME, name(f"e{rng.randrange(9999)}.edge{rng.randrange(99)}.example")))
    return records


def _encoded(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(TUNNEL_ALPHABET, k=length))


def _tunnel_data(rng: random.Random, kind: int) -> bytes:
    if kind == CNAME:
        return name(_encoded(rng, 60) + ".exfil.example")
    data = rng.randbytes(TUNNEL_ANSWER_BYTES)
    return bytes([len(data)]) + data if kind == TXT else data

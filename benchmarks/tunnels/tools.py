"""Tunnels as the known tools make them, and some that nobody has seen yet. Each gives its queries and its domains."""

import base64
import struct
from collections.abc import Callable, Iterator
from typing import Final

from .benign import WORDS, World, word
from .wire import AAAA, CNAME, MX, NO_SUCH_NAME, NULL, PTR, SRV, START, TXT, A, Answer, Query, text

HEX: Final = "0123456789abcdef"
HIGH: Final = bytes(range(0xBC, 0xFD)) + b"abcdefghijklmnopqrstuvwxyz0123456789"
PRIVATE: Final = 65399

Tool = Callable[[World, str, str], Iterator[Query]]
"""World, client, domain."""


def split(data: str, most: int) -> str:
    """In labels of up to `most` characters."""
    return ".".join(data[at : at + most] for at in range(0, len(data), most))


def base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()


def _begin(world: World) -> float:
    return START + world.rng.uniform(5_000, 60_000)


def iodine(kind: int, encoding: str) -> Tool:
    """A session: versions and codecs are agreed, then data and pings go as fast as they can."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, _begin(world)
        zone = f".{domain}".encode()
        for hello in (
            b"vaaaakar" + word(rng, HEX, 3).encode(),
            b"l" + word(rng, HEX, 31).encode(),
            b"yrbcde",
            b"z" + b"Aa" * 20,
        ):
            yield Query(time, client, hello + zone, kind, [(kind, 0, rng.randbytes(30))])
            time += 0.05
        for n in range(400):
            head = b"0" + HEX[n % 16].encode() + word(rng, "abcdefgh", 3).encode()
            size = 200 if rng.random() < 0.6 else rng.randrange(20, 80)
            if encoding == "high":
                body = bytes(rng.choices(HIGH, k=size))
            elif encoding == "base64":
                body = base64.b64encode(rng.randbytes(size * 3 // 4), b"+-").rstrip(b"=")
            else:
                body = base32(rng.randbytes(size * 5 // 8)).encode()
            whole = head + body
            labels = b".".join(whole[at : at + 57] for at in range(0, len(whole), 57))
            ping = b"p" + word(rng, "abcdefgh", 7).encode()
            for asked in (labels, ping):
                down = rng.randbytes(rng.randrange(2, 600))
                yield Query(time, client, asked + zone, kind, [(kind, 0, down)])
                time += rng.expovariate(1 / 0.06)

    return session


def dnscat2(*, quick: bool, domain_too: bool = True) -> Tool:
    """Messages in hex of the types that hold text or names; without a domain they begin with `dnscat`."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, _begin(world)
        ident, seq = word(rng, HEX, 4), rng.randrange(65536)
        for _ in range(600 if quick else 2500):
            size = rng.choice((8, 60, 100)) if quick else 8
            seq = (seq + size) % 65536
            data = f"{word(rng, HEX, 4)}01{ident}{seq:04x}{word(rng, HEX, 2 * size)}"
            host = f"{split(data, 60)}.{domain}" if domain_too else f"dnscat.{split(data, 60)}"
            kind = rng.choice((TXT, CNAME, MX))
            down = word(rng, HEX, 34).encode()
            answer: Answer = text(down, 60) if kind == TXT else (kind, 60, bytes((len(down),)) + down + b"\0")
            yield Query(time, client, host.encode(), kind, [answer])
            time += 0.2 if quick else rng.uniform(0.9, 1.1)

    return session


def dns2tcp(world: World, client: str, domain: str) -> Iterator[Query]:
    """TXT both ways, base64."""
    rng, time = world.rng, _begin(world)
    for _ in range(400):
        up = base64.b64encode(rng.randbytes(rng.choice((6, 110)))).decode().rstrip("=")
        yield Query(
            time, client, f"{split(up, 63)}.{domain}".encode(), TXT, [text(base64.b64encode(rng.randbytes(100)), 3)]
        )
        time += rng.expovariate(20)


def exfiltrate(
    *, size: int, every: float, count: int, jitter: float = 0.15, encode: Callable[[bytes], str] = base32,
    form: str = "{n}.{data}", kinds: tuple[int, ...] = (A,), ttl: int = 1, code: int = 0, answered: bool = True,
) -> Tool:  # fmt: skip
    """A file goes out in pieces."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, START + world.rng.uniform(100, max(200, 80_000 - every * count))
        ident = word(rng, HEX, 6)
        for n in range(count):
            data = split(encode(rng.randbytes(size)), 60)
            host = form.format(n=n, x=f"{n:x}", data=data, id=ident)
            kind = rng.choice(kinds)
            if kind == TXT:
                answers = [text(b"OK", ttl)]
            else:
                answers = [(kind, ttl, b"\xc0\x00\x02\x01" if kind == A else b"\x20\x01" + bytes(14))]
            yield Query(time, client, f"{host}.{domain}".encode(), kind, [] if code else answers, code, answered)
            time += every * (1 + rng.uniform(-jitter, jitter)) if jitter < 1 else rng.expovariate(1 / every)

    return session


def download(kind: int, size: int, every: float, count: int, form: str = "{n}.s") -> Tool:
    """Something comes in by answers; the names say hardly more than which piece is next."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, _begin(world)
        for n in range(count):
            data = rng.randbytes(size)
            host = form.format(n=n, r=word(rng, HEX, 8))
            if kind in (A, AAAA):
                answers = [(kind, 5, data[at : at + 16]) for at in range(0, size, 4 if kind == A else 16)]
                answers = [(kind, ttl, part[: 4 if kind == A else 16]) for kind, ttl, part in answers]
            else:
                answers = [text(base64.b64encode(data), 1)]
            yield Query(time, client, f"{host}.{domain}".encode(), kind, answers)
            time += every * rng.uniform(0.9, 1.1)

    return session


def cobalt(world: World, client: str, domain: str) -> Iterator[Query]:
    """Beacons for an address that says whether there is work, then bursts."""
    rng, time = world.rng, START + 2_000
    ident = word(rng, HEX, 8)
    for n in range(1100):
        yield Query(time, client, f"{ident}.{domain}".encode(), A, [(A, 5, b"\0\0\0\0")])
        if n % 120 == 60:
            for part in range(12):
                data = ".".join(word(rng, HEX, 56) for _ in range(3))
                host = f"post.1{data}.{part:x}{word(rng, HEX, 7)}.{ident}.{domain}"
                yield Query(time + 1 + part * 0.3, client, host.encode(), A, [(A, 5, b"\0\0\0\0")])
        time += 60 * rng.uniform(0.8, 1.0)


def words(every: float, count: int) -> Tool:
    """Three words of a dictionary at a time."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, START + 1_000
        for _ in range(count):
            host = ".".join(rng.choices(WORDS, k=3))
            yield Query(time, client, f"{host}.{domain}".encode(), A, [(A, 30, b"\xc0\x00\x02\x05")])
            time += every * rng.uniform(0.85, 1.15)

    return session


def options(world: World, client: str, domain: str) -> Iterator[Query]:
    """Data in a local-use option (RFC 6891 section 9) of queries for ever the same name."""
    rng, time = world.rng, _begin(world)
    for _ in range(300):
        data = rng.randbytes(48)
        option = struct.pack("!2H", 65001, len(data)) + data
        yield Query(time, client, f"www.{domain}".encode(), A, [(A, 1, b"\xc0\x00\x02\x06")], options=option)
        time += rng.uniform(1, 3)


def spread(world: World, client: str, domain: str) -> Iterator[Query]:
    """Over forty domains in turn; `domain` numbers them."""
    rng, time = world.rng, START + 3_000
    for n in range(1600):
        host = f"{base32(rng.randbytes(15))}.{n % 40}{domain}"
        yield Query(time, client, host.encode(), A, [(A, 60, b"\xc0\x00\x02\x07")])
        time += 45 * rng.uniform(0.5, 1.5)


def hexes(data: bytes) -> str:
    return data.hex()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decimals(data: bytes) -> str:
    """As four numbers look that are an address."""
    return ".".join(str(byte) for byte in data)


TOOLS: Final[dict[str, Tool]] = {
    "iodine_null_high": iodine(NULL, "high"),
    "iodine_private": iodine(PRIVATE, "base32"),
    "iodine_txt_base64": iodine(TXT, "base64"),
    "iodine_cname_base32": iodine(CNAME, "base32"),
    "iodine_mx": iodine(MX, "base32"),
    "iodine_srv": iodine(SRV, "base64"),
    "iodine_a": iodine(A, "base32"),
    "iodine_ptr": iodine(PTR, "base32"),
    "dnscat2_quick": dnscat2(quick=True),
    "dnscat2_idle": dnscat2(quick=False),
    "dnscat2_without_domain": dnscat2(quick=True, domain_too=False),
    "dns2tcp": dns2tcp,
    "exfiltrator_base32": exfiltrate(size=120, every=0.5, count=300, kinds=(TXT,), ttl=0),
    "exfiltrator_base64url": exfiltrate(size=140, every=0.5, count=300, kinds=(TXT,), encode=base64url, ttl=0),
    "hex_10s": exfiltrate(size=12, every=10, count=3000, encode=hexes, form="{x}.{data}", ttl=60),
    "hex_random_order": exfiltrate(size=20, every=60, count=700, encode=hexes, form="{id}.{data}", jitter=1, ttl=300),
    "base32_1min": exfiltrate(size=16, every=60, count=1200, form="{data}", ttl=60),
    "base32_5min_4kB": exfiltrate(size=24, every=300, count=270, form="{data}.{x}", ttl=300),
    "base64url_10min": exfiltrate(size=32, every=600, count=135, encode=base64url, form="{x}-{data}"),
    "no_such_name": exfiltrate(size=40, every=20, count=400, form="{data}.{n}", code=NO_SUCH_NAME),
    "unanswered": exfiltrate(size=60, every=5, count=300, form="{data}.{id}", answered=False),
    "both_families": exfiltrate(size=60, every=3, count=300, kinds=(A, AAAA), form="{data}", ttl=60),
    "aaaa": exfiltrate(size=30, every=30, count=400, kinds=(AAAA,), form="{data}", ttl=30),
    "decimals": exfiltrate(size=16, every=15, count=800, encode=decimals, form="{data}.{id}", ttl=60),
    "bursts": exfiltrate(size=50, every=30, count=200, form="{id}.{data}", jitter=1, ttl=300),
    "txt_download": download(TXT, 150, 2, 300),
    "txt_download_slow": download(TXT, 160, 60, 300, "{r}"),
    "a_download": download(A, 64, 1, 800, "{r}.{n}"),
    "aaaa_download": download(AAAA, 128, 5, 500, "{n}.f"),
    "cobalt": cobalt,
    "words_1min": words(60, 1350),
    "words_10s": words(10, 3000),
    "options": options,
    "spread_40": spread,
}

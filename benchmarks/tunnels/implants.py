"""More tunnels: older tools, implants of frameworks and of intruders as they were described, and encodings to hide."""

import base64
import struct
from collections.abc import Callable, Iterator
from typing import Final

from .benign import BASE32, BASE36, WORDS, World, word
from .tools import HEX, Tool, base32, download, exfiltrate, hexes, split
from .wire import AAAA, CNAME, NO_SUCH_NAME, NULL, START, TXT, A, Query, name, text

BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CONSONANTS: Final = "bdfghjklmnprstvz"
VOWELS: Final = "aiou"


def _begin(world: World, least: float = 5_000, most: float = 50_000) -> float:
    return START + world.rng.uniform(least, most)


def syllables(data: bytes) -> str:
    """Five letters for two bytes, as one can pronounce them (A. Rae, proquints)."""
    out = []
    for (n,) in struct.iter_unpack("!H", data):
        c, v = CONSONANTS, VOWELS
        out.append(c[n >> 12] + v[n >> 10 & 3] + c[n >> 6 & 15] + v[n >> 4 & 3] + c[n & 15])
    return "-".join(out)


def digits(data: bytes) -> str:
    """One long number."""
    return str(int.from_bytes(data, "big"))


def hyphened(data: bytes) -> str:
    """A word for each byte, as many as there are."""
    return "-".join(WORDS[byte % len(WORDS)] for byte in data)


def punycoded(data: bytes) -> str:
    return "xn--" + base32(data)


def base36(data: bytes) -> str:
    out, n = "", int.from_bytes(data, "big")
    while n:
        n, digit = divmod(n, 36)
        out += BASE36[digit]
    return out or "a"


def dnsteal(world: World, client: str, domain: str) -> Iterator[Query]:
    """Pieces in base64 with hyphens behind them, number and name of the file with each."""
    rng, time = world.rng, _begin(world)
    for n in range(160):
        parts = [base64.b64encode(rng.randbytes(42)).decode().replace("+", "*").replace("/", "_") for _ in range(3)]
        host = ".".join(f"{part.rstrip('=')}-" for part in parts) + f".3x{n}-.report.doc"
        yield Query(time, client, f"{host}.{domain}".encode(), A, [(A, 1, b"\x7f\0\0\1")])
        time += rng.uniform(0.1, 0.4)


def ozyman(world: World, client: str, domain: str) -> Iterator[Query]:
    """Up in names with a random number, down in TXT records."""
    rng, time, ident = world.rng, _begin(world), world.rng.randrange(65536)
    for n in range(500):
        nonce = rng.randrange(65536)
        up = split(base32(rng.randbytes(110)), 60) + f".{nonce}-{n}.id-{ident}.up"
        down = f"{nonce}-{n}.id-{ident}.down"
        answer = text(base64.b64encode(rng.randbytes(160)), 0)
        yield Query(time, client, f"{up if n % 2 else down}.{domain}".encode(), TXT, [answer])
        time += rng.uniform(0.1, 0.5)


def tuns(world: World, client: str, domain: str) -> Iterator[Query]:
    """CNAME both ways: polls that count, data in base32."""
    rng, time = world.rng, _begin(world)
    for n in range(600):
        host = f"r{n}" if n % 3 else "d" + split(base32(rng.randbytes(90)), 60)
        down = name(f"d{split(base32(rng.randbytes(60)), 60)}.{domain}".encode())
        yield Query(time, client, f"{host}.{domain}".encode(), CNAME, [(CNAME, 3, down)])
        time += rng.uniform(0.1, 0.3)


def nstx(kind: int) -> Tool:
    """Bytes that no host name has, and what came back as it was (NSTX, Heyoka)."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, _begin(world)
        alphabet = bytes(b for b in range(0x21, 0x100) if b not in b".\\")
        for _ in range(300):
            data = b".".join(bytes(rng.choices(alphabet, k=50)) for _ in range(rng.randrange(1, 4)))
            yield Query(time, client, data + f".{domain}".encode(), kind, [(kind, 1, rng.randbytes(200))])
            time += rng.expovariate(8)

    return session


def cobalt_txt(world: World, client: str, domain: str) -> Iterator[Query]:
    """Tasks come as TXT records of names that begin with a number."""
    rng, time, ident = world.rng, START + 3_000, word(world.rng, HEX, 8)
    for n in range(500):
        yield Query(
            time, client, f"{ident}.{domain}".encode(), A, [(A, 1, b"\0\0\0\xf3" if n % 50 == 7 else b"\0\0\0\0")]
        )
        if n % 50 == 7:
            for part in range(30):
                host = f"{part:x}{word(rng, HEX, 7)}.{ident}.{domain}"
                answer = text(base64.b64encode(rng.randbytes(180)), 1)
                yield Query(time + 1 + part / 5, client, host.encode(), TXT, [answer])
        time += 120 * rng.uniform(0.6, 1.0)


def sliver(world: World, client: str, domain: str) -> Iterator[Query]:
    """Base58 in names, numbers in addresses back."""
    rng, time = world.rng, _begin(world)
    for _ in range(300):
        data = word(rng, BASE58, rng.choice((24, 100, 160)))
        yield Query(time, client, f"{split(data, 63)}.{domain}".encode(), A, [(A, 1, rng.randbytes(4))])
        time += rng.choice((0.05, 0.1, 2))


def godoh(world: World, client: str, domain: str) -> Iterator[Query]:
    """Identifier, kind, number, checksum and data, each a label."""
    rng, time, ident = world.rng, _begin(world), word(world.rng, HEX, 5)
    for n in range(250):
        host = f"{ident}.be.{n}.{rng.randrange(10**9)}.1.3.{split(hexes(rng.randbytes(60)), 60)}"
        yield Query(time, client, f"{host}.{domain}".encode(), A, [(A, 1, b"\1\1\1\1")])
        time += rng.uniform(0.5, 2)


def oilrig(world: World, client: str, domain: str) -> Iterator[Query]:
    """One label: identifier and number between random letters, then digits of a file."""
    rng, time, ident = world.rng, _begin(world, 1_000, 20_000), word(world.rng, HEX, 10)
    for n in range(400):
        host = f"{ident}{n:03d}{word(rng, HEX, 6)}2a.{hexes(rng.randbytes(30))}.33333210100a"
        yield Query(time, client, f"{host}.{domain}".encode(), A, [(A, 1, rng.randbytes(4))])
        time += 20 * rng.uniform(0.5, 1.5)


def saitama(world: World, client: str, domain: str) -> Iterator[Query]:
    """A few characters of an alphabet of its own with a counter in them; sleeps for minutes, then sends a little."""
    rng, time = world.rng, START + 1_000
    while time < START + 80_000:
        for _ in range(rng.randrange(4, 14)):
            yield Query(
                time,
                client,
                f"{word(rng, BASE36, rng.randrange(12, 28))}.{domain}".encode(),
                A,
                [(A, 1, rng.randbytes(4))],
            )
            time += rng.uniform(1, 8)
        time += rng.uniform(900, 2400)


def sunburst(world: World, client: str, domain: str) -> Iterator[Query]:
    """A label of encoded names below what looks like an interface; CNAME and address back."""
    rng, time = world.rng, START + 500
    for _ in range(180):
        host = f"{word(rng, BASE36, rng.randrange(16, 33))}.appsync-api.zone-1.{domain}"
        yield Query(
            time, client, host.encode(), A, [(CNAME, 300, name(b"relay.example.org")), (A, 300, rng.randbytes(4))]
        )
        time += rng.uniform(200, 700)


def pisloader(world: World, client: str, domain: str) -> Iterator[Query]:
    """Four letters and base32 in one label, orders in TXT."""
    rng, time = world.rng, START + 800
    for n in range(500):
        host = f"{word(rng, BASE32[:26], 4)}{base32(rng.randbytes(24 if n % 10 == 0 else 6))}"
        yield Query(
            time, client, f"{host}.ns1.{domain}".encode(), TXT, [text(b"C" + base32(rng.randbytes(12)).encode(), 60)]
        )
        time += rng.uniform(60, 180)


def stager(kind: int, ttl: int) -> Tool:
    """A program in addresses of names that count: `cdn-17`."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, _begin(world)
        for n in range(1500 if kind == AAAA else 3000):
            answers = [(kind, ttl, rng.randbytes(16 if kind == AAAA else 4)) for _ in range(1 if kind == AAAA else 4)]
            yield Query(time, client, f"cdn-{n}.{domain}".encode(), kind, answers)
            time += rng.uniform(0.2, 1)

    return session


def rotating(domains: int, size: int, every: float, count: int, make: Callable[[bytes], str] = base32) -> Tool:
    """Ever other domains in turn."""

    def session(world: World, client: str, domain: str) -> Iterator[Query]:
        rng, time = world.rng, START + 1_500
        for n in range(count):
            host = f"{make(rng.randbytes(size))}.{WORDS[n % domains]}-{domain}"
            yield Query(time, client, host.encode(), A, [(A, 60, b"\xc0\x00\x02\x09")])
            time += every * rng.uniform(0.5, 1.5)

    return session


MORE_TOOLS: Final[dict[str, Tool]] = {
    "dnsteal": dnsteal,
    "ozyman": ozyman,
    "tuns": tuns,
    "nstx_txt": nstx(TXT),
    "heyoka_null": nstx(NULL),
    "cobalt_txt": cobalt_txt,
    "sliver": sliver,
    "godoh": godoh,
    "oilrig": oilrig,
    "saitama": saitama,
    "sunburst": sunburst,
    "pisloader": pisloader,
    "stager_aaaa": stager(AAAA, 1),
    "stager_a_60s": stager(A, 60),
    "stager_aaaa_300s": stager(AAAA, 300),
    "rotating_8": rotating(8, 20, 40, 1500),
    "rotating_100": rotating(100, 16, 40, 1800, hexes),
    "shared_1": exfiltrate(size=20, every=60, count=600, encode=hexes, form="{id}.{data}", ttl=60),
    "shared_2": exfiltrate(size=20, every=60, count=600, encode=hexes, form="{id}.{data}", ttl=60),
    "shared_3": exfiltrate(size=20, every=60, count=600, encode=hexes, form="{id}.{data}", ttl=60),
    "framework_pos": exfiltrate(size=22, every=120, count=320, encode=hexes, form="{id}.cc.{data}", jitter=1, ttl=60),
    "multigrain": exfiltrate(size=40, every=300, count=120, form="log.{data}", jitter=0.9, ttl=3600),
    "syllables": exfiltrate(size=10, every=30, count=900, encode=syllables, form="{data}", jitter=0.8, ttl=60),
    "digits": exfiltrate(size=16, every=45, count=900, encode=digits, form="{data}.id", jitter=0.8, ttl=60),
    "hyphened_words": exfiltrate(size=5, every=30, count=1500, encode=hyphened, form="{data}", jitter=0.8, ttl=60),
    "punycoded": exfiltrate(size=24, every=60, count=500, encode=punycoded, form="{data}", jitter=0.8, ttl=300),
    "base36_4min": exfiltrate(size=14, every=240, count=340, encode=base36, form="{data}", jitter=0.6, ttl=300),
    "short_20s": exfiltrate(size=5, every=20, count=3500, form="{data}", jitter=0.8, ttl=60),
    "nightly": exfiltrate(size=100, every=1.5, count=60, form="{data}.{n}", jitter=0.5, ttl=300),
    "txt_300s": exfiltrate(size=24, every=240, count=300, kinds=(TXT,), form="{data}", jitter=0.9, ttl=3600),
    "no_name_slow": exfiltrate(size=24, every=200, count=300, form="{data}", code=NO_SUCH_NAME, jitter=0.9),
    "download_null": download(NULL, 400, 20, 200, "{r}"),
}

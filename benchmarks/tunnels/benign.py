"""Families of look-ups that are no tunnels although they look like some: each asks as its programs do.

What the names are drawn from is made here, from words and chance; no list of real domains is used.
"""

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Final

from .wire import (
    AAAA,
    HTTPS,
    MX,
    NO_SUCH_NAME,
    PTR,
    SERVER_FAILURE,
    SRV,
    START,
    TLSA,
    TXT,
    A,
    Answer,
    Query,
    address,
    text,
)

DAY: Final = 86_400.0
WORDS: Final = """
amber apple arrow atlas autumn bamboo basil beacon birch bishop border bottle branch bridge bright bronze butter
cabin camera candle canyon carbon castle cedar chapel cherry circle citrus clever clover cobalt copper coral
cotton cradle crystal dancer delta desert dragon eagle echo ember engine falcon feather fennel ferry flint
forest garden garnet ginger glacier granite harbor hazel helmet hollow honey island ivory jacket jasper jungle
juniper kernel kettle lagoon lantern laurel lemon linden lizard magnet maple marble meadow mellow mirror monkey
mosaic nectar needle nickel oasis olive onyx opal orange orchid otter palace panda paper pearl pepper pigeon
pillow planet pocket pollen prairie quartz rabbit radar raven ribbon river rocket saddle saffron salmon shadow
silver smooth socket sparrow spice spruce stable summer sunset tango temple thistle thunder timber topaz tulip
tunnel turtle valley velvet violet walnut whisper willow winter wisdom yellow zephyr
""".split()  # noqa: SIM905 - a list of words
ENDINGS: Final = ("com", "com", "com", "net", "org", "io", "de", "co.uk", "fr", "com.br", "co.jp", "cloud", "app")
HOSTS: Final = (
    "www",
    "api",
    "cdn",
    "static",
    "img",
    "m",
    "login",
    "mail",
    "assets",
    "media",
    "events",
    "auth",
    "news",
    "shop",
)
BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
BASE36: Final = "abcdefghijklmnopqrstuvwxyz0123456789"

Family = Callable[["World"], Iterator[Query]]


def word(rng: random.Random, alphabet: str, length: int) -> str:
    """So many characters of an alphabet."""
    return "".join(rng.choices(alphabet, k=length))


class World:
    """Who asks, and what there is to be asked for."""

    def __init__(self, rng: random.Random, clients: int, domains: int) -> None:
        self.rng = rng
        self.clients = [f"10.30.{n // 200}.{10 + n % 200}" for n in range(clients)]
        self.mail = self.clients[-2:]
        self.nodes = self.clients[-4:-2]
        self.desktops = self.clients[:-4]
        made = {self._domain() for _ in range(domains)}
        self.domains = sorted(made)
        rng.shuffle(self.domains)

    def _domain(self) -> str:
        rng = self.rng
        middle = rng.choice(("", "", "-", str(rng.randrange(100))))
        return f"{rng.choice(WORDS)}{middle}{rng.choice(WORDS)}.{rng.choice(ENDINGS)}"

    def popular(self) -> str:
        """A domain, the first ones much more often than the others."""
        rank = int(len(self.domains) ** self.rng.random()) - 1
        return self.domains[rank]

    def times(self, count: int) -> list[float]:
        """As often within a day, more by day than by night, in no order."""
        return [START + DAY * self.rng.betavariate(2, 2) for _ in range(count)]

    def some(self, share: float) -> list[str]:
        """So many of the desktops."""
        return self.rng.sample(self.desktops, max(1, round(share * len(self.desktops))))


def both(world: World, time: float, client: str, host: str, ttl: int | None = None) -> Iterator[Query]:
    """As a browser looks up a host: both families of addresses, sometimes the service as well."""
    rng = world.rng
    kinds = (A, AAAA, HTTPS) if rng.random() < 0.4 else (A, AAAA)
    for number, kind in enumerate(kinds):
        there = kind == A or rng.random() < 0.3
        lives = ttl if ttl is not None else rng.choice((20, 60, 300, 3600))
        size = {A: 4, AAAA: 16, HTTPS: 30}[kind]
        answers: list[Answer] = [(kind, lives, rng.randbytes(size))] if there else []
        yield Query(time + number * 0.002, client, host.encode(), kind, answers)


def web(world: World) -> Iterator[Query]:
    """Sites, with their hosts."""
    rng = world.rng
    for client in world.clients:
        for time in world.times(350):
            domain = world.popular()
            for host in rng.sample(HOSTS, rng.randrange(1, 4)):
                yield from both(world, time, client, f"{host}.{domain}")


def hashes(world: World) -> Iterator[Query]:
    """Hosts of content networks and of advertisers, named by hashes and used by many."""
    rng = world.rng
    makers: list[Callable[[], str]] = [
        lambda: f"d{word(rng, BASE36, 13)}.cloudfrond.net",
        lambda: f"{word(rng, '0123456789abcdef', 32)}.frame.adsynd.com",
        lambda: f"{word(rng, '0123456789abcdef', 16)}.rackcache.com",
        lambda: f"{uuid.UUID(int=rng.getrandbits(128))}.prod.cloudthing.io",
        lambda: f"r{rng.randrange(1, 20)}---sn-{word(rng, BASE36, 8)}.videogoo.com",
        lambda: (
            f"ec2-{rng.randrange(256)}-{rng.randrange(256)}-{rng.randrange(256)}-{rng.randrange(256)}.zone-1.compute.bigcloud.com"
        ),
        lambda: f"{rng.choice(WORDS)}-{word(rng, '0123456789abcdef', 10)}.elb.zone-1.bigcloud.com",
    ]
    for make in makers:
        for client in world.some(0.6):
            for time in world.times(80):
                yield from both(world, time, client, make())


def trackers(world: World) -> Iterator[Query]:
    """Identifiers in front of a tracker, by its two or three clients, over IPv4 alone."""
    rng = world.rng
    for n in range(6):
        for client in rng.sample(world.desktops, 2 + n % 2):
            for time in world.times(35):
                host = f"{word(rng, '0123456789abcdef', 24)}.t.track{n}er.com"
                yield Query(time, client, host.encode(), A, [address(rng)])


def alone(world: World) -> Iterator[Query]:
    """What one client alone uses: things, and clouds of small vendors."""
    rng = world.rng
    makers: list[tuple[int, Callable[[], str]]] = [
        (90, lambda: f"dev-{word(rng, '0123456789abcdef', 12)}.iot.lampthing.com"),
        (70, lambda: f"{uuid.UUID(int=rng.getrandbits(128))}.pumpcloud.io"),
        (120, lambda: f"{word(rng, BASE32, 26)}.{word(rng, BASE36, 8)}.backupvault.net"),
    ]
    for count, make in makers:
        client = rng.choice(world.desktops)
        for time in world.times(count):
            yield from both(world, time, client, make(), ttl=rng.choice((60, 3600)))


def scanners(world: World) -> Iterator[Query]:
    """Scanners of files that ask a vendor about hashes: in TXT, or as addresses whose answers are codes."""
    rng = world.rng
    for client in world.some(0.4):
        for time in world.times(150):
            host = f"{word(rng, '0123456789abcdef', 40)}.4.f.scanlabs.net"
            yield Query(
                time, client, host.encode(), TXT, [text(word(rng, BASE36, 20).encode(), rng.choice((300, 3600, 86400)))]
            )
    for client in world.some(0.35):
        for time in world.times(180):
            host = f"a-0.19-b{word(rng, '0123456789abcdef', 7)}.9f.1644.{word(rng, BASE32, 26)}.avq.shieldav.com"
            yield Query(
                time, client, host.encode(), A, [(A, rng.choice((60, 1800)), bytes((127, 0, 0, rng.randrange(255))))]
            )
    for client in world.some(0.35):
        for time in world.times(60):
            parts = ".".join(word(rng, "nopqrs0123456789", 60) for _ in range(3))
            host = f"3.1{parts}.i.01.xlists.net"
            yield Query(
                time, client, host.encode(), TXT, [text(word(rng, BASE36, 16).encode(), rng.choice((60, 300, 86400)))]
            )


def lists(world: World) -> Iterator[Query]:
    """Mail servers that ask block lists about addresses and domains (RFC 5782)."""
    rng = world.rng

    def listed() -> dict[str, object]:
        if rng.random() < 0.75:
            return {"code": NO_SUCH_NAME}
        return {"answers": [(A, 300, bytes((127, 0, 0, rng.randrange(2, 12))))]}

    for client in world.mail:
        for time in world.times(1500):
            octets = ".".join(str(rng.randrange(256)) for _ in range(4))
            for zone in ("zen.spamlist.org", "bl.mailguard.net"):
                yield Query(time, client, f"{octets}.{zone}".encode(), A, **listed())  # type: ignore[arg-type]
        for time in world.times(800):
            about = rng.choice(world.domains)
            for zone in ("dbl.spamlist.org", "multi.urilist.com"):
                yield Query(time, client, f"{about}.{zone}".encode(), A, **listed())  # type: ignore[arg-type]


def mail(world: World) -> Iterator[Query]:
    """What receivers of mail look up of senders."""
    rng = world.rng
    for client in world.mail:
        for time in world.times(900):
            domain = world.popular()
            selector = rng.choice(
                ("s1", "s2", "k1", "selector1", "google", word(rng, BASE32, 32), f"s{word(rng, '0123456789abcdef', 6)}")
            )
            key = b"v=DKIM1; k=rsa; p=" + word(rng, BASE36, 390).encode()
            yield Query(time, client, f"{selector}._domainkey.{domain}".encode(), TXT, [text(key, 3600)])
            yield Query(time, client, f"_dmarc.{domain}".encode(), TXT, [text(b"v=DMARC1; p=none", 3600)])
            yield Query(time, client, domain.encode(), MX, [(MX, 3600, b"\0\x0a\x02mx\xc0\x0c")])
            yield Query(time, client, f"_25._tcp.mx.{domain}".encode(), TLSA, [], NO_SUCH_NAME)


def searches(world: World) -> Iterator[Query]:
    """Search lists: everything that is looked up, with the suffixes of a cluster and of a company behind it."""
    rng = world.rng
    for client in world.nodes:
        for time in world.times(1200):
            wanted = rng.choice((f"{rng.choice(WORDS)}-svc", f"api.{world.popular()}", world.popular()))
            for suffix in (
                "default.svc.cluster.local",
                "svc.cluster.local",
                "cluster.local",
                "zone-1.compute.internal",
            ):
                there = "." not in wanted and suffix.startswith("default")
                for kind in (A, AAAA):
                    answers = [(kind, 5, rng.randbytes(4 if kind == A else 16))] if there else []
                    code = 0 if there else NO_SUCH_NAME
                    yield Query(time, client, f"{wanted}.{suffix}".encode(), kind, answers, code)
    for client in world.some(0.7):
        for time in world.times(60):
            for kind in (A, AAAA):
                name = f"{rng.choice(HOSTS)}.{world.popular()}.corp.amberworks.com"
                yield Query(time, client, name.encode(), kind, [], NO_SUCH_NAME)


def reverse(world: World) -> Iterator[Query]:
    """Names of addresses, by servers that write logs; a scan counts upwards."""
    rng = world.rng
    for client in rng.sample(world.clients, 6):
        for time in world.times(400):
            octets = ".".join(str(rng.randrange(256)) for _ in range(4))
            yield Query(
                time, client, f"{octets}.in-addr.arpa".encode(), PTR, [(PTR, 3600, b"\x04host\x07example\x03com\0")]
            )
        for time in world.times(80):
            nibbles = ".".join(word(rng, "0123456789abcdef", 1) for _ in range(32))
            yield Query(time, client, f"{nibbles}.ip6.arpa".encode(), PTR, [], NO_SUCH_NAME)
    scanner, begin = rng.choice(world.clients), START + 30_000
    for n in range(1000):
        yield Query(begin + n / 5, scanner, f"{n % 256}.{n // 256}.16.172.in-addr.arpa".encode(), PTR, [], NO_SUCH_NAME)


def monitors(world: World) -> Iterator[Query]:
    """Probes every minute: of hosts that there are, and of names that no cache can hold because the time is in them."""
    rng = world.rng
    for client in rng.sample(world.desktops, 3):
        for n in range(1440):
            time = START + 60 * n + rng.uniform(0, 0.5)
            yield Query(time, client, b"status.uptimer.com", A, [(A, 5, b"\xc0\x00\x02\x07")])
            yield Query(time, client, f"{int(time)}.cb.uptimer.com".encode(), A, [(A, 5, b"\xc0\x00\x02\x08")])


def odds(world: World) -> Iterator[Query]:
    """Single labels that a browser makes up, services of a directory, challenges."""
    rng = world.rng
    for client in world.desktops:
        for time in world.times(9):
            yield Query(time, client, word(rng, BASE36[:26], rng.randrange(7, 16)).encode(), A, [], NO_SUCH_NAME)
        for time in world.times(20):
            yield Query(
                time,
                client,
                b"_ldap._tcp.site-1._sites.dc._msdcs.ad.amberworks.com",
                SRV,
                [(SRV, 600, b"\0\0\0d\x01\x85\2dc\xc0\x0c")],
            )
    for time in world.times(60):
        yield Query(
            time,
            world.nodes[0],
            f"_acme-challenge.{rng.choice(world.domains)}".encode(),
            TXT,
            [text(word(rng, BASE36, 43).encode(), 60)],
        )


def torture(world: World) -> Iterator[Query]:
    """Attacks on the servers of a domain: random names below it, by one client and by many, that nobody resolves."""
    rng = world.rng
    for victim, clients in (("victim-shop.com", rng.sample(world.desktops, 1)), ("victim-bank.net", world.desktops)):
        begin = START + rng.uniform(20_000, 60_000)
        for n in range(4000):
            label = word(rng, BASE36, rng.randrange(6, 16))
            outcome = rng.choice((NO_SUCH_NAME, NO_SUCH_NAME, SERVER_FAILURE))
            answered = rng.random() < 0.8
            yield Query(begin + n / 40, rng.choice(clients), f"{label}.{victim}".encode(), A, [], outcome, answered)


FAMILIES: Final[tuple[Family, ...]] = (
    web, hashes, trackers, alone, scanners, lists, mail, searches, reverse, monitors, odds, torture,
)  # fmt: skip

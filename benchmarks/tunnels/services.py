"""More families that are no tunnels: services that put questions, identifiers and keys of their own into names.

As in `benign`, what the names are made of is made here; the forms are those of the services, the domains are not.
"""

import base64
import uuid
from collections.abc import Callable, Iterator
from typing import Final

from .benign import BASE32, BASE36, HOSTS, WORDS, Family, World, both, word
from .wire import AAAA, NAPTR, NO_SUCH_NAME, OPENPGPKEY, PTR, SRV, START, TXT, A, Query, address, text

HEX: Final = "0123456789abcdef"
DS, DNSKEY, NSEC, CNAME = 43, 48, 47, 5


def _guid(world: World) -> str:
    return str(uuid.UUID(int=world.rng.getrandbits(128)))


def storage(world: World) -> Iterator[Query]:
    """Servers that speak to buckets, disks, load balancers and registries of clouds, some by one server alone."""
    rng = world.rng
    made: list[tuple[int, Callable[[], str]]] = [
        (60, lambda: f"{rng.choice(WORDS)}-{rng.choice(WORDS)}-{word(rng, HEX, 8)}.s3.zone-2.megacloud.com"),
        (60, lambda: f"md-{word(rng, BASE36, 12)}.z{rng.randrange(40)}.blob.storage.azurish.net"),
        (40, lambda: f"{rng.choice(WORDS)}{rng.choice(WORDS)}{rng.randrange(99)}.blob.core.winstore.net"),
        (40, lambda: f"{rng.randrange(10**11, 10**12)}.dkr.ecr.zone-{rng.randrange(4)}.megacloud.com"),
        (40, lambda: f"internal-{rng.choice(WORDS)}-{rng.randrange(10**9)}.zone-2.elb.megacloud.com"),
        (30, lambda: f"{word(rng, BASE36, 10)}.execute-api.zone-2.megacloud.com"),
        (30, lambda: f"{rng.choice(WORDS)}.c{word(rng, BASE36, 11)}.zone-2.rds.megacloud.com"),
    ]
    for count, make in made:
        names = [make() for _ in range(count)]
        for server in rng.sample(world.clients, rng.choice((1, 2, 5))):
            for time in world.times(150):
                yield from both(world, time, server, rng.choice(names), ttl=rng.choice((4, 5, 60)))


def measurements(world: World) -> Iterator[Query]:
    """Browsers that measure which network is nearest, by names that no cache holds; and tests of resolvers."""
    rng = world.rng
    makers: list[Callable[[], str]] = [
        lambda: f"{word(rng, HEX, 32)}.clo.printdns.com",
        lambda: f"i2-{word(rng, BASE32, 26)}.init.radar-net.com",
        lambda: f"{word(rng, BASE36, 15)}-{word(rng, BASE36, 8)}-clienttons-s.edgehd.net",
        lambda: f"{_guid(world)}.nrb.measure-office.com",
    ]
    for make in makers:
        for client in world.some(0.3):
            for time in world.times(rng.randrange(10, 50)):
                yield from both(world, time, client, make(), ttl=rng.choice((60, 300)))
    for client in world.some(0.15):
        time = world.times(1)[0]
        for n in range(6):
            yield from both(world, time + n / 10, client, f"{_guid(world)}.test.leaktester.com", ttl=300)
        yield Query(time + 1, client, b"o-o.myaddr.l.searchco.com", TXT, [text(b"192.0.2.53", 60)])


def keyed_lists(world: World) -> Iterator[Query]:
    """Block lists with a customer's key, of hashes of senders, and of IPv6 addresses, asked by one mail server."""
    rng, client = world.rng, world.mail[0]
    key = word(rng, BASE32, 26)

    def listed() -> dict[str, object]:
        if rng.random() < 0.8:
            return {"code": NO_SUCH_NAME}
        return {"answers": [(A, 60, bytes((127, 0, 0, rng.randrange(2, 12))))]}

    for time in world.times(600):
        octets = ".".join(str(rng.randrange(256)) for _ in range(4))
        nibbles = ".".join(word(rng, HEX, 1) for _ in range(32))
        for name in (
            f"{octets}.{key}.zen.dq.hauslist.net",
            f"{word(rng, BASE32, 52)}.{key}.hbl.dq.hauslist.net",
            f"{word(rng, HEX, 40)}.ebl.mailhash.org",
            f"{nibbles}.ip6.whitelist.org",
        ):
            yield Query(time, client, name.encode(), A, **listed())  # type: ignore[arg-type]


def policies(world: World) -> Iterator[Query]:
    """Macros of SPF (RFC 7208 section 7), keys of hosted senders, key material of correspondents, ENUM (RFC 6116)."""
    rng = world.rng
    for client in world.mail:
        for time in world.times(120):
            octets = ".".join(str(rng.randrange(256)) for _ in range(4))
            who = rng.choice(WORDS)
            for name, kind in (
                (f"{octets}._ip.{who}._lp.{world.popular()}._spf.spfhost.com", TXT),
                (f"{octets}._i.{world.popular()}._d.espf.agarish.com", A),
            ):
                yield Query(time, client, name.encode(), kind, [], NO_SUCH_NAME)
            selector = f"{word(rng, BASE32, 32)}._domainkey.bulkses.com"
            yield Query(time, client, selector.encode(), TXT, [text(b"p=" + word(rng, BASE36, 216).encode(), 1800)])
        for time in world.times(10):
            name = f"{word(rng, HEX, 56)}._openpgpkey.{world.popular()}"
            yield Query(time, client, name.encode(), OPENPGPKEY, [], NO_SUCH_NAME)
    phones = world.nodes[0]
    for time in world.times(300):
        digits = ".".join(word(rng, "0123456789", 1) for _ in range(9))
        yield Query(time, phones, f"{digits}.9.4.e164.arpa".encode(), NAPTR, [], NO_SUCH_NAME)


def previews(world: World) -> Iterator[Query]:
    """Hosting under wildcards: previews of builds, tunnels of developers, gateways to onions and file systems."""
    rng = world.rng
    makers: list[tuple[int, Callable[[], str]]] = [
        (12, lambda: f"{rng.choice(WORDS)}-{word(rng, BASE36, 9)}-{rng.choice(WORDS)}-team.deployapp.com"),
        (8, lambda: f"{word(rng, HEX, 12)}.tunnelrok.io"),
        (6, lambda: f"{word(rng, BASE32, 56)}.onionweb.ly"),
        (10, lambda: f"bafybei{word(rng, BASE32, 52)}.ipfs.dwebgate.link"),
        (10, lambda: f"{_guid(world)}.sandbox.codebox.io"),
        (14, lambda: f"{word(rng, BASE36, 20)}.safeframe.usercontent.com"),
    ]
    for count, make in makers:
        for client in world.some(0.2):
            for time in world.times(count):
                yield from both(world, time, client, make(), ttl=rng.choice((60, 300)))


def devices(world: World) -> Iterator[Query]:
    """Telemetry with identifiers: the same for a device, the time in front; and a probe that measures for others."""
    rng = world.rng
    for client in world.some(0.3):
        device = word(rng, HEX, 24)
        for time in world.times(100):
            yield from both(world, time, client, f"{int(time)}.{device}.ping.thingcloud.com", ttl=60)
        for time in world.times(24):
            yield from both(world, time, client, f"{rng.randrange(1, 50)}-courier.push.fruit.com", ttl=3600)
            yield from both(world, time, client, f"{_guid(world)}.pods.officeapp.com", ttl=60)
            yield from both(world, time, client, f"o{rng.randrange(10**5, 10**7)}.ingest.sentries.io", ttl=120)
    probe = rng.choice(world.desktops)
    for n in range(360):
        time = START + 240 * n + rng.uniform(0, 3)
        yield Query(time, probe, f"p{60123}.t{int(time)}.measure.atlasnet.org".encode(), A, [address(rng)])


def directories(world: World) -> Iterator[Query]:
    """Services of a directory by GUID, DNS-SD over unicast (RFC 6763), clusters with a delegated zone."""
    rng = world.rng
    guids = [_guid(world) for _ in range(8)]
    for client in world.clients:
        for time in world.times(12):
            name = f"_ldap._tcp.{rng.choice(guids)}.domains._msdcs.ad.amberworks.com"
            yield Query(time, client, name.encode(), SRV, [(SRV, 600, b"\0\0\0d\x01\x85\2dc\xc0\x0c")])
        for time in world.times(6):
            yield Query(time, client, b"lb._dns-sd._udp.0.0.30.10.in-addr.arpa", PTR, [], NO_SUCH_NAME)
            yield Query(time, client, b"_sleep-proxy._udp.office.amberworks.com", PTR, [], NO_SUCH_NAME)
    for node in world.nodes:
        for time in world.times(700):
            pod = f"{rng.choice(WORDS)}-{word(rng, HEX, 10)}-{word(rng, BASE36, 5)}"
            wanted = rng.choice((f"{rng.choice(HOSTS)}.{world.popular()}", f"{pod}.jobs"))
            for kind in (A, AAAA):
                name = f"{wanted}.svc.k8s.amberworks.com"
                code = NO_SUCH_NAME if "jobs" not in wanted else 0
                answers = [(kind, 5, rng.randbytes(4 if kind == A else 16))] if not code else []
                yield Query(time, node, name.encode(), kind, answers, code)


def walkers(world: World) -> Iterator[Query]:
    """Who looks through zones: DNSSEC from name to name (RFC 4470), lists of usual hosts, and many domains' records."""
    rng, client = world.rng, world.desktops[0]
    begin = START + 40_000
    for n, host in enumerate(sorted(WORDS)):
        yield Query(begin + n / 3, client, b"%s\x00.walked-zone.com" % host.encode(), NSEC, [], 0)
    usual = sorted({f"{a}{b}" for a in HOSTS for b in ("", "1", "2", "-dev", "-test")} | set(WORDS))
    for number, zone in enumerate(("surveyed-bank.com", "surveyed-shop.net")):
        for n, host in enumerate(usual):
            code = 0 if host in HOSTS else NO_SUCH_NAME
            answers = [] if code else [address(rng)]
            yield Query(begin + 9000 * number + n / 20, client, f"{host}.{zone}".encode(), A, answers, code)
    for time in world.times(800):
        domain = rng.choice(world.domains)
        for kind in (DS, DNSKEY):
            yield Query(time, client, domain.encode(), kind, [])


def attacks(world: World) -> Iterator[Query]:
    """Random names below a host of a victim, and words below another; everybody's requests, or one client's."""
    rng = world.rng
    for victim, clients, make in (
        ("www.victim-games.com", world.desktops[3:4], lambda: word(rng, BASE36, 12)),
        ("victim-news.org", world.desktops[4:5], lambda: rng.choice(WORDS) + str(rng.randrange(10_000))),
        ("victim-air.com", world.clients, lambda: word(rng, BASE36[:26], 16)),
    ):
        begin = START + rng.uniform(20_000, 60_000)
        for n in range(2000):
            outcome = rng.choice((NO_SUCH_NAME, 2))
            yield Query(
                begin + n / 30, rng.choice(clients), f"{make()}.{victim}".encode(), A, [], outcome, rng.random() < 0.7
            )


def trees(world: World) -> Iterator[Query]:
    """Lists of peers and updates in TXT records: a wallet's seeds, signatures of a scanner, a few names of a tree."""
    rng, client = world.rng, world.desktops[5]
    for time in world.times(40):
        branch = f"{word(rng, BASE32, 26)}.all.mainnet.peertree.net"
        answer = text(b"enr:-" + base64.b64encode(rng.randbytes(110)), 3600)
        yield Query(time, client, branch.encode(), TXT, [answer])
        for n in range(3):
            seeds = [(A, 60, rng.randbytes(4)) for _ in range(12)]
            yield Query(time + n, client, f"x{n}.seed.coinnode.org".encode(), A, seeds)
        yield Query(time + 5, client, b"current.cvd.scanclam.net", TXT, [text(b"1.4.1:27000:%d:1" % int(time), 1800)])


MORE_FAMILIES: Final[tuple[Family, ...]] = (
    storage, measurements, keyed_lists, policies, previews, devices, directories, walkers, attacks, trees,
)  # fmt: skip

"""Chains of three generations with every knob that a verdict may depend on, for comparisons between those who judge."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pki
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Usage
from cryptography.x509.oid import NameOID

HOST = "www.made.example"
CRITICAL_UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")


@cache
def key(kind: str, _number: int) -> Any:
    """The key of a kind, `rsa2048`, `p256` or `ed25519` say; one for each number."""
    if kind.startswith("rsa"):
        return pki.rsa_key(int(kind[3:]))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"p224": ec.SECP224R1, "p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
    return ec.generate_private_key(curves[kind]())


@dataclass(frozen=True)
class Plan:
    """What one certificate of a chain is to be like."""

    name: str
    key: str = "p256"
    number: int = 0
    hash: Any = field(default_factory=hashes.SHA256)
    pss: int | None = None
    begin: dt.datetime = pki.NOW - 30 * pki.DAY
    end: dt.datetime = pki.NOW + 60 * pki.DAY
    ca: bool | None = True
    path_length: int | None = None
    constraints_critical: bool = True
    signs: bool | None = True
    usages: tuple[x509.ObjectIdentifier, ...] = ()
    usages_critical: bool = False
    sans: tuple[str, ...] = ()
    sans_critical: bool = False
    authority: bool = True
    identifier: bool = True
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    subject: bool = True
    serial: int = 0


ROOT = Plan("Made Root", number=1)
MIDDLE = Plan("Made Intermediate", number=2)
LEAF = Plan(HOST, ca=False, signs=None, usages=(Usage.SERVER_AUTH,), sans=(HOST,), number=3)


def make(plan: Plan, by: tuple[Plan, pki.Issued] | None = None) -> pki.Issued:
    """The certificate of a plan."""
    own = key(plan.key, plan.number)
    subject = _name(plan.name) if plan.subject else x509.Name([])
    signer = by[1].key if by else own
    issuer = by[1].certificate.subject if by else subject
    builder = x509.CertificateBuilder(
        issuer, subject, own.public_key(), plan.serial or x509.random_serial_number(), plan.begin, plan.end
    )
    for extension, critical in _extensions(plan, own.public_key(), signer.public_key()):
        builder = builder.add_extension(extension, critical=critical)
    if isinstance(signer, ed25519.Ed25519PrivateKey):
        return pki.Issued(builder.sign(signer, None), own)
    pss = padding.PSS(padding.MGF1(plan.hash), plan.pss) if plan.pss and isinstance(signer, rsa.RSAPrivateKey) else None
    return pki.Issued(builder.sign(signer, plan.hash, rsa_padding=pss), own)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _extensions(plan: Plan, own: Any, above: Any) -> Iterator[tuple[x509.ExtensionType, bool]]:
    if plan.ca is not None:
        length = plan.path_length if plan.ca else None
        yield x509.BasicConstraints(plan.ca, length), plan.constraints_critical
    if plan.identifier:
        yield x509.SubjectKeyIdentifier.from_public_key(own), False
    if plan.authority:
        yield x509.AuthorityKeyIdentifier.from_issuer_public_key(above), False
    if plan.signs is not None:
        yield x509.KeyUsage(not plan.signs, False, False, False, False, plan.signs, plan.signs, False, False), True
    if plan.usages:
        yield x509.ExtendedKeyUsage(plan.usages), plan.usages_critical
    if plan.sans:
        yield x509.SubjectAlternativeName([x509.DNSName(san) for san in plan.sans]), plan.sans_critical
    yield from plan.more


@dataclass(frozen=True)
class Made:
    """A chain, leaf first, and the root that is trusted; `sent` is what a server sends."""

    title: str
    certificates: tuple[pki.Issued, ...]
    root: pki.Issued
    when: dt.datetime = pki.NOW
    sent: list[bytes] = field(default_factory=list)


Change = Callable[[list[Plan]], list[Plan]]


def at(place: int, **changes: Any) -> Change:
    """Plans (root first) of which one is changed."""
    return lambda plans: [replace(plan, **changes) if at == place else plan for at, plan in enumerate(plans)]


def chain(
    title: str, *changes: Change, plans: tuple[Plan, ...] = (ROOT, MIDDLE, LEAF), when: dt.datetime = pki.NOW
) -> Made:
    """The chain of these plans with changes."""
    changed = list(plans)
    for change in changes:
        changed = change(changed)
    issued: list[pki.Issued] = []
    for number, plan in enumerate(changed):
        issued.append(make(plan, (changed[number - 1], issued[-1]) if issued else None))
    sent = [one.der for one in reversed(issued[1:])]
    return Made(title, tuple(reversed(issued)), issued[0], when, sent)


KEYS = ("rsa2048", "rsa3072", "p256", "p384", "p521", "ed25519")
DATES = {
    "expired": {"end": pki.NOW - pki.DAY},
    "not yet valid": {"begin": pki.NOW + pki.DAY},
    "ends now": {"end": pki.NOW},
    "begins now": {"begin": pki.NOW},
    "until 2049": {"end": dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=dt.UTC)},
    "until 2050": {"end": dt.datetime(2050, 1, 1, tzinfo=dt.UTC)},
}
NAME_CONSTRAINTS = {
    "permitted": x509.NameConstraints([x509.DNSName("made.example")], None),
    "not permitted": x509.NameConstraints([x509.DNSName("other.example")], None),
    "excluded": x509.NameConstraints(None, [x509.DNSName("made.example")]),
}
HOSTS = (
    (HOST,), ("*.made.example",), ("a.example", HOST), ("bad_name.example", HOST), ("*.example", HOST), ("-a.example",),
    ("a-.example",), ("localhost",), ("*",), ("w*.made.example",), ("x" * 63 + ".example",),
    ("x" * 64 + ".example", HOST), ("xn--bcher-kva.example",), ("a..example",), ("192.0.2.1",), ("WWW.MADE.EXAMPLE",),
    ("www.made.example.",),
)  # fmt: skip
NOTICE = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)])
CONTENTS: dict[str, dict[str, Any]] = {
    "no basicConstraints": {"ca": None},
    "not critical": {"constraints_critical": False},
    "other cA": {"ca": None},
    "no keyUsage": {"signs": None},
    "other keyUsage": {"signs": False},
    "keyCertSign": {"signs": True},
    "client only": {"usages": (Usage.CLIENT_AUTH,)},
    "client and server": {"usages": (Usage.CLIENT_AUTH, Usage.SERVER_AUTH)},
    "any usage": {"usages": (Usage.ANY_EXTENDED_KEY_USAGE,)},
    "no usage": {"usages": ()},
    "critical usage": {"usages": (Usage.SERVER_AUTH,), "usages_critical": True},
    "no authorityKeyIdentifier": {"authority": False},
    "no subjectKeyIdentifier": {"identifier": False},
    "path length 0": {"path_length": 0},
    "path length 1": {"path_length": 1},
    "unknown critical": {"more": ((CRITICAL_UNKNOWN, True),)},
    "unknown": {"more": ((CRITICAL_UNKNOWN, False),)},
    "policy": {"more": ((NOTICE, False),)},
    "critical policy": {"more": ((NOTICE, True),)},
    "long serial": {"serial": 2**158 + 1},
    "SHA-384": {"hash": hashes.SHA384()},
    "SHA-512": {"hash": hashes.SHA512()},
    "SHA-224": {"hash": hashes.SHA224()},
}


def every() -> Iterator[Made]:
    """More than two hundred chains."""
    for root, middle, leaf in itertools.product(KEYS, KEYS, ("rsa2048", "p256")):
        yield chain(f"keys {root} {middle} {leaf}", at(0, key=root), at(1, key=middle), at(2, key=leaf))
    for algorithm, salt in itertools.product(
        (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()), (None, 20, 32, 48, 64)
    ):
        keys = at(0, key="rsa2048"), at(1, key="rsa2048")
        yield chain(
            f"{algorithm.name} salt {salt}", *keys, at(1, hash=algorithm, pss=salt), at(2, hash=algorithm, pss=salt)
        )
    for kind, algorithm in itertools.product(
        ("p256", "p384", "p521"), (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())
    ):
        yield chain(f"ECDSA {kind} {algorithm.name}", at(1, key=kind), at(2, hash=algorithm))
    for weak, place in itertools.product(("rsa1024", "p224"), (0, 1, 2)):
        yield chain(f"weak {weak} at {place}", at(place, key=weak))
    for (title, changes), place in itertools.product({**DATES, **CONTENTS}.items(), (0, 1, 2)):
        yield chain(f"{title} at {place}", at(place, **changes))
    for (title, names), place, critical in itertools.product(NAME_CONSTRAINTS.items(), (0, 1), (True, False)):
        yield chain(f"names {title} at {place}, critical {critical}", at(place, more=((names, critical),)))
    for number, sans in enumerate(HOSTS):
        yield chain(f"hosts {number}", at(2, sans=sans))
    yield chain("no names", at(2, sans=()))
    yield chain("critical names", at(2, sans_critical=True))
    yield chain("no subject", at(2, subject=False))
    yield chain("no subject, critical names", at(2, subject=False, sans_critical=True))
    yield from _shapes()


def _shapes() -> Iterator[Made]:
    """Longer and shorter ones, and what a server may send besides."""
    for count in (0, 2, 3, 7, 8, 9, 10):
        between = tuple(replace(MIDDLE, name=f"Level {n}", number=10 + n) for n in range(count))
        for length in (None, count, count - 1) if 0 < count < 4 else (None,):
            yield chain(f"{count} between, length {length}", at(0, path_length=length), plans=(ROOT, *between, LEAF))
    same = chain("self-issued between", plans=(ROOT, MIDDLE, replace(MIDDLE, number=5), LEAF))
    yield same
    sound = chain("sound")
    twin = make(replace(MIDDLE, number=6), (ROOT, sound.root))
    root_twin = make(replace(ROOT, number=7))
    extra: dict[str, list[bytes]] = {
        "with root": [*sound.sent, sound.root.der],
        "leaf alone": sound.sent[:1],
        "leaf twice": [sound.sent[0], *sound.sent],
        "twin first": [sound.sent[0], twin.der, sound.sent[1]],
        "twin last": [*sound.sent, twin.der],
        "twin alone": [sound.sent[0], twin.der],
        "twin of the root": [*sound.sent, root_twin.der],
        "root alone": [sound.root.der],
        "intermediate alone": [sound.sent[1]],
        "other order": [sound.sent[0], sound.root.der, sound.sent[1]],
    }
    for title, sent in extra.items():
        yield replace(sound, title=title, sent=sent)


def bent(der: bytes) -> Iterator[bytes]:
    """The same certificate with its signature changed in one bit, at several places."""
    for place in (1, 2, 9, 20, 31, 40):
        changed = bytearray(der)
        changed[-place] ^= 1 << place % 8
        yield bytes(changed)

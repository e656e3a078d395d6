"""Keys whose private half anybody can find, each in a certificate made for it; badkeys is the independent oracle."""

import hashlib
import math
import random
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import badkeys.checks
import gmpy2
import pki
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from test_core_trust import Both

from probe import _parsers
from probe.trust import known
from probe.trust.store import Store, TrustError

RANDOM = random.Random(4)
PRIMES = [prime for prime in range(2, 752) if gmpy2.is_prime(prime)]
NOW = pki.NOW_NS // 10**9


def _prime(bits: int) -> int:
    return int(gmpy2.next_prime(RANDOM.getrandbits(bits) | 3 << bits - 2))


def _infineon_prime(bits: int) -> int:
    """As the faulty chips made them: k * M + 65537^a mod M (Nemec et al., section 2.1)."""
    product = math.prod(PRIMES[:39] if bits < 480 else PRIMES[:71] if bits < 992 else PRIMES[:126])
    while True:
        k = RANDOM.getrandbits(bits - product.bit_length()) | 3 << bits - product.bit_length() - 2
        candidate = k * product + pow(65537, RANDOM.getrandbits(80), product)
        if gmpy2.is_prime(candidate):
            return candidate


P, Q = _prime(1024), _prime(1024)
MODULI = {
    "sound": P * Q,
    "close": P * int(gmpy2.next_prime(P + 2**512)),
    "next": P * int(gmpy2.next_prime(P)),
    "far": P * int(gmpy2.next_prime(P + 2**530)),
    "square": P * P,
    "factor 3": 3 * _prime(2046),
    "factor 751": 751 * _prime(2039),
    "factor 757": 757 * _prime(2039),
    "roca 512": _infineon_prime(256) * _infineon_prime(256),
    "roca 1024": _infineon_prime(512) * _infineon_prime(512),
    "roca 2048": _infineon_prime(1024) * _infineon_prime(1024),
    "half roca": _infineon_prime(1024) * P,
}
REASONS = {
    "close": "RSA primes lie close together (Fermat)",
    "next": "RSA primes lie close together (Fermat)",
    "square": "RSA primes lie close together (Fermat)",
    "factor 3": "RSA modulus is divisible by 3",
    "factor 751": "RSA modulus is divisible by 751",
    **dict.fromkeys(("roca 512", "roca 1024", "roca 2048"), "RSA key of a faulty chip, ROCA (CVE-2017-15361)"),
}
ORACLE = {"RSA primes": "fermat", "RSA modulus": "smallfactors", "RSA key": "roca"}


class Half:
    """The public half of a key that nobody has the other one of."""

    def __init__(self, modulus: int, exponent: int = 65537) -> None:
        self._public = rsa.RSAPublicNumbers(exponent, modulus).public_key()

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public


def _resigned(issued: pki.Issued, by: pki.Issued, old: bytes, new: bytes) -> bytes:
    """With other bytes in what is signed, of the same length, and signed again by P-256."""
    signed = issued.certificate.tbs_certificate_bytes
    assert signed.count(old) == 1
    assert len(old) == len(new)
    signed = signed.replace(old, new)
    signature = by.key.sign(signed, ec.ECDSA(hashes.SHA256()))
    content = signed + bytes.fromhex("300a06082a8648ce3d040302") + b"\x03" + bytes((len(signature) + 1, 0)) + signature
    return b"\x30\x82" + len(content).to_bytes(2, "big") + content


@pytest.fixture(scope="module")
def both(authority: Any) -> Both:
    return Both(authority.pem)


@pytest.mark.parametrize("title", MODULI)
def test_both_judge_the_key_whether_a_root_is_reached_or_not(authority: Any, both: Both, title: str) -> None:
    leaf = pki.issue("pay.example", authority.root, key=Half(MODULI[title]))
    stranger = pki.issue("pay.example", pki.issue("Nobody", ca=True), key=Half(MODULI[title]))
    for sent in ([leaf.der], [stranger.der]):
        assert both.judge(sent, "pay.example")  # the core knows alone, and says what Python says
        details = [detail for reason, _, detail in both.python(sent, "pay.example", NOW) if reason == "weak_key"]
        assert details == ([REASONS[title]] if title in REASONS else [])


@pytest.mark.parametrize("title", MODULI)
def test_badkeys_says_the_same(title: str) -> None:
    leaf = pki.issue("pay.example", key=Half(MODULI[title]), by=pki.issue("Any", ca=True))
    ours = _parsers.Known().weak_key(leaf.der)
    found = badkeys.checks.checkrsa(MODULI[title], 65537, checks=["fermat", "smallfactors", "roca"])
    wanted = None if ours is None else next(check for begin, check in ORACLE.items() if ours.startswith(begin))
    theirs = set(found)
    if title == "factor 757":
        theirs.discard("smallfactors")  # the Baseline Requirements stop at 751, badkeys goes on
    assert theirs == ({wanted} if wanted else set()), found


def test_sound_keys_are_sound() -> None:
    known_keys = _parsers.Known()
    authority = pki.issue("Any", ca=True)
    for _ in range(100):
        modulus = _prime(512) * _prime(512)
        assert known_keys.weak_key(pki.issue("x", authority, key=Half(modulus)).der) is None


@pytest.mark.parametrize(
    ("exponent", "old", "new", "detail"),
    [
        (3, "020103", "020101", "RSA exponent 1"),
        (3, "020103", "020100", "RSA exponent 0"),
        (65537, "0203010001", "0203010002", "RSA exponent is even"),
    ],
)
def test_exponents_that_the_library_refuses(
    authority: Any, both: Both, exponent: int, old: str, new: str, detail: str
) -> None:
    leaf = pki.issue("pay.example", authority.root, key=Half(MODULI["sound"], exponent))
    sent = [_resigned(leaf, authority.root, bytes.fromhex(old), bytes.fromhex(new))]
    assert not both.judge(sent, "pay.example")  # out of the ordinary: Python is asked
    said = both.python(sent, "pay.example", NOW)
    assert [(reason, text) for reason, _, text in said if reason == "weak_key"] == [("weak_key", detail)]
    assert any(reason == "unparseable" for reason, *_ in said)


def test_an_even_modulus(authority: Any, both: Both) -> None:
    odd = MODULI["sound"]
    leaf = pki.issue("pay.example", authority.root, key=Half(odd))
    size = 256
    sent = [_resigned(leaf, authority.root, odd.to_bytes(size, "big"), (odd - 1).to_bytes(size, "big"))]
    assert ("weak_key", "RSA modulus is even") in [
        (reason, text) for reason, _, text in both.python(sent, "pay.example", NOW)
    ]


def test_a_list_as_it_is_published(authority: Any, tmp_path: Path) -> None:
    key = pki.rsa_key(2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    printed = subprocess.run(
        ["openssl", "rsa", "-noout", "-modulus"], input=pem, capture_output=True, check=True, timeout=60
    ).stdout
    digest = hashlib.sha1(printed).hexdigest()
    (tmp_path / "blacklist.RSA-2048").write_text(f"# openssl-blacklist\n{'0' * 20}\n{digest[20:]}\n")
    listed = Both(authority.pem, weak_keys=(str(tmp_path / "blacklist.RSA-2048"),))
    sent = [pki.issue("pay.example", authority.root, key=key).der]
    assert listed.judge(sent, "pay.example")
    assert [text for reason, _, text in listed.python(sent, "pay.example", NOW) if reason == "weak_key"] == [
        "RSA key on the list given by --weak-keys"
    ]
    assert [reason for reason, *_ in Both(authority.pem).python(sent, "pay.example", NOW)] == ["ok"]


@pytest.mark.parametrize(("content", "remedy"), [(None, "no such file"), (b"# x\n12\n", "line 2 has no 20 hex digits")])
def test_unusable_lists_are_told(tmp_path: Path, content: bytes | None, remedy: str) -> None:
    path = tmp_path / "list"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrustError, match=remedy) as caught:
        Store(host=False, weak_keys=(str(path),)).known(_parsers)
    assert str(caught.value).startswith(str(path))


def test_a_list_too_long_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"0" * 21)
    monkeypatch.setattr(known, "MAX_BYTES", 20)
    with pytest.raises(TrustError, match="larger than"):
        known.known(SimpleNamespace(), (str(tmp_path / "list"),))  # type: ignore[arg-type]

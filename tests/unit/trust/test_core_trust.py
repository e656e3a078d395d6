"""The core judges a chain as `Chains.judge` does, or leaves it to it."""

import hashlib
import itertools
from typing import Any

import der
import pki
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from test_anchors import NAME, _cases

from probe import _parsers
from probe.trust import anchors, beside
from probe.trust.certificates import parse
from probe.trust.chain import Chains
from probe.trust.store import Store

NOW = pki.NOW_NS // 10**9
CLIENT = beside.MAGIC + b"\1\0\0\0"


class Both:
    """The two that judge, against the same roots."""

    def __init__(self, pem: str, **more: Any) -> None:
        self.store = Store((pem,), host=False, **more)
        self.roots = self.store.for_core(_parsers)

    def judge(self, chain: list[bytes], name: str | None, when: int = NOW, *, client: bool = False) -> bool:
        """Whether the core knows; fails if it says something else than Python."""
        answer = self.roots.judge(chain, name, when, client=client)
        if answer is None:
            return False
        judged, since, until, _ = answer
        assert judged == self.python(chain, name, when, client=client)
        assert since <= when <= until
        for second, same in ((since, True), (min(until, 2**33), True), (since - 1, False), (until + 1, False)):
            if 0 <= second < 2**33:
                assert (judged == self.python(chain, name, second, client=client)) is same
        return True

    def reachable(self, chain: list[bytes]) -> bool:
        """Whether Python asks its libraries."""
        return anchors.dead_end([parse(_sha256(one), one) for one in dict.fromkeys(chain)], self.store) is None

    def python(self, chain: list[bytes], name: str | None, when: int, *, client: bool = False) -> list[tuple[Any, ...]]:
        """What `Chains.judge` says: reason, SHA-256, detail."""
        sent = [*chain, CLIENT] if client else chain
        hashes = tuple(_sha256(one) for one in sent)
        chains = Chains(self.store, dict(zip(hashes, sent, strict=True)).get, _parsers)
        return [(j.reason, j.sha256, j.detail) for j in chains.judge(hashes, name, when * 10**9)]


def _sha256(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


@pytest.fixture(scope="module")
def both(authority: Any) -> Both:
    return Both(authority.pem)


def test_every_kind_of_chain_in_every_order(authority: Any, both: Both) -> None:
    known = 0
    for chain in _cases(authority).values():
        leaf, *others = (issued.der for issued in chain)
        for order in itertools.permutations(others):
            sent = [leaf, *order]
            for name in (NAME, None, "other.example", NAME.upper()):
                for when in (NOW, NOW - 400 * 86_400, NOW + 400 * 86_400):
                    answered = both.judge(sent, name, when)
                    assert answered or both.reachable(sent)
                    known += answered
    assert known > 100


def test_what_is_wrong_besides_the_root(both: Both, tmp_path: Any) -> None:
    other = pki.issue("Other Root", ca=True)
    weak = pki.issue("Weak", other, key=pki.rsa_key(1024))
    client = pki.issue(NAME, other, usages=(pki.ExtendedKeyUsageOID.CLIENT_AUTH,))
    old = pki.sha1_leaf(NAME, other, tmp_path)
    for chain in ((weak, other), (client, other), (old, other), (client, weak, other, old), (weak,), (weak, weak)):
        assert both.judge([issued.der for issued in chain], NAME)


def test_chains_of_clients(authority: Any, both: Both, tmp_path: Any) -> None:
    other = pki.issue("Other Root", ca=True)
    leaves = [
        pki.issue("worker 7", other, sans=(), usages=usages)
        for usages in (
            pki.SERVER,
            (pki.ExtendedKeyUsageOID.CLIENT_AUTH,),
            (pki.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,),
        )
    ]
    star = pki.issue("*", other, sans=("*.co.uk",))
    weak = pki.issue("Weak", other, key=pki.rsa_key(1024))
    for leaf in (*leaves, star, weak, pki.sha1_leaf(NAME, other, tmp_path)):
        for chain in ([leaf.der], [leaf.der, other.der]):
            for when in (NOW, NOW - 400 * 86_400, NOW + 400 * 86_400):
                assert both.judge(chain, None, when, client=True)
    # Those that may reach a root are Python's.
    reaches = pki.issue(NAME, authority.root, usages=pki.SERVER).der
    assert both.judge([reaches], NAME)
    assert not both.judge([reaches], None, client=True)


def test_what_needs_a_library_is_left_to_it(both: Both, authority: Any) -> None:
    fake = pki.issue("Test Root", ca=True)
    assert not both.judge([pki.issue(NAME, authority.root, sans=()).der], NAME)
    assert not both.judge([authority.root.der], NAME)
    assert not both.judge([pki.issue(NAME, fake).der, fake.der], NAME)
    assert not both.judge([der.certificate(issuer=der.common("TEST ROOT"))], NAME)  # names are compared without case
    assert not both.judge([der.certificate()[:-1]], NAME)
    alone = pki.issue(NAME).der
    for name in ("192.0.2.1", "2001:db8::1", "bücher.example", "1234", "", "a b.example", "nul\0.example"):
        assert not both.judge([alone], name)


def test_names_that_differ_in_case_only(both: Both) -> None:
    """Letters that fold to others: the core may not take names as different that Python takes as equal."""
    letters = "\u0130 i\u0307 \u017f S \u212a k \u03a3 \u03c2 \u03c3 \ufb01 FI \u01c4 \u01c6 \u1e9e \u00df ss"
    texts = [*letters.split(), "STRASSE", "stra\u00dfe"]
    for subject, issuer, root in itertools.product(texts, texts, texts[::6]):
        leaf = der.certificate(der.common("leaf"), der.common(issuer))
        both.judge([leaf, der.certificate(der.common(subject), der.common(root))], None)


@pytest.mark.parametrize("begin", [b"19400101000000Z", b"19691231235959Z", b"20240601000000Z", b"99991231235959Z"])
@pytest.mark.parametrize("end", [b"19500101000000Z", b"19700101000000Z", b"20240601000000Z", b"99991231235959Z"])
def test_the_ends_of_validity(both: Both, begin: bytes, end: bytes) -> None:
    leaf = der.certificate(validity=der.times(begin, end, der.GENERALIZED))
    for when in (0, 1, NOW - 1, NOW, NOW + 1, 2**33, 253_402_300_799, 2**40):
        assert both.judge([leaf], None, when)


def test_every_certificate_alone(both: Both) -> None:
    known = 0
    for leaf in itertools.chain(der.sane(), der.odd()):
        answer = both.roots.judge([leaf], "www.example", NOW)
        assert answer is None or answer[0] == both.python([leaf], "www.example", NOW)
        known += answer is not None
    assert known > 100


_LABEL = some.sampled_from(
    ["a", "b", "www", "xn--bcher-kva", "A", "WWW", "1", "10", "my_host", "-", "a-b", "*", "w*", "*w", ""]
)
_NAME = some.lists(_LABEL, min_size=1, max_size=5).map(".".join)


@settings(max_examples=500, deadline=None)
@given(patterns=some.lists(_NAME, max_size=5), name=_NAME, extra=some.sampled_from([b"", b"\x0a\x00\x00\x01"]))
def test_names_are_matched_alike(both: Both, patterns: list[str], name: str, extra: bytes) -> None:
    addresses = [(0x87, extra)] if extra else []
    sans = der.sans(*((0x82, pattern.encode()) for pattern in patterns), *addresses)
    _matched(both, (sans,), name)


@settings(max_examples=200, deadline=None)
@given(some.text("aA.*-1x \t\x00_é", max_size=12), some.text("aA.*-1x _é", max_size=12))
def test_any_text_as_pattern_and_name(both: Both, pattern: str, name: str) -> None:
    _matched(both, (der.dns(pattern, "a.example"),), name)


def _matched(both: Both, extensions: tuple[bytes, ...], name: str) -> None:
    """The validity of what the builder makes does not change at once, so only the names are compared here."""
    leaf = der.certificate(extensions=extensions)
    answer = both.roots.judge([leaf], name, NOW)
    if answer is not None:
        assert answer[0] == both.python([leaf], name, NOW)


def test_plain_names_are_decided(both: Both) -> None:
    for sans in ((), (der.dns("a.example", "*.b.example", "*", "10.0.0.1"),), (der.sans((0x81, b"m@x.example")),)):
        for name in (
            "a.example",
            "A.example.",
            "x.b.example",
            "b.example",
            "x.y.b.example",
            "xn--a.b.example",
            "a" * 300,
        ):
            assert both.judge([der.certificate(extensions=sans)], name)


def test_roots_that_python_has_to_read(authority: Any) -> None:
    odd = der.certificate(der.common("Odd Root"), der.common("Odd Root"), serial=der.number(-1))
    roots = _parsers.Roots([odd, authority.root.der])
    assert (roots.unread, len(roots)) == ([odd], 1)
    alone = pki.issue(NAME).der
    assert roots.judge([alone], NAME, NOW) is None
    roots.resolve(odd, "CN=Odd Root")
    assert (roots.unread, len(roots)) == ([], 2)
    assert roots.judge([alone], NAME, NOW) is not None
    assert roots.judge([der.certificate(issuer=der.common("odd root"))], NAME, NOW) is None

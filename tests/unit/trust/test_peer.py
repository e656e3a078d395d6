"""Chains of peers of IKE: for any use, and proving what the peer claims to be (RFC 4945)."""

import ipaddress
from typing import Any

import pki
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from probe import _parsers
from probe.checks.certificate_chain import WORDINGS
from probe.trust import beside
from probe.trust.chain import Chains
from probe.trust.store import Store

MARK = beside.MAGIC + b"\4\0\0\0"
IKE = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.17")


def _judge(authority: Any, *chain: pki.Issued, name: str | None = None, roots: bool = True) -> list[str]:
    """By the library, and by the core where it can tell alone."""
    held = {issued.sha256: issued.der for issued in chain} | {"mark": MARK}
    store = Store((authority.pem,) if roots else (), host=False)
    found = [one.reason for one in Chains(store, held.get, _parsers).judge(tuple(held), name, pki.NOW_NS)]
    ders = [issued.der for issued in chain]
    alone = store.for_core(_parsers).judge(ders, name, pki.NOW_NS // 10**9, peer=True)
    assert alone is None or [reason for reason, *_ in alone[0]] == found
    return found


def test_what_is_read_beside_a_chain() -> None:
    assert beside.read(MARK) == beside.Beside(peer=True)


@pytest.mark.parametrize("usages", [pki.SERVER, (ExtendedKeyUsageOID.CLIENT_AUTH,), (IKE,), ()])
def test_it_may_be_issued_for_anything(authority: Any, usages: Any) -> None:
    leaf = pki.issue("moon", authority.intermediate, usages=usages, sans=("moon.example",))
    assert _judge(authority, leaf, authority.intermediate, name="moon.example") == ["ok"]


SANS = ("moon.example", x509.RFC822Name("carol@Example.test"), x509.IPAddress(ipaddress.ip_address("192.0.2.1")))


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        (None, ["ok"]),
        ("moon.example", ["ok"]),
        ("192.0.2.1", ["ok"]),
        ("carol@example.TEST", ["ok"]),
        ("CN=moon", ["ok"]),
        ("sun.example", ["wrong_name"]),
        ("192.0.2.2", ["wrong_name"]),
        ("Carol@example.test", ["wrong_name"]),
        ("CN=sun", ["wrong_name"]),
    ],
)
def test_what_the_peer_claims_to_be(authority: Any, name: str | None, reasons: list[str]) -> None:
    leaf = pki.issue("moon", authority.root, sans=SANS, usages=())
    assert _judge(authority, leaf, name=name) == reasons


def test_every_other_reason(authority: Any) -> None:
    other = pki.issue("Other Root", ca=True)
    for reasons, chain in (
        (["expired"], [pki.issue("w", authority.root, usages=(), end=pki.NOW - pki.DAY)]),
        (["self_signed"], [pki.issue("w", usages=())]),
        (["missing_intermediate"], [pki.issue("w", other, usages=())]),
        (["unknown_root"], [pki.issue("w", other, usages=()), other]),
        (["weak_key"], [pki.issue("w", authority.root, usages=(), key=pki.rsa_key(1024))]),
    ):
        assert _judge(authority, *chain) == reasons


def test_rows_for_peers_have_a_row_for_servers() -> None:
    rows = {reason for reason, _ in WORDINGS}
    assert {row.removeprefix("peer.") for row in rows if row.startswith("peer.")} <= rows

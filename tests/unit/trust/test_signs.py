"""What names in a certificate tell: wildcards that cover too much, issuers known to read along; and stores by name."""

import tomllib
from pathlib import Path
from typing import Any

import pki
import pytest
from cryptography import x509
from test_core_trust import Both

from probe import _parsers
from probe.trust import known
from probe.trust.chain import Chains
from probe.trust.store import Store

NAME = "www.signs.example"
NOW = pki.NOW_NS // 10**9


def _sans(*names: str) -> tuple[str, ...]:
    return (NAME, *names)


WILDCARDS = {
    ("*.signs.example",): None,
    ("*.co.uk",): "*.co.uk covers everything that is registered below co.uk",
    ("*.com",): "*.com covers everything that is registered below com",
    ("*.internal",): "*.internal covers everything that is registered below internal",
    ("*",): "* covers every name of one label",
    ("w*.signs.example",): "w*.signs.example has its star where clients do not take it",
    tuple(f"*.d{number}.example" for number in range(101)): "wildcards for 101 domains in one certificate",
}


@pytest.mark.parametrize("names", WILDCARDS)
def test_wildcards(authority: Any, names: tuple[str, ...]) -> None:
    both = Both(authority.pem)
    sent = [pki.issue(NAME, authority.root, sans=_sans(*names)).der]
    assert both.judge(sent, NAME)
    said = [detail for reason, _, detail in both.python(sent, NAME, NOW) if reason == "certificate.wildcard"]
    assert said == [detail for detail in [WILDCARDS[names]] if detail]


@pytest.mark.parametrize(
    ("issuer", "product"),
    [
        ("CN=Zscaler Intermediate Root CA (zscalertwo.net),OU=Zscaler Inc.,O=Zscaler Inc.,C=US", "Zscaler"),
        ("CN=FG100F,OU=Certificate Authority,O=Fortinet,C=US", "Fortinet"),
        ("CN=avast! Web/Mail Shield Root,O=avast! Web/Mail Shield", "Avast Web Shield"),
        ("CN=mitmproxy,O=mitmproxy", "mitmproxy"),
        ("CN=R11,O=Let's Encrypt,C=US", None),
        ("CN=Amazon RSA 2048 M02,O=Amazon,C=US", None),
    ],
)
def test_issuers_that_read_along(authority: Any, issuer: str, product: str | None) -> None:
    both = Both(authority.pem)
    box = pki.issue(x509.Name.from_rfc4514_string(issuer), ca=True)
    sent = [pki.issue(NAME, box).der, box.der]
    assert both.judge(sent, NAME)
    said = [detail for reason, _, detail in both.python(sent, NAME, NOW) if reason == "certificate.interception"]
    assert said == [text for text in [product] if text]


def test_every_row_of_the_list_is_found_and_has_its_source() -> None:
    rows = tomllib.loads(known._MIDDLEBOXES.read_text())["middlebox"]
    looks = known.known(_parsers, ())
    assert len(rows) > 20
    for row in rows:
        assert looks.middlebox(f"C=US,{row['begin']} x,L=y") == row["product"]
        assert row["source"]
        assert looks.middlebox(f"CN=about {row['begin']}") is None


def test_the_store_that_a_chain_reaches_is_named(authority: Any, tmp_path: Path) -> None:
    other = pki.issue("Other Root", ca=True)
    (tmp_path / "other.pem").write_bytes(other.pem)
    stores = Store((f"mozilla={authority.pem}", f"corp={authority.pem}", str(tmp_path / "other.pem")), host=False)
    assert stores.sources == (authority.pem, authority.pem, str(tmp_path / "other.pem"))
    roots = stores.for_core(_parsers)
    long = pki.issue(NAME, authority.root, end=pki.NOW + 390 * pki.DAY, begin=pki.NOW - 9 * pki.DAY)
    for leaf, name, store, reasons in (
        (pki.issue(NAME, authority.root), NAME, "mozilla, corp", ["ok"]),
        (pki.issue(NAME, authority.root), "x.example", "mozilla, corp", ["wrong_name"]),
        (pki.issue(NAME, other), NAME, "private", ["ok"]),
        (pki.issue(NAME, other, end=pki.NOW - pki.DAY), NAME, None, ["expired"]),
        (pki.issue(NAME), NAME, None, ["self_signed"]),
        # Only a public programme binds its authorities to lengths of validity.
        (long, NAME, "mozilla, corp", ["ok", "certificate.validity_length"]),
    ):
        chains = Chains(stores, parsers=_parsers)
        chains.add(leaf.sha256, leaf.der)
        judged = chains.judge((leaf.sha256,), name, pki.NOW_NS)
        assert [(one.reason, one.store) for one in judged] == [(reason, store) for reason in reasons]
        answer = roots.judge([leaf.der], name, NOW)
        assert answer is not None
        assert (answer[3], [reason for reason, *_ in answer[0]]) == (store, reasons)


def test_a_file_with_an_equals_sign_is_a_file(authority: Any, tmp_path: Path) -> None:
    path = tmp_path / "a=b.pem"
    path.write_bytes(authority.root.pem)
    assert Store((str(path),), host=False).stores_of(authority.root.certificate) == ["private"]


def test_a_root_that_ends_within_the_day_is_judged_anew(tmp_path: Path) -> None:
    end = pki.NOW + pki.DAY / 2
    root = pki.issue("Short Root", ca=True, end=end)
    leaf = pki.issue(NAME, root)
    (tmp_path / "root.pem").write_bytes(root.pem)
    chains = Chains(Store((str(tmp_path / "root.pem"),), host=False))
    chains.add(leaf.sha256, leaf.der)
    last = int(end.timestamp())
    for second, reason in ((NOW, "ok"), (last, "ok"), (last + 1, "expired"), (NOW, "ok")):
        assert [one.reason for one in chains.judge((leaf.sha256,), NAME, second * 10**9)] == [reason]
        since, until = chains.period((leaf.sha256,), second * 10**9)
        assert since <= second <= until
        assert (since <= last < until) is False

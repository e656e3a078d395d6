"""The short cut for chains without a trusted root says what the libraries say."""

import itertools
from typing import Any

import pki
import pytest

from probe.trust import anchors
from probe.trust.chain import Chains
from probe.trust.store import Store

NAME = "www.test.example"


def _cases(authority: Any) -> dict[str, tuple[pki.Issued, ...]]:
    root = pki.issue("Other Root", ca=True)
    twin = pki.issue("Other Root", ca=True)  # the same name, another key
    middle = pki.issue("Other Intermediate", root, ca=True)
    low = pki.issue("Low Intermediate", middle, ca=True)
    no_ca = pki.issue("No Authority", root)
    leaf = pki.issue(NAME, middle)
    expired = pki.issue(NAME, middle, end=pki.NOW - pki.DAY)
    loop_a = pki.issue("Loop", ca=True)
    loop_b = pki.issue("Pool", loop_a, ca=True)
    loop_c = pki.issue("Loop", loop_b, ca=True, key=loop_a.key)
    return {
        "self signed": (pki.issue(NAME),),
        "self signed and expired": (pki.issue(NAME, end=pki.NOW - pki.DAY),),
        "leaf alone": (leaf,),
        "without root": (leaf, middle),
        "with root": (leaf, middle, root),
        "wrong order": (leaf, root, middle),
        "twin root": (leaf, middle, twin),
        "both roots": (leaf, middle, twin, root),
        "unrelated": (leaf, pki.issue("Unrelated", ca=True)),
        "two levels": (pki.issue(NAME, low), low, middle, root),
        "gap": (pki.issue(NAME, low), low, root),
        "signed by no authority": (pki.issue(NAME, no_ca), no_ca, root),
        "expired": (expired, middle, root),
        "loop": (pki.issue(NAME, loop_b), loop_b, loop_c),
        "trusted": (pki.issue(NAME, authority.intermediate), authority.intermediate),
        "trusted, intermediate missing": (pki.issue(NAME, authority.intermediate),),
        "name of a trusted root": (pki.issue(NAME, fake := pki.issue("Test Root", ca=True)), fake),
    }


def _judged(authority: Any, chain: tuple[pki.Issued, ...]) -> list[tuple[Any, ...]]:
    chains = Chains(Store((authority.pem,), host=False))
    for issued in chain:
        chains.add(issued.sha256, issued.der)
    found = chains.judge(tuple(issued.sha256 for issued in chain), NAME, pki.NOW_NS)
    return sorted((j.reason, j.sha256, j.subject, j.issuer, j.detail) for j in found)


def test_every_kind_of_chain_is_judged_alike(authority: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = _cases(authority)
    short = {name: _judged(authority, chain) for name, chain in cases.items()}
    monkeypatch.setattr(anchors, "dead_end", lambda _chain, _store: None)
    assert short == {name: _judged(authority, chain) for name, chain in cases.items()}


def test_any_order_of_what_was_sent(authority: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    leaf, *others = _cases(authority)["two levels"]
    orders = [(leaf, *order) for order in itertools.permutations(others)]
    short = [_judged(authority, chain) for chain in orders]
    monkeypatch.setattr(anchors, "dead_end", lambda _chain, _store: None)
    assert short == [_judged(authority, chain) for chain in orders]


def test_the_libraries_are_not_asked_where_names_suffice(authority: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Chains, "_ask", refuse)
    root = pki.issue("Other Root", ca=True)
    assert [reason for reason, *_ in _judged(authority, (pki.issue(NAME, root), root))] == ["unknown_root"]

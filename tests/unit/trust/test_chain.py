"""Every reason of the contract, on certificates made for it, and tolerance for what real servers send."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pki
import pytest

from probe.trust import chain as chain_module
from probe.trust.chain import Chains
from probe.trust.reasons import Judgement
from probe.trust.store import Store

NAME = "www.test.example"


class Judge:
    """Judges chains against the test root alone."""

    def __init__(self, authority: Any) -> None:
        self.chains = Chains(Store((authority.pem,), host=False))

    def __call__(self, *chain: pki.Issued, name: str | None = NAME, when: int = pki.NOW_NS) -> tuple[Judgement, ...]:
        for issued in chain:
            self.chains.add(issued.sha256, issued.der)
        return self.chains.judge(tuple(issued.sha256 for issued in chain), name, when)

    def reasons(self, *chain: pki.Issued, **rest: Any) -> list[str]:
        return [judgement.reason for judgement in self(*chain, **rest)]


@pytest.fixture
def judge(authority: Any) -> Judge:
    return Judge(authority)


def test_good_chain(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate)
    assert judge(leaf, authority.intermediate) == (Judgement("ok", leaf.sha256, store="private"),)


def test_order_extra_and_repeated_certificates_do_not_matter(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate)
    other = pki.issue("unrelated.example")
    chain = (leaf, other, authority.root, authority.intermediate, authority.intermediate, leaf)
    assert judge.reasons(*chain) == ["ok"]


def test_expired_names_the_date(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate, begin=pki.NOW - 9 * pki.DAY, end=pki.NOW - 5 * pki.DAY)
    found = judge(leaf, authority.intermediate)
    assert [judgement.reason for judgement in found] == ["expired"]
    assert found[0].detail == "valid until 2024-05-27 00:00:00 UTC"
    assert found[0].subject == f"CN={NAME}"


def test_expired_intermediate_is_named(judge: Judge, authority: Any) -> None:
    old = pki.issue("Old Intermediate", authority.root, ca=True, begin=pki.NOW - 90 * pki.DAY, end=pki.NOW - pki.DAY)
    leaf = pki.issue(NAME, old)
    found = judge(leaf, old)
    assert [(judgement.reason, judgement.sha256) for judgement in found] == [("expired", old.sha256)]


def test_not_yet_valid(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate, begin=pki.NOW + pki.DAY)
    assert judge.reasons(leaf, authority.intermediate) == ["not_yet_valid"]


def test_self_signed(judge: Judge) -> None:
    assert judge.reasons(pki.issue(NAME)) == ["self_signed"]


def test_unknown_root_sent_and_unsent(judge: Judge) -> None:
    root = pki.issue("Other Root", ca=True)
    middle = pki.issue("Other Intermediate", root, ca=True)
    leaf = pki.issue(NAME, middle)
    assert judge.reasons(leaf, middle, root) == ["unknown_root"]
    assert judge.reasons(leaf, middle) == ["unknown_root"]


def test_missing_intermediate(judge: Judge, authority: Any) -> None:
    assert judge.reasons(pki.issue(NAME, authority.intermediate)) == ["missing_intermediate"]


def test_wrong_name_lists_what_it_is_for(judge: Judge, authority: Any) -> None:
    leaf = pki.issue("other.example", authority.intermediate, sans=("a.example", "b.example", "c.example", "d.example"))
    found = judge(leaf, authority.intermediate)
    assert [(judgement.reason, judgement.detail) for judgement in found] == [
        ("wrong_name", "issued for a.example, b.example, c.example and 1 more")
    ]


def test_name_that_was_not_asked_for_is_not_judged(judge: Judge, authority: Any) -> None:
    leaf = pki.issue("other.example", authority.intermediate)
    assert judge.reasons(leaf, authority.intermediate, name=None) == ["ok"]


def test_common_name_alone_does_not_count(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate, sans=())
    assert judge.reasons(leaf, authority.intermediate) == ["wrong_name"]


def test_weak_key(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate, key=pki.rsa_key(1024))
    found = judge(leaf, authority.intermediate)
    assert [(judgement.reason, judgement.detail) for judgement in found] == [("weak_key", "RSA 1024 bits")]


def test_weak_signature(judge: Judge, authority: Any, tmp_path: Path) -> None:
    leaf = pki.sha1_leaf(NAME, authority.intermediate, tmp_path)
    found = judge(leaf, authority.intermediate)
    assert [(judgement.reason, judgement.detail) for judgement in found] == [("weak_signature", "ecdsa-with-SHA1")]


def test_signed_by_a_leaf(judge: Judge, authority: Any) -> None:
    middle = pki.issue("not-a-ca.example", authority.intermediate)
    leaf = pki.issue(NAME, middle)
    assert judge.reasons(leaf, middle, authority.intermediate) == ["not_a_ca"]


def test_wrong_usage(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate, usages=(pki.ExtendedKeyUsageOID.CODE_SIGNING,))
    assert judge.reasons(leaf, authority.intermediate) == ["wrong_usage"]


def test_unparseable(judge: Judge, authority: Any) -> None:
    broken = SimpleNamespace(sha256="ab" * 32, der=b"\x30\x03\x02\x01")
    leaf = pki.issue(NAME, authority.intermediate)
    assert judge.reasons(broken) == ["unparseable"]
    assert judge.reasons(leaf, broken, authority.intermediate) == ["unparseable"]


def test_several_reasons_come_one_by_one(judge: Judge) -> None:
    leaf = pki.issue("other.example", key=pki.rsa_key(1024), end=pki.NOW - pki.DAY)
    assert set(judge.reasons(leaf)) == {"expired", "self_signed", "weak_key", "wrong_name"}


def test_certificate_that_was_not_kept_is_not_observable(judge: Judge) -> None:
    assert [judgement.reason for judgement in judge.chains.judge(("cd" * 32,), NAME, pki.NOW_NS)] == ["not_observable"]


def test_self_signed_that_is_trusted_is_ok(tmp_path: Path) -> None:
    leaf = pki.issue(NAME)
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)
    chains = Chains(Store((str(tmp_path / "leaf.pem"),), host=False))
    chains.add(leaf.sha256, leaf.der)
    assert [judgement.reason for judgement in chains.judge((leaf.sha256,), NAME, pki.NOW_NS)] == ["ok"]


def test_without_any_root_nothing_is_trusted(authority: Any) -> None:
    chains = Chains(Store(host=False))
    leaf = pki.issue(NAME, authority.intermediate)
    for issued in (leaf, authority.intermediate):
        chains.add(issued.sha256, issued.der)
    found = chains.judge((leaf.sha256, authority.intermediate.sha256), NAME, pki.NOW_NS)
    assert [judgement.reason for judgement in found] == ["unknown_root"]


def test_the_hour_counts_on_the_day_of_expiry(judge: Judge, authority: Any) -> None:
    leaf = pki.issue(NAME, authority.intermediate, end=pki.NOW + dt.timedelta(hours=12))
    hour = 3600 * 10**9
    assert judge.reasons(leaf, authority.intermediate, when=pki.NOW_NS + 11 * hour) == ["ok", "certificate.expiring"]
    assert judge.reasons(leaf, authority.intermediate, when=pki.NOW_NS + 13 * hour) == ["expired"]


def test_a_chain_is_verified_once_a_day(judge: Judge, authority: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = pki.issue("*.test.example", authority.intermediate)
    judge(leaf, authority.intermediate)
    monkeypatch.setattr(chain_module.Chains, "_judge_path", None)
    assert judge.reasons(leaf, authority.intermediate, name="b.test.example", when=pki.NOW_NS + 3600 * 10**9) == ["ok"]


@pytest.mark.parametrize("when", [-1, 0, 2**63, 2**70])
def test_damaged_times_are_judged_as_the_nearest_possible(judge: Judge, authority: Any, when: int) -> None:
    leaf = pki.issue(NAME, authority.intermediate)
    assert "ok" not in judge.reasons(leaf, authority.intermediate, when=when)


def test_no_mutation_of_a_certificate_raises(judge: Judge, authority: Any) -> None:
    der = pki.issue(NAME, authority.intermediate).der
    judge(authority.intermediate)
    for position in range(len(der)):
        for value in (0x00, 0xFF, der[position] ^ 0x01):
            mutated = SimpleNamespace(
                sha256=f"{position:032x}{value:032x}", der=der[:position] + bytes([value]) + der[position + 1 :]
            )
            assert judge(mutated, authority.intermediate)

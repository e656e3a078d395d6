"""Verdicts over the whole fleet: what no single probe can tell, as findings that open, stay as decided, and end."""

import random
from collections.abc import Callable
from math import gcd
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fleet import NOW, finding, message
from sqlalchemy import select, update

from collector import fleet, probe_states, queries
from collector.export.coverage import coverage
from collector.fleet import batch_gcd, rounds, shared_prime
from collector.store.store import Store
from collector.store.tables import findings, moduli

SHA = {name: f"{number:064x}" for number, name in enumerate("ABCD", 1)}


def certificate(
    name: str, issuer: str = "CN=CA", key: str = "", sans: tuple[str, ...] = ("dns:a.example",)
) -> dict[str, Any]:
    return {
        "sha256": SHA[name], "subject": f"CN={name}", "issuer": issuer, "spki_sha256": key or f"key of {name}", "sans": list(sans),
        "not_before": "2026-10-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z",
    }  # fmt: skip


def shown(name: str, endpoint: str, at: str = "a.example") -> dict[str, Any]:
    """A finding about a certificate says where it was shown."""
    return finding(
        f"{name} {endpoint}", check="certificate.chain", endpoint=endpoint, name=at, observed={"sha256": SHA[name]}
    )


def rollup(kind: str, peer: str = "10.0.1.4", endpoint: str = "10.0.3.7:443/tcp", day: int = 18) -> dict[str, Any]:
    return {
        "start": f"2026-11-{day}T00:00:00Z", "end": f"2026-11-{day}T00:01:00Z",
        "pairs": [{"endpoint": endpoint, "peer": peer, "class": kind, "flows": 2, "bytes": [60, 40]}],
    }  # fmt: skip


Told = Callable[[str, str, Any], None]


@pytest.fixture
def tell(store: Store) -> Told:
    """Reports of a probe."""
    count = iter(range(100))

    def told(by: str, kind: str, *items: Any) -> None:
        store.write([message(*items, kind=kind, by=by, seq=next(count))], NOW)

    return told


def found(store: Store, check: str, now: float = NOW) -> list[dict[str, Any]]:
    """Open findings after a round, with what was observed."""
    shared_prime.reckon(store, now)
    rounds.judge(store, now)
    with store.reading() as connection:
        page = queries.finding_page(connection, queries.FindingFilter(workflow="open", check=check))
        return [queries.finding(connection, row["uid"])[0] for row in page.rows]


def test_one_key_for_several_services(store: Store, tell: Told) -> None:
    tell("p1", "certificate", certificate("A", key="k"), certificate("C", key="renewed"))
    tell("p2", "certificate", certificate("B", key="k", sans=("dns:b.example",)), certificate("D", key="renewed"))
    tell("p1", "finding", shown("A", "10.0.0.1:443/tcp"), shown("C", "10.0.0.3:443/tcp"))
    tell("p2", "finding", shown("B", "10.0.0.2:443/tcp", "b.example"), shown("D", "10.0.0.3:443/tcp"))
    (row,) = found(store, "fleet.key_reuse")
    observed = row["record"]["observed"]
    assert (observed["how"], observed["spki_sha256"]) == ("certificates", "k")
    assert observed["endpoints"] == ["10.0.0.1:443/tcp", "10.0.0.2:443/tcp"]
    assert observed["names"] == ["dns:a.example", "dns:b.example"]


@pytest.mark.parametrize(
    ("issuer", "endpoint", "how", "severity"),
    [
        ("CN=Proxy", "10.0.0.1:443/tcp", "interception", "high"),
        ("CN=Other CA", "10.0.0.2:443/tcp", "issuers", "medium"),
        ("CN=CA", "10.0.0.2:443/tcp", "half_rolled", "low"),
    ],
)
def test_certificates_that_depend_on_where_one_looks(
    store: Store, tell: Told, issuer: str, endpoint: str, how: str, severity: str
) -> None:
    tell("p1", "certificate", certificate("A"), certificate("B", issuer=issuer))
    tell("p1", "finding", shown("A", "10.0.0.1:443/tcp"))
    assert found(store, "fleet.vantage") == [], "one probe has nothing to compare with"
    tell("p2", "finding", shown("B", endpoint))
    (row,) = found(store, "fleet.vantage", NOW + 61)
    assert (row["record"]["observed"]["how"], row["record"]["severity"]) == (how, severity)
    assert row["name"] == "a.example"
    tell("p1", "finding", shown("B", endpoint))
    assert found(store, "fleet.vantage", NOW + 122) == [], "both have seen it: a server with two certificates"


def test_flows_that_both_ends_see_differently(store: Store, tell: Told) -> None:
    tell("p1", "rollup", rollup("tls"), rollup("plaintext", endpoint="10.0.3.8:80/tcp"))
    tell("p2", "rollup", rollup("tls"), rollup("unknown", endpoint="10.0.3.8:80/tcp"), rollup("plaintext", day=12))
    assert found(store, "fleet.both_ends") == [], "they agree, and on what came before p1 was there it has no word"
    tell("p3", "rollup", rollup("plaintext"))
    (row,) = found(store, "fleet.both_ends", NOW + 61)
    observed = row["record"]["observed"]
    assert row["endpoint"] == "10.0.3.7:443/tcp"
    assert (observed["classes"], observed["peers"]) == (["plaintext", "tls"], ["10.0.1.4"])
    assert {"s1/p1: tls", "s1/p3: plaintext"} <= set(observed["seen"])
    assert row["record"]["severity"] == "high"


def test_a_domain_that_several_hosts_ask_for(store: Store, tell: Told) -> None:
    odd = {"check": "dns.tunnel", "endpoint": "10.0.0.53:53/udp"}
    tell(
        "p1",
        "finding",
        finding("1", client="10.0.1.1", domain="evil.example", **odd),
        finding("2", client="10.0.1.1", domain="one.example", **odd),
    )
    tell(
        "p2",
        "finding",
        finding("3", client="10.0.2.1", domain="evil.example", severity="critical", **odd),
        finding("4", **odd),
    )
    (row,) = found(store, "fleet.dns_domain")
    assert row["record"]["observed"]["clients"] == ["10.0.1.1", "10.0.2.1"]
    assert (row["name"], row["record"]["severity"]) == ("evil.example", "critical")


def test_a_probe_that_is_silent_or_misses_packets(store: Store, tell: Told) -> None:
    tell("p1", "health", {"missed": {"drops": {"eth0": 12}}})
    (row,) = found(store, "fleet.probe_health")
    assert row["record"]["observed"] == {"how": "drops", "probe": "s1/p1", "missed": {"drops": 12}}
    from collector.messages import State

    store.write([State("s1", "p1", online=True, record={"online": True})], NOW)
    (row,) = found(store, "fleet.probe_health", NOW + 600)
    assert row["record"]["observed"] == {"how": "silent", "probe": "s1/p1"}


def test_what_people_decided_stays_until_it_is_over_and_comes_back(store: Store, tell: Told) -> None:
    tell("p1", "health", {"missed": {"drops": {"eth0": 12}}})
    (row,) = found(store, "fleet.probe_health")
    with store.changing() as connection:
        connection.execute(
            update(findings).where(findings.c.uid == row["uid"]).values(workflow="acknowledged", note="known")
        )
    assert found(store, "fleet.probe_health", NOW + 61) == []

    def state() -> tuple[str, str, float]:
        with store.reading() as connection:
            told = connection.execute(select(findings).where(findings.c.uid == row["uid"])).mappings().one()
            return told["workflow"], told["note"], told["changed"]

    assert state() == ("acknowledged", "known", NOW)
    tell("p1", "health", {"missed": {}})
    assert found(store, "fleet.probe_health", NOW + 122) == []
    assert state() == ("resolved", "known", NOW + 122)
    tell("p1", "health", {"missed": {"drops": {"eth0": 1}}})
    assert len(found(store, "fleet.probe_health", NOW + 183)) == 1
    assert state() == ("open", "known", NOW + 183)


def test_one_of_several_collectors_judges_and_it_is_no_probe(store: Store, tell: Told) -> None:
    tell("p1", "health", {"missed": {"drops": {"eth0": 12}}})
    assert rounds.judge(store, NOW) == 1
    assert rounds.judge(store, NOW + 30) == 0, "too early"
    with store.reading() as connection:
        assert (
            coverage(connection, NOW)["probes"]
            == probe_states.probe_words(connection, NOW)
            == {"up": 1, "silent": 0, "gone": 0}
        )
        assert [row["probe"] for row in probe_states.probe_page(connection, NOW).rows] == ["p1"]


def test_too_many_are_cut_to_the_worst(store: Store, tell: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "MOST", 2)
    for number in range(4):
        tell(f"p{number}", "health", {"missed": {"drops": {"eth0": 12}}})
    assert len(found(store, "fleet.probe_health")) == 2


def test_each_is_explained() -> None:
    assert fleet.checks() == sorted(check.CHECK for check in rounds.CHECKS)
    for check in fleet.checks():
        told = fleet.explain(check) or ""
        assert told.startswith(f"{check}: ")
        assert all(
            f"\n{word}:" in told for word in ("Meaning", "Evidence", "Why it matters", "How to fix", "Reference")
        ), check
    assert fleet.explain("tls.version") is None


def rsa_key() -> tuple[int, int]:
    """Its two primes."""
    numbers = rsa.generate_private_key(65537, 1024).private_numbers()
    return numbers.p, numbers.q


def with_modulus(number: int, modulus: int, **more: Any) -> dict[str, Any]:
    return certificate("A") | {
        "sha256": f"{number:064x}", "spki_sha256": f"{number:064d}", "subject": f"CN={number}", "key_modulus": modulus.to_bytes(130).hex(),
    } | more  # fmt: skip


def test_two_keys_with_a_prime_in_common(store: Store, tell: Told) -> None:
    """In one batch and across batches; what somebody made up from a public key gives nothing away."""
    (p, q), (other, _), (third, fourth) = rsa_key(), rsa_key(), rsa_key()
    tell(
        "p1",
        "certificate",
        with_modulus(1, p * q),
        with_modulus(2, third * fourth),
        with_modulus(3, 3 * third * fourth),
    )
    tell("p1", "certificate", with_modulus(4, other * p, ca=True), with_modulus(5, 7, key_modulus="zz"))
    assert found(store, "fleet.shared_prime") == []
    tell("p2", "certificate", with_modulus(6, p * other))
    tell("p2", "finding", finding("f", observed={"sha256": f"{6:064x}"}))
    (row,) = found(store, "fleet.shared_prime", NOW + 61)
    observed = row["record"]["observed"]
    assert (observed["keys"], observed["bits"]) == ([f"{1:064d}", f"{6:064d}"], 512)
    assert observed["endpoints"] == ["10.0.3.7:443/tcp"]
    assert all(str(secret) not in str(row) and f"{secret:x}" not in str(row) for secret in (p, q, other))
    assert len(found(store, "fleet.shared_prime", NOW + 122)) == 1, "it stays"
    with store.reading() as connection:
        assert set(connection.execute(select(moduli.c.compared)).scalars()) == {True}


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 100])
def test_trees_find_what_each_with_each_finds(batch: int) -> None:
    dice = random.Random(batch)
    pool = [prime(dice) for _ in range(14)]
    known = {dice.choice(pool) * dice.choice(pool): f"k{number}" for number in range(30)}
    new = {dice.choice(pool) * dice.choice(pool): f"n{number}" for number in range(9)}
    rows = list(known.items())
    those = [dict(rows[at : at + batch]) for at in range(0, len(rows), batch)]
    told = {frozenset((one, other)) for one, other, _ in batch_gcd.shared(new, those)}
    known = {modulus: key for modulus, key in known.items() if modulus not in new}
    pairs = [(one, other) for one in new for other in {**known, **new} if one != other]
    names = {**known, **new}
    wanted = {
        frozenset((names[one], names[other])) for one, other in pairs if gcd(one, other) not in (1, one, other)
    }  # fmt: skip
    assert told == wanted
    assert wanted


def prime(dice: random.Random) -> int:
    """Of 200 bits, by Fermat's test: who needs more certainty does not need a test."""
    while pow(2, (number := dice.getrandbits(200) | 1 << 199 | 1) - 1, number) != 1:
        pass
    return number


def test_a_comparison_that_is_stopped_is_made_later(store: Store, tell: Told) -> None:
    tell("p1", "certificate", with_modulus(1, 1 << 1023 | 1))
    assert shared_prime.compare(store, lambda: True) == 0
    with store.reading() as connection:
        assert list(connection.execute(select(moduli.c.compared)).scalars()) in ([False], [True])

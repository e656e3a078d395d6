"""Postures and clients from rollups, chains by names, and endpoints against the standards of a day."""

import datetime as dt
from typing import Any

import pytest
from fleet import NOW, message

from collector import inventory, judged, places, standards
from collector.store.store import Store

HERE = "10.0.3.7:443/tcp"


def rollup(*changes: Any, pairs: Any = (), minute: int = 0) -> dict[str, Any]:
    times = {"start": f"2026-11-18T00:{minute:02d}:00Z", "end": f"2026-11-18T00:{minute + 1:02d}:00Z"}
    return {"type": "rollup", **times, "by_class": {}, "changes": list(changes), "pairs": list(pairs)}


def change(version: str, suite: str = "TLS_AES_128_GCM_SHA256", **more: Any) -> dict[str, Any]:
    after = {"class": "tls", "protocol": "tls", "tls.version": version, "tls.suite": suite, "tls.group": "x25519"}
    return {"endpoint": HERE, "name": "pay.example", "after": after | more}


def test_what_an_endpoint_did_is_its_history(store: Store) -> None:
    store.write([message(rollup(change("TLSv1.2")), kind="rollup", seq=0)], NOW)
    store.write([message(rollup(change("TLSv1.3"), minute=5), kind="rollup", seq=1)], NOW)
    store.write([message(rollup(change("TLSv1.2"), minute=9), kind="rollup", seq=2)], NOW)
    with store.reading() as connection:
        rows = places.postures_at(connection, HERE)
    assert [row["facts"]["tls.version"] for row in rows] == ["TLSv1.2", "TLSv1.3"]
    assert rows[0]["last_seen"] - rows[0]["first_seen"] == 9 * 60


def test_who_uses_an_endpoint_adds_up(store: Store) -> None:
    pair = {"endpoint": HERE, "peer": "10.0.1.4", "class": "tls", "flows": 2, "bytes": [10, 20]}
    other = pair | {"peer": "10.0.1.5", "bytes": [1, 2]}
    for seq in range(2):
        store.write([message(rollup(pairs=[pair, other, pair], minute=seq), kind="rollup", seq=seq)], NOW)
    store.write([message(rollup(pairs=[pair], minute=1), kind="rollup", seq=1)], NOW)  # again: counts once
    with store.reading() as connection:
        rows = places.clients_of(connection, HERE)
    assert [(row["peer"], row["flows"], row["bytes"]) for row in rows] == [("10.0.1.4", 8, 120), ("10.0.1.5", 4, 6)]


@pytest.mark.parametrize(
    "odd",
    [
        {"changes": 7, "pairs": "x"},
        {"changes": [None, {}, {"endpoint": 1, "after": {}}, {"endpoint": "a", "after": [1]}], "pairs": [{}, 3]},
        {"changes": [{"endpoint": "a\0b", "name": "\ud800", "after": {"x\0": "\ud800", "y": {"z": 1}}}], "pairs": []},
        {"changes": [], "pairs": [{"endpoint": "a", "peer": "b", "bytes": [-1, "x", 2**80], "flows": True}]},
    ],
)
def test_what_cannot_be_does_no_harm(store: Store, odd: dict[str, Any]) -> None:
    store.write([message(rollup() | odd, kind="rollup", seq=0)], NOW)
    with store.reading() as connection:
        matrix = standards.as_of(connection, dt.date(2030, 1, 1))
    assert matrix.left_out == 0


def test_the_worst_of_many_are_found_without_judging_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def way(number: int) -> dict[str, Any]:
        version = ("TLSv1.0", "TLSv1.2", "TLSv1.3")[number % 3]
        return {"protocol": "tls", "tls.version": version} if number % 4 else {"protocol": "http"}

    changes = [
        {"endpoint": f"10.0.0.{place}:443/tcp", "name": "", "after": way(place * number)}
        for place in range(40)
        for number in (1, 2)
    ]
    store.write([message(rollup() | {"changes": changes}, kind="rollup", seq=0)], NOW)
    day = dt.date(2030, 1, 1)
    with store.reading() as connection:
        whole = judged.matrix(places.all_postures(connection, 0.0, NOW + 1, 100)[0], day, judged.policies())
        assert standards.as_of(connection, day) == whole
        monkeypatch.setattr(judged, "MAX_ENDPOINTS", 5)
        part = standards.as_of(connection, day)
    worst = {id(row): max(cell.worst for cell in row["cells"].values()) for row in [*whole.rows, *part.rows]}
    assert [worst[id(row)] for row in part.rows] == [worst[id(row)] for row in whole.rows[:5]]
    assert (part.left_out, part.unjudged) == (len(whole.rows) - 5, whole.unjudged)


def test_a_chain_leads_by_names_to_where_nothing_was_seen(store: Store) -> None:
    def certificate(number: int, subject: str, issuer: str, ca: bool = True) -> dict[str, Any]:
        return {
            "sha256": f"{number:064x}",
            "subject": subject,
            "issuer": issuer,
            "ca": ca,
            "not_after": "2027-01-01T00:00:00Z",
        }

    rows = [
        certificate(1, "CN=a", "CN=i", ca=False),
        certificate(2, "CN=i", "CN=r"),
        certificate(3, "CN=x", "CN=y"),
        certificate(4, "CN=y", "CN=x"),
    ]
    store.write([message(*rows, kind="certificate")], NOW)

    with store.reading() as connection:
        leaf, loop = (inventory.certificate(connection, f"{number:064x}") for number in (1, 3))
        assert leaf is not None
        assert loop is not None
        chain = places.chain(connection, leaf)
        assert [link["subject"] for link in chain] == ["CN=a", "CN=i", "CN=r"]
        assert chain[-1]["sha256"] == ""
        assert len(places.chain(connection, loop)) == 3, "names that lead in a circle end"


def _cells(day: dt.date, *facts: dict[str, Any]) -> dict[str, judged.Cell]:
    rows = [{"endpoint": HERE, "facts": one} for one in facts]
    (row,) = judged.matrix(rows, day, judged.policies()).rows
    return row["cells"]


def test_standards_are_those_of_the_day() -> None:
    rsa = {
        "class": "tls",
        "protocol": "tls",
        "tls.version": "TLSv1.2",
        "tls.suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "tls.group": "secp256r1",
    }
    now, later = _cells(dt.date(2026, 11, 26), rsa), _cells(dt.date(2036, 1, 1), rsa)
    assert now["rfc9325"].worst == -1
    assert now["rfc9325"].met > 0
    assert later["nist-ir-8547"].worst >= 3, "disallowed after 2035"
    assert later["nist-ir-8547"].titles
    old = _cells(dt.date(2026, 11, 26), rsa | {"tls.version": "TLSv1.0"})
    assert old["rfc9325"].worst >= 3
    assert old["pci-dss-4.0.1"].count >= 1


def test_what_postures_do_not_hold_is_not_judged() -> None:
    """Rules that want something to be there would object to every posture otherwise."""
    cells = _cells(dt.date(2026, 11, 26), {"class": "tls", "protocol": "tls", "tls.version": "TLSv1.3"})
    assert all(cell.worst == -1 for name, cell in cells.items() if name not in {"cnsa-2.0", "pq-readiness"}), cells


def test_the_worst_endpoints_come_first_and_the_rest_is_counted() -> None:
    rows = [{"endpoint": f"10.0.0.{number % 250}:{number}/tcp", "facts": {"class": "tls", "tls.version": "TLSv1.3" if number else "TLSv1.0"}}
            for number in range(judged.MAX_ENDPOINTS + 5)]  # fmt: skip
    matrix = judged.matrix(rows, dt.date(2026, 11, 26), judged.policies())
    assert matrix.left_out == 5
    assert matrix.rows[0]["endpoint"] == "10.0.0.0:0/tcp"

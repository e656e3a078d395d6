"""Counts that triggers keep are what there is, whatever happens; lists give each row once, page by page."""

import datetime as dt
import random
from typing import Any

import pytest
from fleet import NOW, finding, message
from sqlalchemy import delete, text, update

from collector import inventory, places, probe_states, queries, standards, tunnels
from collector.export import evidence
from collector.export.coverage import coverage
from collector.paging import CursorError, Place
from collector.store import counting, retention
from collector.store.retention import DAY, HOUR, Kept
from collector.store.rows import SEVERITIES
from collector.store.store import Store
from collector.store.tables import certificates, endpoints, findings, hours, traffic
from collector.times import rfc3339

NONE = dict.fromkeys((count.table for count in counting.COUNTS), 0)


def _off(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return counting.differences(connection)


def _finding(chance: random.Random, at: float) -> dict[str, Any]:
    last = rfc3339(at - chance.randrange(100_000))
    return finding(
        f"u{chance.randrange(40)}",
        check=chance.choice(("tls.version", "ike.encr", "esp.sequence", "espresso.none")),
        severity=chance.choice(SEVERITIES),
        status=chance.choice(("fail", "warn", "pass", "not_observable")),
        endpoint=f"10.0.0.{chance.randrange(6)}:443/tcp",
        name=chance.choice(("", "a.example", "b.example")),
        resolved=chance.random() < 0.1,
        first_seen=last,
        last_seen=last,
    )


def _rollup(chance: random.Random, at: float) -> dict[str, Any]:
    start = at - chance.choice((0, 3 * DAY, 40 * DAY)) - chance.randrange(HOUR)
    counts = {"flows": chance.randrange(9), "bytes": chance.randrange(10_000)}
    pair = {"endpoint": f"10.0.0.{chance.randrange(3)}:443/tcp", "peer": "10.0.0.9", "class": "tls", "flows": 1}
    told = {"start": rfc3339(start), "end": rfc3339(start + 60), "by_class": {"tls": counts, "ipsec": counts}}
    over = {"resolved_uids": [f"u{chance.randrange(40)}" for _ in range(3)]}
    return {**told, "pairs": [pair | {"bytes": [counts["bytes"], 1]}], "findings": over}


def _certificate(chance: random.Random, _at: float) -> dict[str, Any]:
    spki, ca = chance.choice(("", "k1", "k2")), chance.random() < 0.2
    return {"sha256": f"c{chance.randrange(20)}", "subject": "CN=a", "spki_sha256": spki, "ca": ca}


KINDS = {"finding": _finding, "rollup": _rollup, "certificate": _certificate}


@pytest.mark.parametrize("seed", range(2))
def test_counts_are_what_there_is(store: Store, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(retention, "TURN", 7)
    chance, seq = random.Random(seed), dict.fromkeys(("p1", "p2", "p3"), 0)
    for turn in range(25):
        now, batch = NOW + turn * DAY / 5, []
        for _ in range(chance.randrange(1, 6)):
            by, kind = chance.choice(tuple(seq)), chance.choice(tuple(KINDS))
            told = [KINDS[kind](chance, now) for _ in range(chance.randrange(1, 12))]
            batch.append(message(*told, kind=kind, by=by, seq=seq[by]))
            seq[by] += 1
        store.write(batch, now)
        with store.changing() as connection:
            mine = findings.c.uid == f"u{chance.randrange(40)}"
            values = {"workflow": chance.choice(queries.WORKFLOWS), "until": now + DAY, "changed": now}
            connection.execute(update(findings).where(mine).values(**values))
        store.reopen(now)
        store.keep_house(now, Kept(2 * DAY, 45 * DAY))
    assert _off(store) == NONE
    with store.changing() as connection:
        for table in (findings, traffic, certificates):
            connection.execute(delete(table))
    assert _off(store) == NONE
    with store.reading() as connection:
        assert connection.execute(endpoints.select()).all() == []


def test_counts_that_are_wrong_are_seen_and_set_right(store: Store) -> None:
    store.write([message(finding("a"), finding("b", check="tls.suite"))], NOW)
    store.write([message({"sha256": "aa", "spki_sha256": "k"}, kind="certificate", seq=1)], NOW)
    with store.changing() as connection:
        connection.execute(text("UPDATE endpoints SET open3 = 7"))
        connection.execute(text("UPDATE keys SET certificates = 2"))
        connection.execute(text("DELETE FROM tallies WHERE check_id = 'tls.suite'"))
    assert _off(store) == NONE | {"endpoints": 2, "tallies": 1, "keys": 2}
    with store.changing() as connection:
        counting.recount(connection)
    assert _off(store) == NONE


def test_what_is_added_up_leaves_no_empty_counts(store: Store) -> None:
    chance = random.Random(1)
    told = [_rollup(chance, NOW - 50 * DAY + n * HOUR) for n in range(200)]
    store.write([message(*told, kind="rollup")], NOW)
    store.keep_house(NOW, Kept(2 * DAY, 400 * DAY))
    assert _off(store) == NONE
    with store.reading() as connection:
        old = hours.c.start < NOW - 33 * DAY
        assert all(row.start % DAY == 0 for row in connection.execute(hours.select().where(old)))
    store.keep_house(NOW + 500 * DAY, Kept(2 * DAY, 400 * DAY))
    with store.reading() as connection:
        assert connection.execute(hours.select()).all() == []


def test_counts_beyond_all_reason_stop_nothing(store: Store) -> None:
    counts = {"flows": 1, "bytes": 1 << 60}
    for seq in range(3):
        told = {"start": rfc3339(NOW), "end": rfc3339(NOW + 60), "by_class": {"tls": counts}}
        store.write([message(*[told] * 300, kind="rollup", seq=seq, by=f"p{seq}")], NOW)
    with store.changing() as connection:
        connection.execute(update(hours).values(bytes=(1 << 62) - 1))
    store.write([message({**told, "start": rfc3339(NOW + 1)}, kind="rollup", seq=9, by="p9")], NOW)
    with store.reading() as connection:
        assert queries.protected(connection, NOW - DAY, NOW + DAY)["tls"]["bytes"] > 1 << 60


def test_pages_have_each_row_once(store: Store) -> None:
    chance = random.Random(5)
    told = [_finding(chance, NOW) | {"uid": f"u{n}", "title": f"number {n}"} for n in range(300)]
    for seq, by in enumerate(("p1", "p2", "p3")):
        store.write([message(*told[seq * 100 :], by=by)], NOW)
    for wanted in (
        queries.FindingFilter(),
        queries.FindingFilter(workflow="open"),
        queries.FindingFilter(workflow="resolved", severity="medium"),
        queries.FindingFilter(check="ike.encr"),
        queries.FindingFilter(text="NUMBER 7"),
    ):
        rows, place = [], Place(7)
        with store.reading() as connection:
            first = queries.finding_page(connection, wanted, Place(500))
            while True:
                page = queries.finding_page(connection, wanted, place)
                rows += page.rows
                if not page.next:
                    break
                place = Place(7, page.next)
        keys = [(row["severity"], row["last_seen"], row["uid"], row["probe_id"]) for row in rows]
        assert keys == sorted(keys, reverse=True)
        assert len(set(keys)) == len(keys) > 0
        assert keys[:500] == [(row["severity"], row["last_seen"], row["uid"], row["probe_id"]) for row in first.rows]
        assert first.total == len(keys)


@pytest.mark.parametrize(
    "cursor", ["x", "WzFd", "WyJhIiwiYiIsMSwyXQ", "W251bGwsMSwiYSIsMV0", "WzEsMSwiXHUwMDAwIiwxXQ", "é"]
)
def test_a_cursor_from_elsewhere_is_refused(store: Store, cursor: str) -> None:
    store.write([message(finding())], NOW)
    with store.reading() as connection, pytest.raises(CursorError):
        queries.finding_page(connection, queries.FindingFilter(), Place(50, cursor))


def test_both_engines_answer_every_question(store: Store) -> None:
    """Pages are tested on SQLite; here that PostgreSQL takes the same statements."""
    chance = random.Random(2)
    for seq, kind in enumerate(KINDS):
        store.write([message(*(KINDS[kind](chance, NOW) for _ in range(30)), kind=kind, seq=seq)], NOW)
    since, endpoint = NOW - 50 * DAY, "10.0.0.1:443/tcp"
    questions: tuple[tuple[Any, ...], ...] = (
        (queries.by_severity,), (queries.by_check,), (queries.changes, since), (queries.protected, since, NOW), (queries.matrix,),
        (queries.history, since, NOW, DAY), (queries.history, since, NOW, HOUR, endpoint), (queries.endpoint_page, NOW),
        (inventory.certificate_page,), (inventory.shared_keys,), (probe_states.probe_page, NOW), (probe_states.every_probe, NOW, 9),
        (probe_states.probe_words, NOW), (probe_states.kept_aside,), (inventory.certificates_at, endpoint), (tunnels.pairs,), (tunnels.places, NOW),
        (places.postures_at, endpoint), (places.clients_of, endpoint), (places.decisions, "u1"), (places.all_postures, 0.0, NOW, 9),
        (standards.as_of, dt.date(2030, 1, 1)), (coverage, NOW), (evidence.collect, evidence.Period(since, NOW), NOW),
    )  # fmt: skip
    with store.reading() as connection:
        answers = {question.__name__: question(connection, *arguments) for question, *arguments in questions}
    assert len(answers["history"]) > 1
    assert answers["every_probe"][0]["word"] == "up"
    assert sum(answers["by_severity"].values()) == sum(row["findings"] for row in answers["by_check"]) > 0

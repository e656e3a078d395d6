"""The spool against a model of what it promises, and on files and disks that are not as they should be."""

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from probe.publish import spool as module
from probe.publish.envelope import KINDS, MAX_PAYLOAD, Stored
from probe.publish.spool import KEPT, Spool, SpoolError

SIZE = 4 << 20


def _item(number: int, kind: str, size: int = 100) -> bytes:
    return b'{"type":"%s","n":%d,"x":"%s"}' % (kind.encode(), number, b"x" * size)


def _numbers(stored: Stored) -> list[int]:
    return [json.loads(item)["n"] for item in stored.items()]


def _taken(spool: Spool) -> list[Stored]:
    taken = []
    while (stored := spool.next()) is not None:
        spool.sent(stored)
        taken.append(stored)
    return taken


class Model(RuleBasedStateMachine):
    """What is acknowledged is sent, or counted as lost; in order; also across crashes of the process."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = str(Path(self.folder.name) / "mqtt.db")
        self.spool = Spool(self.path, size=1 << 20)
        self.number = 0
        self.added: dict[int, str] = {}
        self.acknowledged: set[int] = set()
        self.arrived: list[tuple[str, int, list[int]]] = []
        self.hand: Stored | None = None

    def teardown(self) -> None:
        self.spool.commit()
        self.spool.rewind()
        self.hand = None
        self._send_all()
        lost = Counter(self.spool.drops().get("spool_full", {}))
        got = {number for _, _, numbers in self.arrived for number in numbers}
        missing = Counter(self.added[number] for number in self.acknowledged - got)
        for kind, count in missing.items():
            assert count <= lost[kind], f"{count} of {kind} are missing, {lost[kind]} were said to be lost"
        if missing["finding"]:  # everything else had gone before
            assert lost["rollup"] or "rollup" not in self.added.values()
        seen: set[tuple[str, int]] = set()
        last: dict[str, int] = {}
        for boot, seq, _ in self.arrived:
            if (boot, seq) not in seen:
                seen.add((boot, seq))
                assert last.get(boot, -1) < seq, "an envelope came before an earlier one"
                last[boot] = seq
        self.spool.close()
        self.folder.cleanup()

    @rule(kind=st.sampled_from(["finding", "rollup", "health"]), count=st.integers(1, 300), size=st.integers(1, 3000))
    def add(self, kind: str, count: int, size: int) -> None:
        for _ in range(count):
            self.spool.add(kind, _item(self.number, kind, size))
            self.added[self.number] = kind
            self.number += 1

    @rule()
    def commit(self) -> None:
        assert self.spool.commit()
        self.acknowledged |= set(self.added)

    @rule()
    def look(self) -> None:
        self.hand = self.spool.next()

    @precondition(lambda self: self.hand is not None)
    @rule()
    def send(self) -> None:
        assert self.hand is not None
        self.arrived.append((self.hand.boot_id, self.hand.seq, _numbers(self.hand)))
        self.spool.sent(self.hand)
        self.hand = None

    @rule()
    def send_all(self) -> None:
        self.hand = None
        self._send_all()

    def _send_all(self) -> None:
        while (stored := self.spool.next()) is not None:
            self.arrived.append((stored.boot_id, stored.seq, _numbers(stored)))
            self.spool.sent(stored)

    @rule()
    def rest(self) -> None:
        self.spool.forget()

    @rule()
    def reconnect(self) -> None:
        self.hand = None
        self.spool.rewind()

    @rule()
    def crash(self) -> None:
        """kill -9: what was in memory is gone, the file is as it is."""
        self.hand = None
        self.spool._database._sql.close()
        for number in set(self.added) - self.acknowledged:
            if self.spool._pending and number >= self.number - len(self.spool._pending):
                del self.added[number]
        self.number = max([*self.added, self.number])
        self.spool = Spool(self.path, size=1 << 20)

    @invariant()
    def bounded(self) -> None:
        counters = self.spool.counters()
        assert counters["spool_bytes"] <= 1 << 20
        rows = self.spool._database._sql.execute("SELECT coalesce(sum(size + 128), 0) FROM envelope").fetchone()[0]
        assert rows == counters["spool_bytes"]


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "mqtt.db")


def test_rollups_go_before_any_finding(path: str) -> None:
    spool = Spool(path, size=SIZE)
    for number in range(20_000):
        spool.add("rollup" if number % 2 else "finding", _item(number, "rollup" if number % 2 else "finding", 200))
    spool.commit()
    assert list(spool.drops()["spool_full"]) == ["rollup"]
    got = [number for stored in _taken(spool) for number in _numbers(stored)]
    assert [number for number in got if number % 2 == 0] == list(range(0, 20_000, 2)), "no finding is missing"
    rollups = [number for number in got if number % 2]
    assert rollups == list(range(20_001 - 2 * len(rollups), 20_000, 2)), "the newest rollups are left"
    assert spool.drops() == {"spool_full": {"rollup": 10_000 - len(rollups)}}
    spool.close()


def test_losses_are_remembered_over_a_restart(path: str) -> None:
    spool = Spool(path, size=SIZE)
    for number in range(20_000):
        spool.add("health", _item(number, "health", 300))
    spool.add("finding", b"x" * MAX_PAYLOAD)
    spool.commit()
    drops = spool.drops()
    assert set(drops) == {"spool_full", "too_large"}
    spool.close()
    again = Spool(path, size=SIZE)
    assert again.drops() == drops
    assert again.boot_id != spool.boot_id
    again.close()


def test_one_process_at_a_time(path: str) -> None:
    spool = Spool(path, size=SIZE)
    with pytest.raises(SpoolError, match="another process has it"):
        Spool(path, size=SIZE)
    spool.close()
    Spool(path, size=SIZE).close()


@pytest.mark.parametrize("how", ["garbage", "cut", "middle"])
def test_a_damaged_file_is_set_aside(path: str, how: str) -> None:
    spool = Spool(path, size=SIZE)
    for number in range(5000):
        spool.add("finding", _item(number, "finding"))
    spool.close()
    with Path(path).open("r+b") as file:
        if how == "garbage":
            file.write(b"this is no database" * 400)
        elif how == "cut":
            file.truncate(file.seek(0, 2) // 2 + 7)
        else:
            file.seek(4096 * 3)
            file.write(b"\xff" * 4096 * 20)
    said: list[str] = []
    spool = Spool(path, size=SIZE, say=said.append)
    assert spool.drops() == {"damaged": {"spool": 1}}
    assert "spool_damaged" in said[0]
    assert Path(f"{path}.damaged").exists()
    spool.add("finding", _item(1, "finding"))
    assert spool.commit()
    assert [_numbers(stored) for stored in _taken(spool)] == [[1]]
    spool.close()


def test_damage_while_it_runs(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in memory goes into the new file."""
    spool = Spool(path, size=SIZE)
    spool.add("finding", _item(1, "finding"))
    spool.commit()
    spool.add("finding", _item(2, "finding"))

    def broken(*_: Any, **__: Any) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(spool._database, "store", broken)
    assert not spool.commit()
    assert spool.commit()
    assert [_numbers(stored) for stored in _taken(spool)] == [[2]]
    assert spool.drops() == {"damaged": {"spool": 1}}
    spool.close()


def test_a_flipped_bit_is_not_sent(path: str) -> None:
    spool = Spool(path, size=SIZE)
    for kind in ("finding", "rollup"):
        spool.add(kind, _item(1, kind))
        spool.commit()
    spool._database._sql.execute(
        "UPDATE envelope SET body = CAST(replace(body, 'x', 'y') AS BLOB) WHERE kind = 'finding'"
    )
    assert [stored.kind for stored in _taken(spool)] == ["rollup"]
    assert spool.drops() == {"damaged": {"finding": 1}}
    spool.close()


def test_what_was_sent_stays_for_a_while_and_is_sent_again(path: str) -> None:
    spool = Spool(path, size=64 << 20)
    for number in range(500):
        spool.add("rollup", _item(number, "rollup"))
        spool.commit()
    first = [stored.seq for stored in _taken(spool)]
    spool.rewind()
    again = [stored.seq for stored in _taken(spool)]
    assert first == list(range(500))
    assert again == list(range(500 - len(again), 500))
    assert KEPT <= len(again) < 2 * KEPT
    assert spool.waiting() == 0
    assert spool.counters()["sent"] == 500
    spool.forget()
    spool.rewind()
    assert spool.next() is None
    assert spool.counters()["spool_bytes"] == 0
    spool.close()


def test_an_envelope_is_cut_in_its_place(path: str) -> None:
    spool = Spool(path, size=SIZE)
    for number in range(1000):
        spool.add("rollup", _item(number, "rollup"))
    spool.commit()
    spool.add("finding", _item(1000, "finding"))
    spool.commit()
    first = spool.next()
    assert first is not None
    assert spool.split(first, 30_000)
    piece = spool.next()
    assert piece is not None
    assert spool.split(piece, 10_000)
    taken = _taken(spool)
    assert [number for stored in taken for number in _numbers(stored)] == list(range(1001))
    assert [stored.part for stored in taken[:5]] == ["1/4.1/4", "1/4.2/4", "1/4.3/4", "1/4.4/4", "2/4"]
    assert max(len(stored.body) for stored in taken[:4]) <= 10_000
    spool.add("rollup", _item(1, "rollup"))
    for number in range(300):
        spool.add("rollup", _item(number, "rollup"))
    spool.commit()
    assert max(len(stored.body) for stored in _taken(spool)) <= 10_000, "what comes later fits at once"
    spool.close()


def test_a_disk_that_takes_nothing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded too, and the kinds go in the same order; once it takes something, what is left is stored."""
    monkeypatch.setattr(module, "MAX_PENDING", 200_000)
    said: list[str] = []
    spool = Spool(path, size=SIZE, say=said.append)
    store = spool._database.store
    monkeypatch.setattr(spool._database, "store", lambda *_, **__: _full())
    for number in range(3000):
        spool.add("rollup" if number % 2 else "finding", _item(number, "rollup" if number % 2 else "finding"))
        if number % 100 == 0:
            assert not spool.commit()
    assert not spool.commit()
    assert spool.counters()["acknowledged"] == 0
    assert [line for line in said if "spool_stuck" in line] == said[:1] == said
    monkeypatch.setattr(spool._database, "store", store)
    assert spool.commit()
    assert "writes_again" in said[-1]
    got = Counter(kind for stored in _taken(spool) for kind in [stored.kind] * stored.count)
    lost = spool.drops()["disk_full"]
    assert sum(got.values()) + sum(lost.values()) == 3000
    assert got["rollup"] == 0 or set(lost) == {"rollup"}, "a finding was lost while there were rollups"
    spool.close()


def _full() -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_the_kinds_are_those_of_the_contract() -> None:
    assert set(KINDS) == {"health", "flow", "rollup", "tunnel", "summary", "certificate", "finding"}

"""Whatever fails, accounts balance: what was acknowledged is kept, nothing is kept twice, counts are what there is."""

import asyncio
import json
import os
import random
import select as waiting
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Postgres
from fleet import NOW, envelope, finding, message
from sqlalchemy import func, select, text

from collector import ingest, probe_states, queries
from collector.ingest import Ingest
from collector.paging import Place
from collector.store import counting
from collector.store.errors import RefusedError, StoreError
from collector.store.store import Store
from collector.store.tables import aside, findings, probes, streams, traffic
from collector.times import rfc3339

KILLS = 50
NONE = dict.fromkeys((count.table for count in counting.COUNTS), 0)


def _rollup(at: float = NOW, **more: Any) -> dict[str, Any]:
    told = {"start": rfc3339(at), "end": rfc3339(at + 60), "by_class": {"tls": {"flows": 1, "bytes": 100}}}
    return told | more


def _numbered(seq: int) -> Any:
    """A finding, or a rollup whose bytes would show if it counted twice."""
    if seq % 3:
        return message(*(finding(f"u{seq}-{n}", endpoint=f"10.0.0.{n}:443/tcp") for n in range(5)), seq=seq)
    return message(_rollup(NOW + seq), kind="rollup", seq=seq)


def _balance(store: Store, count: int) -> None:
    """`count` envelopes of _numbered were kept, each once."""
    rollups = len(range(0, count, 3))
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(findings)).scalar_one() == (count - rollups) * 5
        assert connection.execute(select(func.sum(traffic.c.bytes))).scalar_one() == rollups * 100
        stream = connection.execute(select(streams.c.low, streams.c.high, streams.c.given_up)).one()
        assert tuple(stream) == (count - 1, count - 1, 0)
        assert counting.differences(connection) == NONE
        if store.is_sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


def _keep_on(url: str, first: int, told: int) -> None:
    """What a collector does, in a process that will be killed: says B before a batch and A when it was kept."""
    store = Store(url)
    for seq in range(first, first + 10_000):
        os.write(told, b"B")
        store.write([_numbered(seq)], NOW)
        os.write(told, b"A")


def _killed_in_commit(url: str, first: int, chance: random.Random) -> tuple[int, bool]:
    """How many batches were acknowledged, and whether one was under way."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _keep_on(url, first, there)
        finally:
            os._exit(1)
    os.close(there)
    waiting.select([here], [], [], 30)
    time.sleep(chance.random() * 0.03)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    said = b""
    while some := os.read(here, 4096):
        said += some
    os.close(here)
    return said.count(b"A"), said.endswith(b"B")


def test_killed_in_commit(url: str) -> None:
    """After each kill the broker would send again what was not acknowledged, and a little more."""
    Store(url).close()
    chance, kept, kills = random.Random(7), 0, 0
    for _ in range(4 * KILLS):
        acknowledged, under_way = _killed_in_commit(url, max(0, kept - 2), chance)
        kept = max(kept, max(0, kept - 2) + acknowledged)
        kills += under_way
        if kills == KILLS:
            break
    assert kills == KILLS
    store = Store(url)
    total = kept + 3
    again = store.write([_numbered(seq) for seq in range(max(0, kept - 2), total)], NOW)
    assert again.envelopes + again.duplicates == total - max(0, kept - 2)
    _balance(store, total)
    store.close()


class Told:
    """A message that remembers that it was acknowledged."""

    def __init__(self, seq: int, payload: bytes | None = None) -> None:
        self.topic, self.acknowledged = "transitproof/v1/s1/p1/finding", 0
        self.payload = payload or json.dumps(envelope(finding(f"u{seq}"), seq=seq)).encode()

    async def acknowledge(self) -> None:
        self.acknowledged += 1


async def _until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.02)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "RETRY", (0.05,))


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One that may be stopped."""
    server = Postgres("away", fsync=True)
    yield server
    server.end()


@pytest.mark.usefixtures("quick")
def test_a_database_that_goes_and_comes_back(server: Postgres) -> None:
    store = Store(server.database("fleet"))
    taking, messages = Ingest(store), [Told(seq) for seq in range(60)]

    async def run() -> None:
        task = asyncio.create_task(taking.run())
        for number, one in enumerate(messages):
            if number in {20, 40}:
                await _until(lambda: sum(one.acknowledged for one in messages) == number)
                await asyncio.to_thread(server.stop, "immediate" if number == 20 else "fast")
                failures = taking.failures
            await taking.queue.put(one)
            if number in {30, 50}:
                await _until(lambda: taking.failures >= failures + 3)
                assert sum(one.acknowledged for one in messages) == number // 20 * 20
                await asyncio.to_thread(server.start)
        await _until(lambda: all(one.acknowledged for one in messages))
        task.cancel()

    asyncio.run(run())
    assert [one.acknowledged for one in messages] == [1] * 60
    assert (taking.total.envelopes, taking.total.duplicates) == (60, 0)
    with store.reading() as connection:
        assert counting.differences(connection) == NONE
    store.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of twelve megabytes."""
    where = tmp_path / "small"
    where.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", where], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a small disk needs the right to mount: {made.stderr.decode().strip()}")
    yield where
    subprocess.run(["umount", "--lazy", where], check=True)


@pytest.mark.usefixtures("quick")
def test_a_disk_that_is_full_and_is_made_room_on(small: Path) -> None:
    store = Store(f"sqlite:///{small}/c.db")
    (small / "ballast").write_bytes(b"x" * 9_000_000)
    taking = Ingest(store)
    record = {"remediation": "x" * 12_000}
    messages = [Told(seq, json.dumps(envelope(finding(f"u{seq}", **record), seq=seq)).encode()) for seq in range(200)]

    async def run() -> None:
        task = asyncio.create_task(taking.run())
        feeding = asyncio.create_task(_feed(taking, messages))
        await _until(lambda: taking.failures >= 3)
        kept = sum(one.acknowledged for one in messages)
        assert kept < 200
        with store.reading() as connection:
            assert queries.finding_page(connection, queries.FindingFilter(), Place(1)).total == kept
        (small / "ballast").unlink()
        await _until(lambda: all(one.acknowledged for one in messages))
        feeding.cancel()
        task.cancel()

    asyncio.run(run())
    assert (taking.total.envelopes, taking.total.duplicates) == (200, 0)
    store.close()


async def _feed(taking: Ingest, messages: list[Told]) -> None:
    for one in messages:
        await taking.queue.put(one)
        await asyncio.sleep(0.005)


REFUSING = {
    "sqlite": "CREATE TRIGGER no BEFORE INSERT ON findings WHEN NEW.uid = 'u3' BEGIN SELECT RAISE(ABORT, 'not this'); END",
    "postgresql": "ALTER TABLE findings ADD CONSTRAINT no CHECK (uid <> 'u3')",
}


@pytest.mark.usefixtures("quick")
def test_what_the_store_refuses_is_kept_aside_and_stops_nothing(store: Store) -> None:
    with store.changing() as connection:
        connection.execute(text(REFUSING[connection.dialect.name]))
    taking, messages = Ingest(store), [Told(seq) for seq in range(9)]

    async def run() -> None:
        task = asyncio.create_task(taking.run())
        for one in messages:
            await taking.queue.put(one)
        await _until(lambda: all(one.acknowledged for one in messages))
        task.cancel()

    asyncio.run(run())
    assert (taking.total.envelopes, taking.total.aside, taking.failures) == (8, 1, 0)
    with store.reading() as connection:
        (why, payload) = connection.execute(select(aside.c.why, aside.c.payload)).one()
        assert "refused" in why
        assert bytes(payload) == messages[3].payload
        assert counting.differences(connection) == NONE


@pytest.mark.usefixtures("quick")
def test_a_store_that_takes_nothing_ends_the_collector(store: Store) -> None:
    with store.changing() as connection:
        connection.execute(text("DROP TABLE aside"))
    taking, message_ = Ingest(store), Told(0, b"not an envelope")

    async def run() -> None:
        await taking.queue.put(message_)
        with pytest.raises(RefusedError, match="aside"):
            await asyncio.wait_for(taking.run(), 20)

    asyncio.run(run())
    assert not message_.acknowledged


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(RefusedError, match="not a database"):
        Store(f"sqlite:///{tmp_path}/c.db")
    with pytest.raises(StoreError) as away:
        Store("postgresql+pg8000://nobody@127.0.0.1:1/none")
    assert not isinstance(away.value, RefusedError)


def _probe(store: Store) -> dict[str, Any]:
    with store.reading() as connection:
        return dict(connection.execute(select(probes)).mappings().one())


def test_a_message_of_last_year_changes_nothing_that_is_newer(store: Store) -> None:
    old, now = rfc3339(NOW - 365 * 86_400), rfc3339(NOW - 5)
    health = {"type": "health", "missed": {"ring": 1}}
    store.write([message(health, kind="health", boot="new", seq=0, sent_at=now, drops={"spool": 2})], NOW)
    before = _probe(store)
    late = message(health | {"missed": {"ring": 99}}, kind="health", boot="old", seq=0, sent_at=old, drops={"spool": 1})
    store.write([late], NOW + 60)
    assert _probe(store) == before
    store.write([message(finding(last_seen=old, first_seen=old), boot="old", seq=1, sent_at=old)], NOW + 60)
    assert _probe(store) == before, "nor does it show that the probe is alive"
    store.write([message(kind="health", boot="new", seq=1, sent_at=rfc3339(NOW + 60))], NOW + 61)
    assert _probe(store)["last_seen"] == NOW + 61


def test_in_one_batch_the_newest_counts_wherever_it_stands(store: Store) -> None:
    both = [
        message(finding("b"), boot="new", seq=0, sent_at=rfc3339(NOW)),
        message(finding("a"), boot="old", seq=0, sent_at=rfc3339(NOW - 9 * 86_400)),
    ]
    store.write(both, NOW)
    assert (_probe(store)["boot_id"], _probe(store)["last_seen"]) == ("new", NOW)


@pytest.mark.parametrize("batches", [1, 2])
def test_a_rollup_that_is_early_ends_what_comes_later(store: Store, batches: int) -> None:
    seen = rfc3339(NOW - 100)
    over = _rollup(NOW - 90, findings={"resolved_uids": ["a", "b"]})
    told = [message(over, kind="rollup", seq=1), message(finding("a", first_seen=seen, last_seen=seen), seq=0)]
    for batch in [told] if batches == 1 else [[one] for one in told]:
        store.write(batch, NOW)
    store.write([message(finding("b", first_seen=seen, last_seen=rfc3339(NOW)), seq=2)], NOW)
    with store.reading() as connection:
        found = dict(tuple(row) for row in connection.execute(select(findings.c.uid, findings.c.workflow)))
        assert found == {"a": "resolved", "b": "open"}, "b was seen again after the rollup"
        assert connection.execute(text("SELECT count(*) FROM early")).scalar_one() == 0
        assert counting.differences(connection) == NONE
    # A report that is older than the end, but newer than what was known, opens nothing either.
    store.write([message(finding("a", first_seen=seen, last_seen=rfc3339(NOW - 50)), seq=3)], NOW)
    with store.reading() as connection:
        assert queries.finding(connection, "a")[0]["workflow"] == "resolved"


def test_a_flood_of_one_probe_balances(store: Store) -> None:
    """Twice, out of order, with a gap, in batches with what others say."""
    chance = random.Random(3)
    sent = [seq for seq in range(400) if seq % 50 != 7] * 2
    chance.shuffle(sent)
    envelopes = duplicates = 0
    for first in range(0, len(sent), 60):
        batch = [_numbered(seq) for seq in sent[first : first + 60]]
        account = store.write([*batch, message(finding("x"), by="p2", seq=first)], NOW)
        envelopes, duplicates = envelopes + account.envelopes, duplicates + account.duplicates
    others = -(-len(sent) // 60)
    assert (envelopes - others, duplicates) == (len(sent) // 2, len(sent) // 2)
    with store.reading() as connection:
        rows = {row["probe"]: row for row in probe_states.probe_page(connection, NOW).rows}
        assert (rows["p1"]["missed"], rows["p1"]["outstanding"]) == (0, 399 - 6)
        assert counting.differences(connection) == NONE


def test_a_rollup_that_ends_beyond_all_reason_stops_nothing(store: Store) -> None:
    uids = [f"u{n}" for n in range(80_000)]
    store.write([message(finding("u1", last_seen=rfc3339(NOW - 100)), seq=0)], NOW)
    account = store.write([message(_rollup(findings={"resolved_uids": [*uids, "a\0b"]}), kind="rollup", seq=1)], NOW)
    assert account.envelopes == 1
    with store.reading() as connection:
        assert queries.finding(connection, "u1")[0]["workflow"] == "resolved"

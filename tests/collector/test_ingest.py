"""Acknowledged is only what was kept, whatever the store does meanwhile."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from fleet import NOW, finding, message

from collector import ingest
from collector.ingest import Ingest
from collector.messages import Envelope
from collector.store.errors import StoreError
from collector.store.store import Store

TOPIC = "transitproof/v1/s1/p1/finding"


class Told:
    """A message that remembers what was told about it."""

    def __init__(self, seq: int, log: list[tuple[str, int]], payload: bytes | None = None) -> None:
        envelope = message(finding(f"u{seq}"), seq=seq)
        assert isinstance(envelope, Envelope)
        self.topic, self._seq, self._log = TOPIC, seq, log
        head = {
            "schema": envelope.schema,
            "probe": {"id": "p1", "site": "s1"},
            "boot_id": "b1",
            "seq": seq,
            "sent_at": "",
        }
        self.payload = payload or json.dumps({**head, "items": envelope.items}).encode()

    async def acknowledge(self) -> None:
        self._log.append(("acknowledged", self._seq))


class Flaky:
    """A store that fails as often as it is told."""

    def __init__(self, store: Store, failures: int, log: list[tuple[str, int]]) -> None:
        self._store, self._left, self._log = store, failures, log

    def write(self, messages: Any, now: float) -> Any:
        if self._left:
            self._left -= 1
            raise StoreError("disk full")
        account = self._store.write(messages, now)
        self._log.append(("kept", account.envelopes))
        return account


async def _through(taking: Ingest, messages: list[Told], log: list[tuple[str, int]]) -> None:
    task = asyncio.create_task(taking.run())
    for one in messages:
        await taking.queue.put(one)
    async with asyncio.timeout(20):
        while len([entry for entry in log if entry[0] == "acknowledged"]) < len(messages):
            await asyncio.sleep(0.01)
    task.cancel()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "RETRY", (0.01, 0.02))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("failures", [0, 1, 5])
def test_nothing_is_acknowledged_before_it_is_kept(tmp_path: Path, failures: int) -> None:
    log: list[tuple[str, int]] = []
    store = Store(f"sqlite:///{tmp_path}/c.db")
    taking = Ingest(Flaky(store, failures, log))  # type: ignore[arg-type]
    asyncio.run(_through(taking, [Told(seq, log) for seq in range(20)], log))
    assert log[0] == ("kept", 20) or sum(count for what, count in log if what == "kept") == 20
    kept = 0
    for what, number in log:
        if what == "kept":
            kept += number
        else:
            assert number < kept
    assert taking.failures == failures
    store.close()


def test_a_poisoned_message_does_not_stop_the_rest(tmp_path: Path) -> None:
    log: list[tuple[str, int]] = []
    store = Store(f"sqlite:///{tmp_path}/c.db")
    messages = [
        Told(0, log),
        Told(1, log, b"\xff\x00"),
        Told(2, log, b'{"schema":"transitproof.finding/9"}'),
        Told(3, log),
    ]
    taking = Ingest(store)
    asyncio.run(_through(taking, messages, log))
    assert (taking.total.envelopes, taking.total.aside) == (2, 2)
    assert store.write([message(finding(), seq=0)], NOW).duplicates == 1
    store.close()

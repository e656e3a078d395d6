"""A sender goes on whatever comes up on its way."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from probe.publish.end import Connection, PublishError
from probe.publish.envelope import Stored
from probe.publish.pace import Backoff
from probe.publish.sender import Sender
from probe.publish.spool import Spool


class Odd:
    """An end that fails in a given way at first; then it takes everything."""

    name, payload, rate = "odd", 100_000, (None, None)

    def __init__(self, failures: list[BaseException], where: str) -> None:
        self._failures, self._where = failures, where
        self.taken: list[int] = []
        self.done = threading.Event()

    def _fail(self, where: str) -> None:
        if where == self._where and self._failures:
            raise self._failures.pop(0)

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        self._fail("connect")
        yield self

    async def send(self, stored: Stored) -> None:
        self._fail("send")
        self.taken.append(stored.count)
        self.done.set()

    def lost(self) -> Awaitable[None]:
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._where == "lost" and self._failures:
            failure = self._failures.pop(0)
            lost.cancel() if isinstance(failure, asyncio.CancelledError) else lost.set_exception(failure)
        return lost

    def state(self, item: bytes) -> None:
        """Nobody looks."""


@pytest.mark.parametrize("where", ["connect", "send", "lost"])
@pytest.mark.parametrize(
    "failure",
    [PublishError("away"), ValueError("defect"), OSError(9, "bad"), RuntimeError(""), asyncio.CancelledError()],
)
def test_it_tries_again_and_loses_nothing(tmp_path: Path, failure: BaseException, where: str) -> None:
    if isinstance(failure, asyncio.CancelledError) and where != "lost":
        return  # nothing but our own stop cancels these
    said: list[str] = []
    spool = Spool(str(tmp_path / "s.db"), size=1 << 20)
    spool.add("finding", b'{"type":"finding"}')
    end, backoff = Odd([failure, failure], where), Backoff()
    backoff._longest = 0.01
    sender = Sender(spool, end, said.append, backoff)
    sender.start()
    spool.commit()
    assert end.done.wait(20), said
    while spool.waiting():
        assert sender.alive(), sender.failure
    assert sender.stop(10)
    assert end.taken[0] == 1
    spool.close()

"""Messages from the broker into the store: acknowledged only once they are committed.

A broker's messages are gathered for a moment and kept in one transaction. While the store does not answer, the batch
is held and nothing is acknowledged, so the broker keeps the rest; what cannot be understood is kept aside and never
stops what is behind it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol

import msgspec

from collector.messages import MAX_PAYLOAD, Aside, Envelope, Fault, State, read
from collector.store.errors import RefusedError, StoreError
from collector.store.store import Store
from collector.store.writing import Account

BATCH: Final = 200  # messages of one transaction: some 10,000 items
GATHER: Final = 0.1  # seconds that the first message of a batch waits for others
RETRY: Final = (0.2, 1.0, 5.0, 30.0)  # seconds between attempts to keep a batch; the last for ever

_LOG: Final = logging.getLogger("collector")


class Message(Protocol):
    """What a source gives."""

    topic: str
    payload: bytes

    async def acknowledge(self) -> None:
        """Tell the broker that it was kept."""


class Ingest:
    """Takes messages from a queue until it is cancelled; `after` is called with the account of each batch.

    With `fault`, only what it finds no fault with counts; the rest is kept aside.
    """

    def __init__(
        self,
        store: Store,
        after: Callable[[Account], None] = lambda _account: None,
        fault: Fault | None = None,
    ) -> None:
        self._store, self._after = store, after
        self._read = read if fault is None else partial(read, fault=fault)
        self.queue: asyncio.Queue[Message] = asyncio.Queue(BATCH)
        """Bounded: a source that finds it full waits, and the broker behind it."""
        self.total = Account()
        self.failures = 0
        """Attempts to keep a batch that failed."""

    def counters(self) -> dict[str, int]:
        """For metrics: what became of messages since the start."""
        return {**msgspec.structs.asdict(self.total), "store_failures": self.failures, "waiting": self.queue.qsize()}

    async def run(self) -> None:
        """Batch after batch. Raises RefusedError where the store takes nothing at all any more."""
        while True:
            batch = await self._gather()
            await self._keep(batch)
            for message in batch:
                await message.acknowledge()

    async def _gather(self) -> list[Message]:
        batch = [await self.queue.get()]
        end = time.monotonic() + GATHER
        while len(batch) < BATCH and (left := end - time.monotonic()) > 0:
            try:
                batch.append(await asyncio.wait_for(self.queue.get(), left))
            except TimeoutError:
                break
        return batch

    async def _keep(self, batch: list[Message]) -> None:
        """As a whole, or in halves if the store refuses something in it, which is kept aside. Raises RefusedError."""
        read_in: list[Envelope | State | Aside] = [self._read(message.topic, message.payload) for message in batch]
        try:
            account = await self._write(read_in)
        except RefusedError as error:
            if len(batch) > 1:
                for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                    await self._keep(half)
                return
            if isinstance(read_in[0], Aside):
                raise  # even what is only put down: it is not the message
            account = await self._write([Aside(batch[0].topic, batch[0].payload[:MAX_PAYLOAD], f"refused: {error}")])
        for name in Account.__struct_fields__:
            setattr(self.total, name, getattr(self.total, name) + getattr(account, name))
        self._after(account)

    async def _write(self, read_in: list[Envelope | State | Aside]) -> Account:
        """As often as it takes. Raises RefusedError."""
        attempt = 0
        while True:
            try:
                return await asyncio.to_thread(self._store.write, read_in, time.time())
            except RefusedError:
                raise
            except StoreError as error:
                self.failures += 1
                wait = RETRY[min(attempt, len(RETRY) - 1)]
                if attempt < len(RETRY):
                    _LOG.error("%s; tried again in %g s, nothing is acknowledged until then", error, wait)
                attempt += 1
                await asyncio.sleep(wait)


Source = Callable[["asyncio.Queue[Message]"], Awaitable[None]]

"""From a spool to an end: a thread with an event loop of its own, so that no network ever holds up the engine.

One envelope at a time, in the order of the spool; the next one goes when the end has confirmed this one. After a
failure a new connection is made, and what the broker may not have passed on yet is sent again (spool.py, KEPT).
"""

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from probe.publish.end import Busy, Connection, End, PublishError, Refused, Say
from probe.publish.pace import Backoff, Circuit, Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from probe.publish.envelope import Stored
    from probe.publish.spool import Spool

AT_REST: Final = 10.0  # seconds without anything to send, after which the broker has passed on what it had
STEADY: Final = 60.0  # seconds that a connection held, after which a failure is a new one
BREAKS: Final = 3  # times that a connection broke over the same envelope, after which smaller ones are tried
REFUSALS: Final = 5  # times that an envelope of one report was refused in words, after which that report is lost
SMALLEST: Final = 16 * 1024  # bytes; no connection breaks over what is smaller


class Sender:
    """Runs from `start` to `stop`."""

    def __init__(self, spool: "Spool", end: End, say: Say, backoff: Backoff | None = None) -> None:
        self._spool, self._end, self._say = spool, end, say
        self._backoff = backoff or Backoff()
        self._circuit = Circuit(end.name)
        self._pace = Pace(*end.rate, time.monotonic())
        self._thread = threading.Thread(target=self._main, name=f"publish-{end.name}", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._more: asyncio.Event | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._suspect = (-1, 0)
        """An envelope, and how often something broke over it."""
        self._limit = end.payload
        """Envelopes are cut to this before they are sent."""
        self.up = False
        self.reconnects = 0
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._ready.wait()
        self._spool.on_commit = self.wake

    def wake(self) -> None:
        """There is more. From any thread."""
        self._tell(lambda: self._more)

    def stop(self, seconds: float) -> bool:
        """End; what is not confirmed stays in the spool. False if the thread hangs in a network call and is left."""
        if self._thread.ident is None:
            return True
        self._tell(lambda: self._stop)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def alive(self) -> bool:
        """Whether it still tries."""
        return self._thread.is_alive()

    def _tell(self, event: "Callable[[], asyncio.Event | None]") -> None:
        loop, told = self._loop, event()
        if loop is not None and told is not None:
            with contextlib.suppress(RuntimeError):  # closed
                loop.call_soon_threadsafe(told.set)

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:  # noqa: BLE001 - a defect; the reports stay in the spool
            self.failure = error
            self._say(f"<3>event=publish_ended end={self._end.name}: {type(error).__name__}: {error}")
        finally:
            self.up = False
            self._ready.set()

    async def _run(self) -> None:
        self._loop, self._more, self._stop = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        self._ready.set()
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                await self._connected()
            except Exception as unknown:  # noqa: BLE001 - whatever a library raises: an agent that sends nothing any more helps nobody
                error = unknown if isinstance(unknown, PublishError) else _defect(unknown)
                self.failure = None if error is unknown else unknown
                self.up = False
                self.reconnects += 1
                if time.monotonic() - begun > STEADY:
                    self._backoff.reset()
                wait = self._backoff.next()
                self._speak(self._circuit.failed(error.reason, wait, self._spool.waiting(), time.monotonic()))
                await _first(self._stop.wait(), timeout=wait)

    async def _connected(self) -> None:
        assert self._stop is not None  # noqa: S101
        async with self._end.connect() as connection:
            self.up = True
            self._spool.rewind()
            stop = asyncio.ensure_future(self._stop.wait())
            lost: asyncio.Future[None] = asyncio.ensure_future(connection.lost())
            work: asyncio.Future[None] = asyncio.ensure_future(self._work(connection))
            try:
                await asyncio.wait((stop, lost, work), return_when=asyncio.FIRST_COMPLETED)
                if stop.done():
                    return
                # What was being sent when the connection ended says more than its end.
                for ended in (work, lost):
                    if ended.done() and not ended.cancelled():
                        ended.result()
                raise PublishError("the connection was closed")
            finally:
                await _ended(stop, lost, work)

    async def _work(self, connection: Connection) -> None:
        assert self._more is not None  # noqa: S101
        while True:
            self._more.clear()
            stored = self._spool.next()
            if stored is None:
                if not await _first(self._more.wait(), timeout=AT_REST):
                    self._spool.forget()
                    await self._more.wait()
                continue
            if wait := self._pace.wait(len(stored.body), time.monotonic()):
                await asyncio.sleep(wait)
            await self._send(connection, stored)

    async def _send(self, connection: Connection, stored: "Stored") -> None:
        if len(stored.body) > self._limit and self._spool.split(stored, self._limit):
            return
        try:
            await connection.send(stored)
        except Refused as error:
            await self._refused(stored, error)
        except Busy as error:
            await self._wait(error)
        except BaseException as error:
            # A broker that says nothing may break over the size of what it gets (MQTT 3.1.1 has no words for it).
            if isinstance(error, PublishError) and self._broke(stored) >= BREAKS and len(stored.body) > SMALLEST:
                self._limit = max(SMALLEST, len(stored.body) // 2)
            raise
        else:
            self._spool.sent(stored)
            self._backoff.reset()
            if stored.position == self._suspect[0]:
                self._suspect = (-1, 0)
            self._speak(self._circuit.works(time.monotonic()))

    async def _refused(self, stored: "Stored", error: Refused) -> None:
        """Pieces may be taken; what cannot be cut is lost at last, so that it does not hold up the others for ever."""
        if stored.count > 1 and self._spool.split(stored, error.room or len(stored.body) // 2):
            return
        if error.room is not None or self._broke(stored) >= REFUSALS:
            self._spool.lose(stored, "refused")
            self._say(f"<3>event=publish_refused end={self._end.name} kind={stored.kind}: {error.reason}")
            return
        await self._wait(error)

    async def _wait(self, error: PublishError) -> None:
        """On the same connection, which is good."""
        wait = self._backoff.next()
        self._speak(self._circuit.failed(error.reason, wait, self._spool.waiting(), time.monotonic()))
        await asyncio.sleep(wait)

    def _broke(self, stored: "Stored") -> int:
        """How often something broke over this envelope."""
        position, times = self._suspect
        self._suspect = (stored.position, times + 1 if position == stored.position else 1)
        return self._suspect[1]

    def _speak(self, line: str | None) -> None:
        if line is not None:
            self._say(line)


async def _ended(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel them until they have ended: wait_for may swallow a cancellation (bpo-37658, mended in Python 3.12)."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.1)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not complain


def _defect(error: Exception) -> PublishError:
    """What should not have come up: said like any failure, and tried again like one."""
    return PublishError(f"{type(error).__name__}: {error}")


async def _first(awaitable: "Coroutine[Any, Any, object]", timeout: float) -> bool:  # noqa: ASYNC109
    """Whether it came to an end in time."""
    try:
        await asyncio.wait_for(awaitable, timeout)
    except TimeoutError:
        return False
    return True

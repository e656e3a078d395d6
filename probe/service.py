"""The live agent: rings of this host's interfaces through core and engine, until it is told to stop.

Rings are opened first, then all rights are dropped, then the first packet is looked at. One thread captures, judges and
publishes; if what it publishes is not taken, the ring fills, and the drops of the kernel are counted and said. The loop
beside it handles signals and tells the service manager that both are alive.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import msgspec

from probe import notify, rights
from probe.engine import Engine, load_core
from probe.model import SEVERITIES
from probe.report import Outcome, summary_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probe._parsers import Core, Live

PACKETS_PER_BATCH: Final = 16_384
WAIT_MS: Final = 200  # for packets, at most: the thread shows so often that it lives
FOLLOW: Final = 1.0  # seconds between looks at the interfaces and at flows that fell silent
LATE: Final = (
    1_000_000_000  # ns; a packet reaches us at most this long after its time, so what was silent until then has ended
)
LAST_BLOCK: Final = 0.2  # seconds for the kernel to hand over what it has, at the end
FLOWS_PER_BATCH: Final = 8192
REPORT_INTERVAL: Final = 60.0  # seconds
STALLED: Final = 10.0  # seconds without a sign of the capture thread, after which the watchdog is no longer fed
WATCHDOG_DEFAULT: Final = 5.0  # seconds between STATUS lines without a watchdog
FINDINGS_PER_CHUNK: Final = 1024
MAX_KNOWN: Final = 262_144  # findings told apart for the summary: as many as the ledger keeps at a time
SOURCE: Final = "live"
"""In the place of the capture's name in evidence."""


class _Finding(msgspec.Struct):
    uid: str
    status: str
    severity: str


_FINDINGS: Final = msgspec.json.Decoder(_Finding)


class Publisher(Protocol):
    """Where records go."""

    def publish(self, lines: bytes) -> None:
        """JSON Lines. Blocks until they are taken."""


class JsonLines:
    """Records to a stream, as they come."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def publish(self, lines: bytes) -> None:
        """Write and flush, so that a reader sees them at once."""
        self._stream.write(lines)
        self._stream.flush()


class Service:
    """One run of the agent, from open rings to the last summary."""

    def __init__(
        self, interfaces: "Sequence[str]", engine: Engine, publisher: Publisher, *, promiscuous: bool = False
    ) -> None:
        """Opens the rings and drops all rights. Raises PermissionError, OSError and rights.RightsError."""
        parsers = load_core()
        self.live: Live = parsers.Live(list(interfaces), promiscuous=promiscuous)
        rights.drop()
        self._core: Core = parsers.Core(names=engine.names)
        self._engine = engine
        self._publisher = publisher
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._moved = time.monotonic()
        self._interfaces = self.live.interfaces()
        self._said_drops = 0
        self._known: dict[str, tuple[str, str]] = {}
        self._ended: asyncio.Event | None = None

    def run(self) -> int:
        """Until SIGTERM or SIGINT. Gives 0; what ended the capture thread otherwise is raised."""
        asyncio.run(self._run())
        if self._failure is not None:
            raise self._failure
        return 0

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGUSR1, lambda: say(self.status()))
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        thread = threading.Thread(target=self._capture, args=(loop,), name="capture")
        thread.start()
        notify.notify("READY=1", f"STATUS={self.status()}")
        interval = notify.watchdog_interval() or WATCHDOG_DEFAULT
        while not self._ended.is_set():
            if time.monotonic() - self._moved < STALLED:
                notify.notify("WATCHDOG=1", f"STATUS={self.status()}")
            self._say_drops()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), interval)
        notify.notify("STOPPING=1")
        thread.join()
        self._say_drops()

    def _reload(self) -> None:
        notify.notify(*notify.reloading())
        say("SIGHUP: there is no configuration to read again yet; nothing changed")
        notify.notify("READY=1")

    def _capture(self, loop: asyncio.AbstractEventLoop) -> None:
        """The capture thread."""
        try:
            self._listen()
            self._finish()
        except BrokenPipeError:
            say("nobody reads the records any more: stopping")
        except BaseException as error:  # noqa: BLE001 - raised again by run()
            self._failure = error
        finally:
            assert self._ended is not None  # noqa: S101
            loop.call_soon_threadsafe(self._ended.set)

    def _listen(self) -> None:
        followed = reported = time.monotonic()
        while not self._stop.is_set():
            more = self._core.listen(self.live, PACKETS_PER_BATCH, WAIT_MS)
            self._moved = now = time.monotonic()
            if now - followed >= FOLLOW:
                followed = now
                self.live.follow()
                self._interfaces = self.live.interfaces()
                if not more:  # else older packets are waiting
                    self._core.expire(time.time_ns() - LATE)
            self._take(observations=now - reported >= REPORT_INTERVAL)
            if now - reported >= REPORT_INTERVAL:
                reported = now
                self._report()

    def _finish(self) -> None:
        """What is still in the rings, what is still open, and a summary."""
        until = time.monotonic() + LAST_BLOCK
        while time.monotonic() < until:
            self._core.listen(self.live, PACKETS_PER_BATCH, WAIT_MS // 4)
            self._take(observations=False)
        self._interfaces = self.live.interfaces()
        while self._core.finish(FLOWS_PER_BATCH):
            self._take(observations=False)
        self._take(observations=True)
        self._report()
        outcome = Outcome(files=[])
        against = Counter(severity for status, severity in self._known.values() if status in ("warn", "fail"))
        outcome.by_severity = {severity: against[severity] for severity in reversed(SEVERITIES) if against[severity]}
        outcome.not_observable = sum(status == "not_observable" for status, _ in self._known.values())
        outcome.limits = self._engine.limits
        drops = {name: count for name, *_, count in self._drops() if count}
        outcome.totals = {**msgspec.json.decode(self._core.totals()), "drops": drops}
        self._publisher.publish(summary_line(outcome))

    def _take(self, *, observations: bool) -> None:
        batch = self._core.take(observations=observations)
        if lines := self._engine.feed(batch, SOURCE) + batch.records + batch.tunnels:
            self._publisher.publish(lines)

    def _report(self) -> None:
        """The findings counted since the last time; the same finding keeps its uid, and the newest record holds."""
        report = self._engine.flush()
        for first in range(0, len(report), FINDINGS_PER_CHUNK):
            lines = report.lines(first, FINDINGS_PER_CHUNK)
            for finding in _FINDINGS.decode_lines(lines):
                if finding.uid in self._known or len(self._known) < MAX_KNOWN:
                    self._known[finding.uid] = finding.status, finding.severity
            self._publisher.publish(lines)

    def _drops(self) -> list[tuple[str, int]]:
        return [(name, drops) for name, _, _, drops, _, _ in self._interfaces]

    def _say_drops(self) -> None:
        drops = sum(count for _, count in self._drops())
        if drops > self._said_drops:
            lost = drops - self._said_drops
            say(f"<4>event=drops packets={lost} total={drops}: the ring was full; what was in them is in no record")
            self._said_drops = drops

    def status(self) -> str:
        """One line for people."""
        parts = []
        for name, there, packets, drops, freezes, _ in self._interfaces:
            state = "" if there else " (gone)"
            parts.append(f"{name}{state}: {packets} packets, {drops} dropped, {freezes} freezes")
        return "; ".join(parts)


def say(message: str) -> None:
    """A line on standard error; the priority in front is for the journal only."""
    if "JOURNAL_STREAM" not in os.environ and message.startswith("<"):
        message = message[3:]
    with contextlib.suppress(OSError, ValueError):
        print(message, file=sys.stderr, flush=True)  # noqa: T201

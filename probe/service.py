"""The live agent: rings of this host's interfaces through core and engine, until it is told to stop.

Rings are opened first, then all rights are dropped, then the first packet is looked at. One thread captures, judges and
reports; if what it reports is not taken, the ring fills, and the drops of the kernel are counted and said. The loop
beside it (`probe.agent`) handles signals and tells the service manager that both are alive.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from probe import health, journal, rights
from probe.bypass import Bypass
from probe.clock import Clock, Every
from probe.config import Config
from probe.engine import Engine, load_core
from probe.evidence import HISTORY, Evidence
from probe.gateway_file import GatewayFile
from probe.health import Counters, Interface
from probe.identity import Identity
from probe.journal import Journal
from probe.judging import Judgement
from probe.memory import Memory
from probe.model import NANOSECONDS
from probe.replay import read_key_logs
from probe.report import Outcome, summary_line
from probe.reporter import Reporter
from probe.sink import Sink
from probe.state import Folder
from probe.vpn_watch import VpnWatch

if TYPE_CHECKING:
    from probe._parsers import Batch, Core, Live
    from probe.reprobe.background import Background

PACKETS_PER_BATCH: Final = 16_384
WAIT_MS: Final = 200  # for packets, at most: the thread shows so often that it lives
FOLLOW: Final = 1.0  # seconds between looks at the interfaces and at flows that fell silent
COMPARE: Final = 30.0  # seconds between comparisons with what is known of tunnels
NEWS: Final = 1.0  # seconds between looks for findings: a new one does not wait for the interval's report
NEWS_SHARE: Final = 50  # of the time at most one part goes into such looks, however many findings go on
LATE: Final = (
    1_000_000_000  # ns; a packet reaches us at most this long after its time, so what was silent until then has ended
)
LAST_BLOCK: Final = 0.2  # seconds for the kernel to hand over what it has, at the end
FLOWS_PER_BATCH: Final = 8192
FINDINGS_PER_CHUNK: Final = 1024
SOURCE: Final = "live"
"""In the place of the capture's name in evidence."""
Records = Callable[[bytes], None]


class Watcher(Protocol):
    """Somebody who knows which tunnels there should be."""

    def see(self, batch: "Batch", now: int) -> None:
        """What was told of those that there are."""

    def look(self, now: int) -> "Batch":
        """Observations of where the two differ."""


class Change(msgspec.Struct):
    """A new configuration for the capture thread, and whom to tell once it holds."""

    config: Config
    judgement: Judgement
    engine: Engine
    done: Callable[[], None]


class Service:
    """One run of the agent, from open rings to the last report."""

    def __init__(
        self,
        config: Config,
        judgement: Judgement,
        sink: Sink,
        identity: Identity,
        journal: Journal,
        *,
        folder: Folder | None = None,
        records: Records | None = None,
        max_flows: int = 1 << 20,
        background: "Background | None" = None,
    ) -> None:
        """Opens the rings and drops all rights. Raises PermissionError, OSError, rights.RightsError and FilterError.

        `records`: takes flows and the summary, which are no reports. `folder`: where state is kept.
        `background`: who looks at endpoints whose certificates are hidden.
        """
        parsers = load_core()
        capture = config.capture
        self.config = config
        self.journal = journal
        self.live: Live = parsers.Live(
            list(capture.interfaces), ring_bytes=capture.ring, promiscuous=capture.promiscuous
        )
        self._bypass = Bypass(self.live, journal, wanted=capture.bypass)
        rights.drop()
        self._judgement, self._engine, self._marks = judgement, judgement.engine(), judgement.marks()
        self._max_flows = max_flows
        self._core: Core = parsers.Core(
            flows=records is not None,
            names=self._engine.names,
            exposed=self._engine.exposed,
            hash_key=judgement.hash_key,
            why=config.judge.why,
            max_flows=max_flows,
            workers=capture.workers,
        )
        self._core.stay_live()
        if background is not None:
            self._core.tell_sessions()
        self._bypass.begin(self._core)
        read_key_logs(self._core, judgement.keylog)
        judgement.selection.apply(self._core)
        self._core.protect(judgement.protect)
        self._watchers = self._watch_tunnels()
        self._sink, self._records, self._identity = sink, records, identity
        self._background = background
        self._events: Counter[str] = Counter()
        self._evidence = self._keep_packets()
        self._memory = Memory(folder, self._core, journal)
        self._reporter = Reporter(self._memory.restore(judgement.dns))
        self._clock = Clock()
        self.stop = threading.Event()
        self.moved = time.monotonic()
        """When the thread last showed that it lives."""
        self.save_later: Callable[[Callable[[], None]], None] = lambda save: save()
        """How files are written without holding up the packets."""
        self._change: Change | None = None
        self._said_drops = 0
        self.counters = self._count()
        self._rolled = self._told = self.counters

    def _keep_packets(self) -> Evidence | None:
        capture = self.config.capture
        if capture.write is None:
            return None
        self._core.keep_openings(HISTORY)
        return Evidence(capture.write.resolve(), capture.write_limit, self._core.kept)

    def _watch_tunnels(self) -> list[Watcher]:
        """Who knows which tunnels there should be."""
        found: list[Watcher] = []
        if (gateway := self.config.host.gateway) is not None:
            found.append(GatewayFile(gateway, self._core, self.journal))
        if self._judgement.vpns:
            found.append(VpnWatch(self._judgement.vpns, self._core, int(time.time())))
        return found

    def _compare(self) -> None:
        """What they make of the tunnels that there are."""
        for watcher in self._watchers:
            self._engine.feed(watcher.look(int(time.time())), SOURCE)

    def apply(self, change: Change) -> None:
        """From another thread: judge so from the next batch on."""
        self._change = change

    def run(self) -> None:
        """The capture thread: until `stop`. BrokenPipeError: nobody reads any more."""
        self._sink.start()
        self._sink.put("state", self._state(online=True))
        self._sink.flush()
        if self._background is not None:
            self._background.start()
        # Whoever has to reach others has a thread by now.
        if (why := rights.confine()) is not None:
            self.journal.say(journal.INFO, "unconfined", f"{why}; this thread has no filter of system calls of its own")
        self._listen()
        self._finish()

    def _listen(self) -> None:
        begun = time.monotonic()
        follow, look, compare, roll, tell, save = (
            Every(seconds, begun)
            for seconds in (
                FOLLOW,
                NEWS,
                COMPARE,
                self.config.rollup.interval,
                self.config.health.interval,
                self.config.state.interval,
            )
        )
        while not self.stop.is_set():
            self._look_at_clock()
            more = self._core.listen(self.live, PACKETS_PER_BATCH, WAIT_MS)
            self.moved = now = time.monotonic()
            if self._change is not None:
                self._switch(self._change)
                self._change = None
                roll = Every(self.config.rollup.interval, now)
            reports = roll(now)
            looks = look(now) or reports
            if follow(now):
                self.live.follow()
                self._bypass.collect(self._core)
                if not more:  # else older packets are waiting
                    self._core.expire(time.time_ns() - LATE)
                self.counters = self._count()
                self._say_drops()
            if self._take(observations=looks) or (looks and self._background is not None):
                self._findings(time.time())
                done = time.monotonic()
                look.rest(done + (done - now) * NEWS_SHARE)
            if compare(now):
                self._compare()
            if reports:
                self._report()
            if tell(now):
                self._health()
            if save(now):
                self._memory.save(self._reporter.saved(), self.save_later)

    def _look_at_clock(self) -> None:
        """If it was set, flows go on by the new one."""
        if by := self._clock.was_set_by():
            self._core.shift(by)
            self._events["clock_jumps"] += 1
            self.journal.say(journal.WARNING, "clock_set", "flows go on by the new time", seconds=by / NANOSECONDS)

    def _switch(self, change: Change) -> None:
        """What was observed so far is judged as before; then the new rules hold."""
        self._take(observations=True)
        self._report()
        change.engine.inherit(self._engine)
        if change.judgement.dns != self._judgement.dns:
            self._memory.watch_dns(change.judgement.dns, self._core.dns_state())
        self._core.tell_names(change.engine.names)
        self.config, self._judgement = change.config, change.judgement
        self._engine, self._marks = change.engine, change.judgement.marks()
        self._events["reloads"] += 1
        change.done()

    def refused(self) -> None:
        """From another thread: a reload failed."""
        self._events["reloads_refused"] += 1

    def _finish(self) -> None:
        """What is still in the rings, what is still open, and the last reports."""
        if self._background is not None:
            self._background.stop()
        until = time.monotonic() + LAST_BLOCK
        while time.monotonic() < until:
            self._core.listen(self.live, PACKETS_PER_BATCH, WAIT_MS // 4)
            self._take(observations=False)
        self._bypass.collect(self._core)
        while self._core.finish(FLOWS_PER_BATCH):
            self.moved = time.monotonic()
            self._take(observations=False)
        self._take(observations=True)
        self._report(last=True)
        self._say_drops()
        self._health()
        self._sink.put("state", self._state(online=False))
        if self._records is not None:
            self._records(self._summary())
        self._sink.flush()
        self._memory.save(self._reporter.saved(), lambda save: save())
        self._sink.close()

    def _take(self, *, observations: bool) -> bool:
        """What the core has for us; whether anything new was observed."""
        batch = self._core.take(observations=observations)
        sightings = batch.sightings()
        self._reporter.postures.see(sightings)
        sessions = batch.sessions()
        for watcher in self._watchers:
            watcher.see(batch, int(time.time()))
        records = self._engine.feed(batch, SOURCE)
        if self._background is not None:
            self._background.see(sessions, records)
        news = self._reporter.certificates(records) if records else []
        for line in news:
            self._sink.put("certificate", line)
        tunnels = batch.tunnels
        for line in tunnels.splitlines():
            self._sink.put("tunnel", line)
        if self._records is not None and batch.records:
            self._records(batch.records)
        if news or tunnels or batch.records:
            self._sink.flush()
        return bool(sightings)

    def _findings(self, now: float) -> None:
        """Those that are news; the others are counted."""
        report = self._engine.flush()
        while lines := report.lines(FINDINGS_PER_CHUNK):
            if self._marks is not None:
                lines = self._marks.mark(lines)
            sent = self._reporter.ongoing.report(lines, now)
            for line in sent:
                self._sink.put("finding", line)
            if self._evidence is not None and (problem := self._evidence.write(sent)) is not None:
                self.journal.say(journal.ERROR, "packets_unwritten", problem)
        self._reprobed(now)
        self._sink.flush()

    def _report(self, *, last: bool = False) -> None:
        """What is still to be said of findings, and the rollup of the interval."""
        now = time.time()
        self._findings(now)
        for line in self._reporter.ongoing.due(now, last=last):
            self._sink.put("finding", line)
        self._reporter.ongoing.resolve(now, self.config.rollup.resolved_after)
        self.counters = self._count()
        for line in self._reporter.rollup(self._core.rollup(self.config.rollup.entries), self.counters, self._rolled):
            self._sink.put("rollup", line)
        self._rolled = self.counters
        self._sink.flush()

    def _reprobed(self, now: float) -> None:
        """What the verifiers found since the last report: news like any other."""
        if self._background is None:
            return
        for problem in self._background.problems():
            self.journal.say(
                journal.WARNING, "certificate_file", f"{problem}; it says nothing of what this host serves"
            )
        for kind, line in self._background.take():
            if kind == "certificate":
                for new in self._reporter.certificates(line):
                    self._sink.put("certificate", new)
                continue
            marked = line + b"\n" if self._marks is None else self._marks.mark(line + b"\n")
            for sent in self._reporter.ongoing.report(marked, now):
                self._sink.put("finding", sent)

    def _health(self) -> None:
        self.counters = self._count()
        self._sink.put("health", msgspec.json.encode(health.record(self.counters, self._told)))
        self._told = self.counters
        self._sink.flush()

    def _count(self) -> Counters:
        memory, cpu = health.measure()
        totals = msgspec.json.decode(self._core.totals())
        limits = Counter({**totals.get("limits", {})})
        limits.update(self._engine.limits)
        if self._reporter.ongoing.limited:
            limits["findings_followed"] = self._reporter.ongoing.limited
        return Counters(
            time=time.time_ns(),
            elapsed=self._clock.elapsed(),
            interfaces=tuple(Interface(*row) for row in self.live.interfaces()),
            totals=totals,
            limits=dict(limits),
            open_flows=self._core.open_flows,
            max_flows=self._max_flows,
            bypass=self._bypass.counters(),
            memory=memory,
            cpu=cpu,
            sink=self._sink.counters(),
            events={
                **self._events,
                **self._memory.events,
                **(self._evidence.counters() if self._evidence else {}),
                **(self._background.counters() if self._background else {}),
            },
        )

    def _state(self, *, online: bool) -> bytes:
        policies = [policy.id for policy in self._engine.policies]
        interfaces = list(self.config.capture.interfaces)
        return self._identity.state(time.time_ns(), online=online, interfaces=interfaces, policies=policies)

    def _summary(self) -> bytes:
        outcome = Outcome(files=[])
        outcome.by_severity = self._reporter.ongoing.open()
        outcome.not_observable = self._reporter.ongoing.not_observable()
        outcome.limits = self._engine.limits
        outcome.marks, outcome.as_of = self._marks, self._engine.as_of
        outcome.selection = self._judgement.selection.record()
        drops = {name: count for name, count in self.counters.drops.items() if count}
        outcome.totals = {**self.counters.totals, "drops": drops}
        return summary_line(outcome)

    def _say_drops(self) -> None:
        drops = sum(self.counters.drops.values())
        if drops > self._said_drops:
            lost, self._said_drops = drops - self._said_drops, drops
            what = "the ring was full; what was in them is in no record"
            self.journal.say(journal.WARNING, "drops", what, packets=lost, total=drops)

    def status(self) -> str:
        """One line for people."""
        return health.status(self.counters, sum(self._reporter.ongoing.open().values()))

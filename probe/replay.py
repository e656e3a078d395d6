"""Capture files through core and engine: the streaming replay that the command line and `probe.replay()` share.

The same files give the same bytes: batches are cut by packet count, findings are sorted, no clock is asked.
"""

import datetime as dt
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from probe.dns_options import BYTES_A_DAY, DnsOptions, DnsOptionsError
from probe.dns_options import load as load_dns_options
from probe.engine import DNS_OPTIONS, Engine, batch_of, load_core
from probe.gateway.state import State
from probe.gateway.state import load as load_gateway
from probe.gateway.verdict import Gateway
from probe.model import NANOSECONDS, SEVERITIES, Finding
from probe.policy import load as policy_files
from probe.report import Damage, EndpointTotals, Outcome, Problem, summary_line
from probe.selection import Selection, select
from probe.trust.store import Store
from probe.tunnels import add as add_tunnels
from probe.vpn import Vpn
from probe.vpn import load as load_vpns
from probe.vpn import observations as vpn_observations

if TYPE_CHECKING:
    from probe._parsers import Batch, Capture, Core
    from probe.marks import Marks

PACKETS_PER_BATCH: Final = 16_384  # large enough that crossing into Python costs nothing, some 5 ms of work
PACKETS_AHEAD: Final = 32_768  # with several workers, which wait for the slowest at the end of each batch
MOMENT: Final = 0.1  # seconds between two looks whether the workers have stopped
BATCHES_AHEAD: Final = 3  # the workers go on while one of many new certificates is judged
FLOWS_PER_BATCH: Final = 1024  # that end with the capture: some 400 kB of records, which stay in the cache as well
FINDINGS_PER_CHUNK: Final = 256  # some 180 kB of records, which stay in the cache until they are written
STANDARD_INPUT: Final = ("-", "/dev/stdin")

EVERYTHING: Final = Selection()

_FINDINGS: Final = msgspec.json.Decoder(Finding)


class KeyLogError(ValueError):
    """A key log cannot be read; the message names the file and has nothing of its content."""


def read_key_logs(core: "Core", paths: Iterable[str]) -> None:
    """Hand key logs to a core. The secrets go there directly, never through Python."""
    for path in paths:
        try:
            core.read_keys(path)
        except OSError as error:
            message = f"{path}: {why(error)}; --keylog wants a file as SSLKEYLOGFILE makes it, or keys of IKE or ESP"
            raise KeyLogError(message) from None


class Beside(Protocol):
    """Something that reads the flow records and has findings of its own, such as probe.reprobe.verifier."""

    counters: Counter[str]
    """What it did; shown in the summary."""

    def see(self, records: bytes) -> None:
        """Flow or certificate records, JSON Lines."""

    def records(self, stop: Callable[[], bool]) -> Iterable[dict[str, Any]]:
        """Certificate and finding records; ends early once `stop()`."""


class Replay:
    """One pass over a list of captures. Iterate `chunks()` to its end; then `outcome` holds everything."""

    def __init__(
        self,
        paths: Iterable[str],
        engine: Engine,
        *,
        flows: bool = True,
        report: bool = False,
        selection: Selection = EVERYTHING,
        trace: bool = False,
        progress: "Callable[[str, Capture], None] | None" = None,
        hash_key: bytes | None = None,
        why: bool = False,
        marks: "Marks | None" = None,
        workers: int = 1,
        dns_state: bytes | None = None,
        key_logs: Iterable[str] = (),
        reprobe: Beside | None = None,
        vpns: Iterable[Vpn] = (),
        protect: Iterable[str] = (),
        gateway: Iterable[State] = (),
    ) -> None:
        """`flows`: give flow records; `report`: keep the findings and the totals of each endpoint in `outcome`.

        `selection`: what it is about; `trace`: let observations name their flows, for an extraction. `progress` is
        called after each batch. `hash_key`: secrets seen in the clear are hashed with it; `why`: flow records say what
        decided the class. `marks`: what marks findings as waived or known. `workers`: threads that share the work (1 to
        64, else ValueError), one only with `trace`. `dns_state`: what an earlier core remembered of DNS;
        DnsOptionsError if damaged. `key_logs`: files with keys of sessions; raises KeyLogError for one that cannot be
        read. `reprobe`: what looks at endpoints whose certificates were hidden. `vpns`: site-to-site
        connections that were declared, to be held against the tunnels that are seen. `protect`: what has to be inside
        a tunnel, as prefixes (probe.values.protected). `gateway`: what a gateway knew of its IPsec, in the order
        of time.
        """
        self._paths = list(paths)
        self._engine = engine
        self._flows = flows
        self._parsers = load_core()
        self.core: Core = self._parsers.Core(
            flows=flows or reprobe is not None,
            endpoints=report,
            names=engine.names,
            exposed=engine.exposed,
            hash_key=hash_key,
            why=why,
            workers=workers,
        )
        self._workers = workers
        read_key_logs(self.core, key_logs)
        selection.apply(self.core)
        if policies := list(protect):
            self.core.protect(policies)
        self._gateway = self._know(tuple(gateway))
        if engine.dns.bytes_a_day != BYTES_A_DAY or engine.dns.resolvers or dns_state is not None:
            self._watch_dns(engine.dns, dns_state)
        self._selection = selection
        if trace:
            self.core.trace()
        self._trace = trace
        self._report = report
        self._vpns = tuple(vpns)
        self._marks = marks
        self._reprobe = reprobe
        self._progress = progress
        self._stopped = False
        self._reading = False
        self._drops: Counter[str] = Counter()
        self.outcome = Outcome(files=self._paths, selection=selection.record())
        self.read: list[str] = []
        """The files that could be opened."""

    def _know(self, states: tuple[State, ...]) -> Gateway | None:
        if not states:
            return None
        gateway = Gateway()
        for state in states:
            gateway.learn(state)
        self.core.tell_tunnels()
        self.core.protect(gateway.protected(), host=True)
        return gateway

    def _watch_dns(self, options: DnsOptions, state: bytes | None) -> None:
        try:
            self.core.watch_dns(bytes_a_day=options.bytes_a_day, servers=bool(options.resolvers), state=state)
        except ValueError as error:
            message = f"what was remembered of DNS cannot be read ({error}): delete the file to begin anew"
            raise DnsOptionsError(message) from None

    def stop(self) -> None:
        """End after the batch at hand; what was read so far is reported, marked as interrupted."""
        self._stopped = True

    def chunks(self) -> Iterator[bytes]:
        """JSON Lines: certificates and flows as they come, then the findings, the summary last."""
        for path, source in zip(self._paths, _sources(self._paths), strict=True):
            if self._stopped:
                break
            yield from self._file(path, source)
        self.outcome.interrupted = self._stopped
        self._hold_against_declared()
        yield from self._findings()
        self.outcome.marks = self._marks
        self.outcome.as_of = self._engine.as_of
        self.outcome.limits = self._engine.limits
        self.outcome.totals = {**msgspec.json.decode(self.core.totals()), "drops": dict(self._drops)}
        self._total_endpoints()
        yield summary_line(self.outcome)

    def open(self, path: str) -> "Capture":
        """Raises OSError and CaptureError."""
        capture: Capture = self._parsers.Capture(fd=0) if path in STANDARD_INPUT else self._parsers.Capture(path)
        return capture

    def another_core(self) -> "Core":
        """One that makes the same flows of the same files, and no records."""
        core: Core = self._parsers.Core(flows=False, names=self._engine.names, exposed=self._engine.exposed)
        self._selection.apply(core)
        return core

    def _hold_against_declared(self) -> None:
        seen = vpn_observations(self._vpns, self.outcome.tunnels)
        if self._gateway is not None:
            seen += self._gateway.observations(*self._span())
        if seen:
            batch = batch_of(seen, self._span()[1])
            self._engine.feed(batch, ", ".join(self.read))

    def _span(self) -> tuple[int, int]:
        """Seconds between which packets were captured."""
        totals = msgspec.json.decode(self.core.totals())
        begin, end = (dt.datetime.fromisoformat(totals[at]) if at in totals else None for at in ("start", "end"))
        return (math.ceil(begin.timestamp()), math.floor(end.timestamp())) if begin and end else (0, 0)

    def _findings(self) -> Iterator[bytes]:
        """The findings in parts, because those of a large capture need not be held at once."""
        report = self._engine.flush()
        self.outcome.by_severity = dict(report.against)
        self.outcome.not_observable = report.not_observable
        while lines := report.lines(FINDINGS_PER_CHUNK):
            if self._marks is not None:
                lines = self._marks.mark(lines)
            if self._report:
                self.outcome.findings += _FINDINGS.decode_lines(lines)
            yield lines
        if self._reprobe is not None:
            yield from self._reprobed(self._reprobe)

    def _reprobed(self, reprobe: Beside) -> Iterator[bytes]:
        """Findings from outside the packets count like the others."""
        counted = Counter(self.outcome.by_severity)
        for record in reprobe.records(lambda: self._stopped):
            line = msgspec.json.encode(record) + b"\n"
            if record["type"] == "finding":
                if self._marks is not None:
                    line = self._marks.mark(line)
                counted[record["severity"]] += record["status"] in {"warn", "fail"}
                if self._report:
                    self.outcome.findings += _FINDINGS.decode_lines(line)
            yield line
        self.outcome.by_severity = {severity: counted[severity] for severity in SEVERITIES[::-1] if counted[severity]}
        self.outcome.reprobed = dict(reprobe.counters)

    def _total_endpoints(self) -> None:
        for entry in self.core.endpoints():
            totals = self.outcome.endpoints.setdefault(entry.endpoint, EndpointTotals([]))
            if entry.protocol and entry.protocol not in totals.protocols:
                totals.protocols.append(entry.protocol)
            totals.flows += entry.flows
            totals.bytes += entry.bytes

    def _file(self, path: str, source: str) -> Iterator[bytes]:
        try:
            capture = self.open(path)
        except (OSError, self._parsers.CaptureError) as error:
            self.outcome.problems.append(Problem(path, why(error)))
            return
        self.read.append(path)
        self._reading = not self._stopped
        yield from self._one_by_one(path, source, capture) if self._workers == 1 else self._ahead(path, source, capture)
        yield from self._take(source)
        if capture.drops:
            self._drops["capture"] += capture.drops
        self.outcome.damaged += [Damage(path, offset, what) for offset, what in capture.damage]

    def _one_by_one(self, path: str, source: str, capture: "Capture") -> Iterator[bytes]:
        while self._step(path, capture, PACKETS_PER_BATCH):
            yield from self._take(source, observations=False)
            if self._progress is not None:
                self._progress(source, capture)

    def _ahead(self, path: str, source: str, capture: "Capture") -> Iterator[bytes]:
        """Judges and writes what came of a batch while the workers are at the next ones."""
        from concurrent.futures import ThreadPoolExecutor  # takes as long to load as a small capture takes to read

        batches: Queue[Batch | None] = Queue(BATCHES_AHEAD)
        abandoned = False

        def hand_over(batch: "Batch") -> bool:
            if not abandoned:
                batches.put(batch)
            return not (self._stopped or abandoned)

        def work() -> None:
            try:
                self.core.run(capture, PACKETS_AHEAD, FLOWS_PER_BATCH, hand_over)
            except OSError as error:
                self.outcome.problems.append(Problem(path, why(error)))
            finally:
                batches.put(None)

        with ThreadPoolExecutor(1, thread_name_prefix="workers") as pool:
            working = pool.submit(work)
            try:
                while batch := batches.get():
                    if self._progress is not None:
                        self._progress(source, capture)
                    yield from self._judged(batch, source)
                working.result()
            finally:
                abandoned = True
                while not working.done():
                    with suppress(Empty):
                        batches.get(timeout=MOMENT)

    def _step(self, path: str, capture: "Capture", packets: int) -> bool:
        """Packets while there are some, then flows that end with them; False once there is nothing left to do."""
        if self._reading:
            self._reading = self._feed(path, capture, packets) and not self._stopped
            return True
        return self.core.finish(FLOWS_PER_BATCH)

    def _feed(self, path: str, capture: "Capture", packets: int) -> bool:
        try:
            return self.core.feed(capture, packets)
        except OSError as error:
            self.outcome.problems.append(Problem(path, why(error)))
            return False

    def _take(self, source: str, *, observations: bool = True) -> Iterator[bytes]:
        yield from self._judged(self.core.take(observations=observations or self._trace), source)

    def _judged(self, batch: "Batch", source: str) -> Iterator[bytes]:
        if certificates := self._engine.feed(batch, source):
            if self._reprobe is not None:
                self._reprobe.see(certificates)
            yield certificates
        if records := batch.records:
            if self._reprobe is not None:
                self._reprobe.see(records)
            if self._flows:
                yield records
        if self._gateway is not None:
            self._gateway.see(batch.associations)
        if tunnels := batch.tunnels:
            if (self._report or self._vpns) and (left_out := add_tunnels(self.outcome.tunnels, tunnels)):
                self._drops["tunnel records"] += left_out
            if self._flows:
                yield tunnels


def replay(
    *paths: str | os.PathLike[str],
    policies: Iterable[str] = policy_files.DEFAULT,
    trust: Iterable[str] = (),
    crl: Iterable[str] = (),
    weak_keys: Iterable[str] = (),
    ct_logs: str | None = None,
    at: dt.datetime | None = None,
    passes: bool = False,
    hash_key: bytes | None = None,
    why: bool = False,
    dns: str | os.PathLike[str] | None = None,
    keylog: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    vpn: str | os.PathLike[str] | None = None,
    protect: Iterable[str] = (),
    gateway: str | os.PathLike[str] | None = None,
    filter: str | Iterable[str] = (),  # noqa: A002 - what it is called on the command line
    as_of: dt.date | None = None,
    expect: Iterable[str] = (),
    begin: dt.datetime | str | None = None,
    end: dt.datetime | str | None = None,
    workers: int = 1,
) -> Iterator[dict[str, Any]]:
    """Replay captures and yield their records (flow, certificate, finding, and one summary last) as dictionaries.

    `policies`: ids or files; `trust`: PEM files of roots besides the host's (`name=file` for a store with a
    name); `crl`: files of revocation lists; `weak_keys`: lists of keys that are weak, as openssl-blacklist has them;
    `ct_logs`: a log list of Google or Apple (JSON), for timestamps;
    `at`: judge certificates then (with a time zone), not at packet time; `passes`: also yield findings of status pass;
    `hash_key`: hash secrets seen in the clear with it (16 bytes or more); `why`: say in flow records what decided the
    class; `dns`: a file with options for DNS (probe.dns_options); `keylog`: SSLKEYLOGFILE files whose keys open TLS 1.3
    handshakes, or tables of keys of IKE and ESP; `vpn`: a file that declares site-to-site connections (probe.vpn);
    `protect`: networks whose traffic has to be inside a tunnel, such as `10.1.0.0/16,10.2.0.0/16`;
    `gateway`: a file that `transitproof gateway` wrote on the gateway where the capture is from;
    `as_of`: judge by the
    rules in force on that day, not on those of the packets; `expect`: names of
    security policies of AWS, such as ELBSecurityPolicy-TLS13-1-2-2021-06, that sessions are held against. `filter`:
    only flows for which this holds, such as `host 10.0.0.0/8 and not class tls`, all of several; `begin`, `end`: only
    packets from `begin` on and before `end`, UTC without a zone; text as after `--from` and `--to`. What could not be
    read is in the summary, under `unread` and `damaged`, and what was left out under `filtered`. `workers`: threads
    that share the work of large captures, 1 to 64 (else ValueError); the same records come in another order then.
    Raises PolicyError, TrustError, CrlError, KeyLogError, FilterError, DnsOptionsError, VpnError, GatewayError, and
    ValueError for text that is no time or no network.
    """
    moment = None if at is None else int(at.timestamp()) * NANOSECONDS
    options = DNS_OPTIONS if dns is None else load_dns_options(os.fspath(dns))
    store = Store(tuple(trust), crls=tuple(crl), weak_keys=tuple(weak_keys), ct_logs=ct_logs)
    judges = [*policy_files.load(policies), *(policy_files.expect(name) for name in expect)]
    engine = Engine(judges, store, at=moment, passes=passes, as_of=as_of, dns=options)
    selection = select(filter, begin, end)
    run = Replay(
        paths_of(paths),
        engine,
        selection=selection,
        hash_key=hash_key,
        why=why,
        workers=workers,
        key_logs=paths_of(keylog),
        vpns=() if vpn is None else load_vpns(os.fspath(vpn)),
        protect=protect,
        gateway=() if gateway is None else load_gateway(os.fspath(gateway)),
    )
    decode = msgspec.json.Decoder().decode_lines
    for chunk in run.chunks():
        yield from decode(chunk)


def paths_of(given: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[str]:
    """One path or several, as a list."""
    several = [given] if isinstance(given, str | os.PathLike) else given
    return [os.fspath(path) for path in several]


def _sources(paths: list[str]) -> list[str]:
    """Names of the captures in evidence: without the folder, unless two would then be called the same."""
    names = [os.path.basename(path) or path for path in paths]  # noqa: PTH119
    times = Counter(names)
    return [path if times[name] > 1 else name for path, name in zip(paths, names, strict=True)]


def why(error: Exception) -> str:
    """One line without the path, which is named beside it, and without the number that Rust adds."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    text = " ".join(re.sub(r"\(os error \d+\)$", "", text).split())
    return text[0].lower() + text[1:]

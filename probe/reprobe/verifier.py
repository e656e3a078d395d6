"""Endpoints are connected to, if the operator asked for it, and their answer is judged.

TLS 1.3 hides certificates, resumed sessions send none: then what is sent to us is all there is to judge, and its size
is held against what was sent to clients. Where their certificate could be read, ours is compared with it.

Only endpoints that were seen are tried, only inside the networks that were named, with the server name, the application
protocols (of the first client) and the STARTTLS protocol that were observed, one attempt for each name a day, and not
many in a second. What an endpoint sends to us now need not be what it sent then: the evidence is `reprobed`, never
`observed`.
"""

import datetime as dt
import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, TypedDict

import msgspec
from msgspec import Struct, field

from probe.bounded import Lru
from probe.checks.certificate_interception import compare
from probe.model import NANOSECONDS, EvidenceClass, Facts, Verdict, rfc3339
from probe.reprobe.fetch import ReprobeError, Seen, UnusableFileError, fetch
from probe.reprobe.flight import predicted
from probe.reprobe.records import finding, judged
from probe.reprobe.starttls import PROTOCOLS
from probe.trust.chain import Chains

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_TARGETS: Final = 4096  # endpoints and names in memory; the first met are kept, the others counted
MAX_COMPARED: Final = 8  # certificates, and sizes, of one endpoint and name that what it sends to us is compared with
PAUSE: Final = 0.1  # seconds between two attempts: nobody's server shall feel them
TIMEOUT: Final = 5.0  # seconds for one attempt
DAY: Final = 86_400.0


class _About(TypedDict):
    name: str | None
    evidence: EvidenceClass
    when: int


class _Tls(Struct):
    version: str | None = None
    suite: str = ""
    sni: str | None = None
    alpn_offered: list[str] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)
    resumed: bool = False
    server_flight: int | None = None


class _Flow(Struct):
    """What is needed of a flow record."""

    end: str
    dst_ip: str
    dst_port: int
    transport: str
    tls: _Tls | None = None
    starttls: str | None = None


class Target(Struct, frozen=True):
    """An endpoint as its clients spoke to it."""

    host: str
    port: int
    name: str | None
    starttls: str | None

    @property
    def endpoint(self) -> str:
        """As in findings."""
        return f"[{self.host}]:{self.port}/tcp" if ":" in self.host else f"{self.host}:{self.port}/tcp"


class _Sent(Struct):
    """What an endpoint sent to its clients, and to us."""

    alpn: tuple[str, ...]
    """What the first of them offered."""
    hidden: bool = False
    """There is something to judge that could not be read."""
    leaves: dict[str, str] = field(default_factory=dict)
    """Certificates that could be read, by SHA-256: when they were last seen."""
    flights: set[tuple[str, int]] = field(default_factory=set)
    """Suites, and sizes of what was hidden."""
    fetched: dict[str, Any] | None = None
    """Record of the certificate that it sent to us, once it was looked at."""
    compared: bool = True
    """Nothing came since that it is to be compared with."""


class Verifier:
    """Collects endpoints from flow records and looks at each, within bounds.

    `counters`: `tried`, `answered`, `failed`, and what was left out: `outside` the networks, `unsupported` ways to
    begin TLS, `full` memory. All count endpoints and names, but `outside`, which counts flows.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        chains: Chains,
        *,
        evidence: EvidenceClass = "reprobed",
        look: Callable[..., Seen] = fetch,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`look`: how the chain of an endpoint is had, as `fetch`; `evidence`: what that makes of it."""
        self._networks, self._chains, self.evidence = tuple(networks), chains, evidence
        self._look, self._clock, self._sleep = look, clock, sleep
        self._due: dict[Target, float] = {}
        self._sent: dict[Target, _Sent] = {}
        self._records: Lru[str, dict[str, Any]] = Lru(MAX_TARGETS)
        self.counters: Counter[str] = Counter()
        self.problems: list[str] = []
        """Of files that were named and cannot be used, each once."""
        self._decoder = msgspec.json.Decoder(_Flow)

    def see(self, records: bytes) -> None:
        """Remember the endpoints of flow records (JSON Lines), and what certificate records say."""
        for line in records.splitlines():
            if b'"class":"tls"' in line and b'"transport":"tcp"' in line:
                self._consider(self._decoder.decode(line))
            elif line.startswith(b'{"type":"certificate"'):
                record = msgspec.json.decode(line)
                self._records.put(record["sha256"], record)

    def _consider(self, flow: _Flow) -> None:
        tls = flow.tls
        if tls is None or tls.version is None:
            return
        self._note(Target(flow.dst_ip, flow.dst_port, tls.sni, flow.starttls), tls, flow.end)

    def observe(
        self, endpoint: str, name: str | None, facts: Mapping[str, Any], *, leaf: str | None = None, last_seen: int = 0
    ) -> None:
        """The same of a session that the live agent observed; `facts` with what the session told besides.

        `leaf`: SHA-256 of the certificate that was sent, if it could be read; `last_seen` in ns.
        """
        host, _, port = endpoint.removesuffix("/tcp").rpartition(":")
        if "tls.version" not in facts or not endpoint.endswith("/tcp") or not port.isdecimal():
            return
        tls = _Tls(
            suite=facts.get("tls.suite", ""),
            alpn_offered=facts.get("alpn_offered", []),
            certificates=[] if leaf is None else [leaf],
            resumed=facts.get("tls.resumed", False),
            server_flight=facts.get("server_flight"),
        )
        self._note(Target(host.strip("[]"), int(port), name, facts.get("starttls")), tls, rfc3339(last_seen))

    def _note(self, target: Target, tls: _Tls, end: str) -> None:
        sent = self._remember(target, tls.alpn_offered)
        if sent is None:
            return
        sent.hidden |= not tls.certificates
        if tls.certificates and (tls.certificates[0] in sent.leaves or len(sent.leaves) < MAX_COMPARED):
            leaf = tls.certificates[0]
            sent.compared &= leaf in sent.leaves
            sent.leaves[leaf] = max(sent.leaves.get(leaf, ""), end)
        elif tls.server_flight is not None and not tls.resumed and len(sent.flights) < MAX_COMPARED:
            sent.flights.add((tls.suite, tls.server_flight))

    def _remember(self, target: Target, alpn: Sequence[str]) -> _Sent | None:
        """What is known of it so far; None if it is left out."""
        if target in self._due:
            return self._sent[target]
        if not self._allowed(target.host):
            self.counters["outside"] += 1
        elif target.starttls is not None and target.starttls not in PROTOCOLS:
            self.counters["unsupported"] += 1
        elif len(self._due) >= MAX_TARGETS:
            self.counters["full"] += 1
        else:
            self._due[target] = 0.0
            return self._sent.setdefault(target, _Sent(tuple(alpn)))
        return None

    def _allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host)
        return any(address in network for network in self._networks)

    def records(self, stop: Callable[[], bool] = lambda: False) -> Iterator[dict[str, Any]]:
        """Look at each endpoint that is due; gives certificate and finding records.

        An endpoint that does not answer is counted and tried again the next day. Ends early once `stop()`.
        """
        for target, due in list(self._due.items()):
            now = self._clock()
            if due > now:
                yield from self._compare(target)
                continue
            if stop():
                return
            self._due[target] = now + DAY
            if self.counters["tried"]:
                self._sleep(PAUSE)
            yield from self._one(target)

    def _one(self, target: Target) -> Iterator[dict[str, Any]]:
        self.counters["tried"] += 1
        sent = self._sent[target]
        asked = {"sni": target.name or "", "alpn": sent.alpn, "starttls": target.starttls, "timeout": TIMEOUT}
        try:
            seen = self._look(target.host, target.port, **asked)
        except ReprobeError as error:
            self.counters["failed"] += 1
            if isinstance(error, UnusableFileError) and str(error) not in self.problems:
                self.problems.append(str(error))
            return
        self.counters["answered"] += 1
        records = list(
            judged(self._chains, seen.chain, target.endpoint, **self._about(target), besides=_fits(sent, seen))
        )
        if sent.hidden:
            yield from records
        if seen.chain:
            sent.fetched, sent.compared = self._chains.record(sha256(seen.chain[0]).hexdigest()), False
        yield from self._compare(target)

    def _about(self, target: Target) -> _About:
        when = int(dt.datetime.fromtimestamp(self._clock(), dt.UTC).timestamp()) * NANOSECONDS
        return {"name": target.name, "evidence": self.evidence, "when": when}

    def _compare(self, target: Target) -> Iterator[dict[str, Any]]:
        """What clients were sent, held against what was sent to us. A file of this host would tell nothing of that."""
        sent = self._sent[target]
        if sent.compared or sent.fetched is None or self.evidence != "reprobed":
            return
        sent.compared = True
        if (differs := self._differs(sent, sent.fetched)) is not None:
            yield finding(differs, target.endpoint, **self._about(target))

    def _differs(self, sent: _Sent, fetched: dict[str, Any]) -> Verdict | None:
        """The latest certificate that clients were sent and that is not this one, if it is of somebody else."""
        if fetched["sha256"] in sent.leaves:
            return None
        for leaf, last_seen in sorted(sent.leaves.items(), key=lambda one: one[1], reverse=True):
            record = self._records.get(leaf)
            if record is not None and (verdict := compare(record, fetched, last_seen)) is not None:
                return verdict
        return None


def _fits(sent: _Sent, seen: Seen) -> Facts:
    """Whether the chain is as long as what was hidden from us."""
    predictions = [(size, predicted(seen.chain, suite)) for suite, size in sorted(sent.flights)]
    known = [(size, expected) for size, expected in predictions if expected is not None]
    if not known:
        return {}
    size, expected = next(((size, range_) for size, range_ in known if size in range_), known[0])
    word = "fits" if size in expected else "longer" if size >= expected.stop else "shorter"
    return {"flight": word, "flight_bytes": size, "flight_predicted": [expected.start, expected.stop - 1]}

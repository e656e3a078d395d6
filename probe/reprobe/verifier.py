"""Endpoints whose certificates were hidden are connected to, if the operator asked for it, and their answer is judged.

TLS 1.3 hides certificates, resumed sessions send none. Only endpoints that were seen are tried, only inside the
networks that were named, with the server name, the application protocols and the STARTTLS protocol that their clients
used, one attempt for each of those a day, and not many in a second. What an endpoint sends to us now need not be what
it sent then: the evidence is `reprobed`, never `observed`.
"""

import datetime as dt
import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from probe.model import NANOSECONDS, EvidenceClass
from probe.reprobe.fetch import ReprobeError, Seen, fetch
from probe.reprobe.records import judged
from probe.reprobe.starttls import PROTOCOLS
from probe.trust.chain import Chains

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_TARGETS: Final = 4096  # endpoints and names in memory; the first met are kept, the others counted
PAUSE: Final = 0.1  # seconds between two attempts: nobody's server shall feel them
TIMEOUT: Final = 5.0  # seconds for one attempt
DAY: Final = 86_400.0


class _Tls(Struct):
    version: str | None = None
    sni: str | None = None
    alpn_offered: list[str] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)


class _Flow(Struct):
    """What is needed of a flow record."""

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
    alpn: tuple[str, ...]
    starttls: str | None

    @property
    def endpoint(self) -> str:
        """As in findings."""
        return f"[{self.host}]:{self.port}/tcp" if ":" in self.host else f"{self.host}:{self.port}/tcp"


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
        self.counters: Counter[str] = Counter()
        self._decoder = msgspec.json.Decoder(_Flow)

    def see(self, records: bytes) -> None:
        """Remember the endpoints of flow records (JSON Lines) whose certificates are hidden."""
        for line in records.splitlines():
            if b'"class":"tls"' in line and b'"transport":"tcp"' in line:
                self._consider(self._decoder.decode(line))

    def _consider(self, flow: _Flow) -> None:
        tls = flow.tls
        if tls is None or tls.version is None or tls.certificates:
            return
        self._remember(Target(flow.dst_ip, flow.dst_port, tls.sni, tuple(tls.alpn_offered), flow.starttls))

    def observe(self, endpoint: str, name: str | None, facts: Mapping[str, Any]) -> None:
        """The same of an observation of the live agent."""
        host, _, port = endpoint.removesuffix("/tcp").rpartition(":")
        hidden = facts.get("tls.version") == "TLSv1.3" or facts.get("tls.resumed")
        if not hidden or facts.get("tls.keys") == "fit" or not endpoint.endswith("/tcp") or not port.isdecimal():
            return
        alpn = facts.get("tls.alpn_offered", ())
        self._remember(Target(host.strip("[]"), int(port), name, tuple(alpn), facts.get("starttls")))

    def _remember(self, target: Target) -> None:
        if target in self._due:
            return
        if not self._allowed(target.host):
            self.counters["outside"] += 1
        elif target.starttls is not None and target.starttls not in PROTOCOLS:
            self.counters["unsupported"] += 1
        elif len(self._due) >= MAX_TARGETS:
            self.counters["full"] += 1
        else:
            self._due[target] = 0.0

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
                continue
            if stop():
                return
            self._due[target] = now + DAY
            if self.counters["tried"]:
                self._sleep(PAUSE)
            yield from self._one(target)

    def _one(self, target: Target) -> Iterator[dict[str, Any]]:
        self.counters["tried"] += 1
        asked = {"sni": target.name or "", "alpn": target.alpn, "starttls": target.starttls, "timeout": TIMEOUT}
        try:
            seen = self._look(target.host, target.port, **asked)
        except ReprobeError:
            self.counters["failed"] += 1
            return
        self.counters["answered"] += 1
        when = int(dt.datetime.fromtimestamp(self._clock(), dt.UTC).timestamp()) * NANOSECONDS
        yield from judged(
            self._chains, seen.chain, target.endpoint, name=target.name, evidence=self.evidence, when=when
        )

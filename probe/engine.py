"""The sans-IO heart: batches of observations in, findings out.

No sockets, files, clock or threads; time comes with the packets. Whatever depends on the facts alone is worked out once
for each distinct set of facts; only certificate chains also depend on the time and the name. Judging what was judged
before costs a lookup, so a capture's cost is that of its distinct observations, not of its flows.
"""

import re
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from probe.bounded import Lru
from probe.checks import DETECTORS
from probe.model import (
    SAMPLES,
    SEVERITIES,
    Certificate,
    Evidence,
    Facts,
    Finding,
    Verdict,
    finding_uid,
    severity_rank,
)
from probe.policy.rules import derive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe._parsers import Batch, Observation
    from probe.policy.load import Policy
    from probe.trust.chain import Chains
    from probe.trust.store import Store

MAX_FACTS: Final = 65_536  # distinct sets of facts remembered, some 2 kB each; a forgotten one is judged again
MAX_FINDINGS: Final = 262_144  # findings kept until flush, some 1.5 kB each; beyond, new ones are counted only


_VARIED: Final = ("tls.sni", "tls.alpn", "tls.certificates", "tls.client_certificates")
"""Facts that differ from server to server and that hardly a rule judges: without them few distinct sets are left."""
_CHAIN: Final = re.compile(rb'"tls\.certificates":\["([^\]]+)"\]')
"""The chain in the encoded facts. A quote inside a string is escaped there, so this cannot be part of one."""

_Verdicts = tuple[tuple[bytes, Verdict], ...]  # with the identity of each, so that it is worked out once


class _Judged(Struct, frozen=True):
    """What is known about a set of facts."""

    verdicts: _Verdicts
    chain: tuple[str, ...] | None


class _Open:
    """A finding that is still counted up."""

    __slots__ = ("count", "endpoint", "first_seen", "flows", "frames", "last_seen", "name", "verdict")

    def __init__(
        self, verdict: Verdict, endpoint: str, name: str | None, observation: "Observation", frames: list[str]
    ) -> None:
        self.verdict = verdict
        self.endpoint = endpoint
        self.name = name
        self.count = observation.count
        self.first_seen = observation.first_seen
        self.last_seen = observation.last_seen
        self.flows = observation.flows[:SAMPLES]
        self.frames = frames[:SAMPLES]

    def add(self, observation: "Observation", frames: list[str]) -> None:
        """Count another observation; `frames` are its own with the capture's name."""
        self.count += observation.count
        self.first_seen = min(self.first_seen, observation.first_seen)
        self.last_seen = max(self.last_seen, observation.last_seen)
        if len(self.flows) < SAMPLES:
            self.flows += [flow for flow in observation.flows if flow not in self.flows][: SAMPLES - len(self.flows)]
        if len(self.frames) < SAMPLES:
            self.frames += [frame for frame in frames if frame not in self.frames][: SAMPLES - len(self.frames)]

    def finding(self) -> Finding:
        """As it stands."""
        return Finding(
            uid=finding_uid(self.verdict, self.endpoint, self.name),
            verdict=self.verdict,
            endpoint=self.endpoint,
            name=self.name,
            count=self.count,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            evidence=Evidence(self.verdict.evidence, self.flows, self.frames),
        )


class Engine:
    """Judges observations by the checks and the given policies, chains against the given store."""

    def __init__(
        self, policies: "Iterable[Policy]", store: "Store", *, at: int | None = None, passes: bool = False
    ) -> None:
        """`at`: judge certificates at this time (ns) rather than that of the packets.

        `passes`: also report what is in order.
        """
        self.policies = tuple(policies)
        self.limits: dict[str, int] = {}
        """Limits of the engine that were hit, and how often."""
        self._store = store
        self._at = at
        self._passes = passes
        self._chains: Chains | None = None
        self._facts: Lru[int, _Judged] = Lru(MAX_FACTS)
        self._verdicts: Lru[bytes, _Verdicts] = Lru(MAX_FACTS)
        self._varying = _varying(self.policies)
        self._chain_verdicts: Lru[object, _Verdicts] = Lru(MAX_FACTS)
        self._open: dict[tuple[bytes, str, str | None], _Open] = {}

    def feed(self, batch: "Batch", source: str) -> list[Certificate]:
        """Judge a batch taken from the capture `source`; gives the records of the certificates that are new in it."""
        records = []
        for sha256, der in batch.certificates:
            records.append(self._trust().add(sha256, der).record)
        for observation in batch.observations:
            judged = self._facts.get(observation.facts_id)
            if judged is None:
                judged = self._facts.put(observation.facts_id, self._judge(observation.facts))
            verdicts = judged.verdicts
            if judged.chain is not None:
                verdicts += self._judge_chain(judged.chain, observation)
            if verdicts:
                self._count(verdicts, observation, source)
        return records

    def flush(self) -> list[Finding]:
        """The findings since the last flush, the worst first, in an order that does not depend on how they came."""
        if self._chains is not None and self._chains.forgotten:
            self.limits["certificates"] = self._chains.forgotten
        findings = [entry.finding() for entry in self._open.values()]
        self._open.clear()
        rank = {severity: -severity_rank(severity) for severity in SEVERITIES}
        findings.sort(key=lambda f: (rank[f.verdict.severity], f.verdict.check, f.endpoint, f.uid))
        return findings

    @property
    def roots(self) -> tuple[str, ...] | None:
        """The files whose roots chains were judged against; None if there was no chain to judge."""
        return None if self._chains is None else self._store.sources

    def _judge(self, encoded: bytes) -> _Judged:
        alike = encoded if self._varying is None else self._varying.sub(rb'"\1":0', encoded)
        verdicts = self._verdicts.get(alike)
        if verdicts is None:
            verdicts = self._verdicts.put(alike, _identified(self._ask(derive(msgspec.json.decode(encoded)))))
        chain = _CHAIN.search(encoded)
        return _Judged(verdicts, None if chain is None else tuple(chain[1].decode().split('","')))

    def _ask(self, facts: Facts) -> list[Verdict]:
        """What checks and policies say of facts alone."""
        verdicts = [verdict for detector in DETECTORS for verdict in detector(facts) if self._wanted(verdict)]
        for policy in self.policies:
            verdicts += policy.judge(facts, passes=self._passes)
        if facts.get("class") == "tls" and not facts.get("tls.certificates"):
            from probe.checks.certificate_chain import not_observable

            hidden = not_observable(facts)
            verdicts += [] if hidden is None else [hidden]
        return verdicts

    def _judge_chain(self, chain: tuple[str, ...], observation: "Observation") -> _Verdicts:
        when = observation.first_seen if self._at is None else self._at
        judgements = self._trust().judge(chain, observation.name, when)
        verdicts = self._chain_verdicts.get(judgements)
        if verdicts is None:
            from probe.checks.certificate_chain import of_judgement

            by_reason = {judgement.reason: judgement for judgement in reversed(judgements)}
            found = [of_judgement(judgement) for judgement in reversed(by_reason.values())]
            verdicts = self._chain_verdicts.put(judgements, _identified(filter(self._wanted, found)))
        return verdicts

    def _wanted(self, verdict: Verdict) -> bool:
        return self._passes or verdict.status != "pass"

    def _trust(self) -> "Chains":
        if (
            self._chains is None
        ):  # imported with the first certificate: X.509 takes longer to import than a small capture to read
            from probe.trust.chain import Chains

            self._chains = Chains(self._store)
        return self._chains

    def _count(self, verdicts: _Verdicts, observation: "Observation", source: str) -> None:
        endpoint, name = observation.endpoint, observation.name
        frames = [f"{source}#{number}" for number in observation.frames]
        for identity, verdict in verdicts:
            key = (identity, endpoint, name)
            entry = self._open.get(key)
            if entry is not None:
                entry.add(observation, frames)
            elif len(self._open) < MAX_FINDINGS:
                self._open[key] = _Open(verdict, endpoint, name, observation, frames)
            else:
                self.limits["findings"] = self.limits.get("findings", 0) + 1


def _varying(policies: "Iterable[Policy]") -> re.Pattern[bytes] | None:
    """Finds the facts that vary and that no rule mentions, unless they are empty."""
    mentioned = {fact for policy in policies for rule in policy.rules for fact in rule.mentions}
    free = b"|".join(re.escape(fact.encode()) for fact in _VARIED if fact not in mentioned)
    return re.compile(rb'"(%b)":(?:"(?:[^"\\]|\\.)+"|\[[^\]]+\])' % free) if free else None


def _identified(verdicts: "Iterable[Verdict]") -> _Verdicts:
    return tuple((verdict.identity, verdict) for verdict in verdicts)

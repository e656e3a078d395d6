"""The sans-IO heart: batches of observations in, findings out.

No sockets, files, clock or threads; time comes with the packets. The ledger in the core counts observations onto
verdicts and asks about what it has not met before: distinct sets of facts, and chains at a time. Those questions are
answered here, so a capture's cost is that of its distinct facts and chains, not of its flows, endpoints or names.
"""

import datetime as dt
from types import ModuleType
from typing import TYPE_CHECKING, Final

import msgspec

from probe.checks import DETECTORS, HISTORIES, dns_resolver, plaintext_after_tls
from probe.checks.certificate_chain import WORDINGS, not_observable
from probe.checks.policy_contradiction import contradictions
from probe.dns_options import DnsOptions
from probe.model import LAST_SECOND, NANOSECONDS, Facts, Verdict
from probe.policy.rules import derive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from probe import _parsers
    from probe.policy.load import Policy
    from probe.trust.chain import Chains
    from probe.trust.store import Store

VARIED: Final = frozenset(
    (
        *("tls.sni", "tls.alpn", "tls.certificates", "tls.client_certificates"),
        *("tls.groups_offered", "tls.psk_modes_offered"),
    )
)
"""Facts that differ from peer to peer and that hardly a rule judges: without them few distinct sets are left."""

DNS_OPTIONS: Final = DnsOptions()


def load_core() -> ModuleType:
    """The packet-parsing core, loaded with the first engine: what needs no packets works without it."""
    from probe import _parsers

    return _parsers


def batch_of(seen: "Iterable[tuple[str, Facts]]", second: int) -> "_parsers.Batch":
    """Observations that are not the core's, of this second since the epoch: where, and the facts."""
    parsers, when = load_core(), second * NANOSECONDS
    batch: _parsers.Batch = parsers.Batch(
        observations=[
            parsers.Observation(msgspec.json.encode(facts), where, first_seen=when, last_seen=when)
            for where, facts in seen
        ]
    )
    return batch


class Engine:
    """Judges observations by the checks and the given policies, chains against the given store."""

    def __init__(
        self,
        policies: "Iterable[Policy]",
        store: "Store",
        *,
        at: int | None = None,
        passes: bool = False,
        as_of: dt.date | None = None,
        dns: DnsOptions = DNS_OPTIONS,
    ) -> None:
        """`at`: judge certificates at this time (ns) rather than that of the packets.

        `as_of`: judge by the rules in force on this day, not on those of the packets. `passes`: also report what is in
        order. `dns`: what is known of the network's DNS.
        """
        self.policies = tuple(policies)
        self.names = any(VARIED & rule.mentions for policy in self.policies for rule in policy.rules)
        """Whether the core must tell observations apart by names and chains in their facts."""
        self.exposed = any("pq.exposed" in rule.mentions for policy in self.policies for rule in policy.rules)
        """Whether the core must say how much a quantum computer could read."""
        self.limits: dict[str, int] = {}
        """Limits of the engine that were hit, and how often."""
        self.dns = dns
        self._store = store
        self._passes = passes
        self.as_of = as_of
        self._chains: Chains | None = None
        self._trusts = False
        self._parsers = load_core()
        if store.weak_keys:
            store.known(self._parsers)  # an unusable list is told at once
        eras = (
            []
            if as_of is not None
            else [
                int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
                for policy in self.policies
                for rule in policy.rules
                for day in rule.days
            ]
        )
        self._ledger: _parsers.Ledger = self._parsers.Ledger(WORDINGS, passes=passes, at=at, eras=sorted(set(eras)))

    def feed(self, batch: "_parsers.Batch", source: str) -> bytes:
        """Judge a batch taken from the capture `source`; gives the records of the certificates that are new in it."""
        ledger = self._ledger
        if batch.has_certificates and not self._trusts:
            ledger.trust(self._store.for_core(self._parsers))
            self._trusts = True
        records = batch.certificate_records
        if odd := batch.odd_certificates:
            records += self._trust().read(odd)
        ledger.add(batch, source)
        for number, facts, second in ledger.facts():
            seen = msgspec.json.decode(facts)
            verdicts = self._judge(seen, self.as_of or _day(second))
            ledger.answer_facts(
                number, [self._compiled(verdict) for verdict in verdicts], plaintext_after_tls.word(seen)
            )
        while (question := ledger.next_chain()) is not None:
            number, chain, name, second = question
            chains, when = self._trust(), second * NANOSECONDS
            reasons = [msgspec.structs.astuple(judgement) for judgement in chains.judge(tuple(chain), name, when)]
            ledger.answer_chain(number, reasons, *chains.period(tuple(chain), when))
        ledger.settle()
        return records

    def flush(self) -> "_parsers.Report":
        """The findings since the last flush, the worst first, in an order that does not depend on how they came."""
        for number, kind, facts in self._ledger.histories():
            history = self._readable(msgspec.json.decode(facts))
            verdicts = [verdict for judge in HISTORIES[kind] for verdict in judge(history)]
            self._ledger.answer_history(number, [self._compiled(verdict) for verdict in verdicts])
        self.limits = self._ledger.limits
        return self._ledger.take()

    def inherit(self, other: "Engine") -> None:
        """Take over the certificates of one that judged before, since cores hand out each once."""
        self._ledger.inherit(other._ledger)  # noqa: SLF001 - one of its own kind
        if other._trusts:  # noqa: SLF001
            self._ledger.trust(self._store.for_core(self._parsers))
            self._trusts = True

    def trace(self, uid: str) -> None:
        """Keep the flows of the finding whose uid begins with `uid`, for `extraction`."""
        self._ledger.trace(uid)

    def extraction(self, core: "_parsers.Core", descriptor: int) -> "_parsers.Extraction":
        """What writes the packets of those flows, as `core` traced them."""
        extraction: _parsers.Extraction = self._parsers.Extraction(core, self._ledger, descriptor)
        return extraction

    @property
    def roots(self) -> tuple[str, ...] | None:
        """The files whose roots chains were judged against; None if there was no chain to judge."""
        return self._store.sources if self._trusts else None

    def _judge(self, seen: Facts, day: dt.date) -> list[Verdict]:
        """What checks and policies say of facts alone. Of a client's chain there is only the chain to judge."""
        if "role" in seen:
            return []
        facts = derive(seen)
        verdicts = [self._known(verdict) for detector in DETECTORS for verdict in detector(facts)]
        verdicts += dns_resolver.judge(facts, self.dns.resolvers)
        for policy in self.policies:
            verdicts += policy.judge(facts, passes=self._passes, day=day)
        verdicts += contradictions(self.policies, facts, verdicts, day)
        if (hidden := not_observable(facts)) is not None:
            verdicts.append(hidden)
        if (evidence := seen.get("evidence")) is not None:
            # The facts themselves say how they came to be known.
            verdicts = [msgspec.structs.replace(verdict, evidence=evidence) for verdict in verdicts]
        return verdicts

    def _readable(self, history: Facts) -> Facts:
        """With the records of those certificates that the core does not read."""
        for seen in history.get("certificates", ()):
            if "subject" not in seen["certificate"]:
                seen["certificate"] = self._trust().record(seen["certificate"]["sha256"])
        return history

    def _known(self, verdict: Verdict) -> Verdict:
        """Whether the operator knows of it: then it is in order, with the reason."""
        details = verdict.details
        if not self.dns.suppress or details is None or "domain" not in details:
            return verdict
        known = self.dns.suppressed(details["client"], details["domain"], details["first_alert"])
        if known is None:
            return verdict
        observed = {**verdict.observed, "suppressed": known.reason, "suppressed_until": known.until.isoformat()}
        return msgspec.structs.replace(verdict, status="pass", severity="info", observed=observed)

    def _compiled(self, verdict: Verdict) -> "_parsers.Verdict":
        encode = msgspec.json.encode
        compiled: _parsers.Verdict = self._parsers.Verdict(
            verdict.check,
            verdict.status,
            verdict.severity,
            verdict.title,
            encode(verdict.observed),
            encode(verdict.key, order="sorted"),
            details=encode(verdict.details) if verdict.details else None,
            remediation=verdict.remediation,
            policy=verdict.policy,
            rule=verdict.rule,
            clause=verdict.clause,
            evidence=verdict.evidence,
            public_only=verdict.public_only,
        )
        return compiled

    def _trust(self) -> "Chains":
        if self._chains is None:
            # Imported for what the core cannot tell alone: X.509 takes longer to import than a small capture to read.
            from probe.trust.chain import Chains

            self._chains = Chains(self._store, self._ledger.certificate, self._parsers)
        return self._chains


def _day(second: int) -> dt.date:
    """The UTC day of a second; damaged times beyond 9999 are of the last day."""
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=min(second, LAST_SECOND))).date()

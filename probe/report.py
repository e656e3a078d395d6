"""The record contract: findings, certificates and the summary as JSON, keys in the contract's order, one object a line.

Flow records are not made here: the core serialises them. Absent means not seen; there are no nulls.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from probe.model import SEVERITIES, Certificate, Finding, Verdict, rfc3339

_ENCODER: Final = msgspec.json.Encoder()


class Damage(Struct, frozen=True):
    """What in an input could not be read."""

    file: str
    offset: int
    """Bytes from the beginning of the uncompressed capture."""
    what: str


class Problem(Struct, frozen=True):
    """An input that could not be read at all, or not to its end."""

    file: str
    what: str


class EndpointTotals(Struct):
    """What an endpoint's flows come to."""

    protocols: list[str]
    flows: int = 0
    bytes: int = 0


class Outcome(Struct, kw_only=True):
    """Everything that a replay found out, for the faces; filled in as it goes."""

    files: list[str]
    findings: list[Finding] = field(default_factory=list)
    totals: dict[str, Any] = field(default_factory=dict)
    """The core's counters: packets, bytes, flows, by_class, drops, …"""
    limits: dict[str, int] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    interrupted: bool = False
    endpoints: dict[str, EndpointTotals] = field(default_factory=dict)
    """Every endpoint that was seen; empty unless asked for."""

    def by_severity(self) -> dict[str, int]:
        """Number of findings that are warn or fail, the worst first; severities that did not occur are left out."""
        counts = dict.fromkeys(reversed(SEVERITIES), 0)
        for finding in self.findings:
            if finding.verdict.status in ("warn", "fail"):
                counts[finding.verdict.severity] += 1
        return {severity: count for severity, count in counts.items() if count}


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding as the contract writes it."""
    verdict = finding.verdict
    record = {
        "type": "finding",
        "uid": finding.uid,
        "check": verdict.check,
        "status": verdict.status,
        "severity": verdict.severity,
        "policy": verdict.policy,
        "rule": verdict.rule,
        "clause": verdict.clause,
        "title": verdict.title,
        "endpoint": finding.endpoint,
        "name": finding.name,
        "observed": verdict.observed,
        "count": finding.count,
        "first_seen": rfc3339(finding.first_seen),
        "last_seen": rfc3339(finding.last_seen),
        "evidence": finding.evidence,
        "remediation": verdict.remediation,
    }
    return {key: value for key, value in record.items() if value is not None}


def summary_record(outcome: Outcome) -> dict[str, Any]:
    """The last record: what was read, what was found, and what was not seen."""
    totals = outcome.totals
    first = ("start", "end", "packets", "bytes", "flows", "by_class", "other")
    record: dict[str, Any] = {"type": "summary"}
    record.update((key, totals[key]) for key in first if key in totals)
    record["findings"] = outcome.by_severity()
    record["not_observable"] = sum(finding.verdict.status == "not_observable" for finding in outcome.findings)
    record["drops"] = totals.get("drops", {})
    record["limits"] = _added(totals.get("limits", {}), outcome.limits)
    record["malformed"] = totals.get("malformed", {})
    record["damaged"] = outcome.damaged
    if outcome.problems:
        record["unread"] = outcome.problems
    if outcome.interrupted:
        record["interrupted"] = True
    return record


def certificate_lines(certificates: Iterable[Certificate]) -> bytes:
    """Certificate records as JSON Lines."""
    return _ENCODER.encode_lines(certificates)


def finding_lines(findings: Iterable[Finding]) -> bytes:
    """Finding records as JSON Lines: the bytes of `finding_record` encoded.

    A capture has few verdicts and many findings, so what a verdict says is encoded once.
    """
    said: dict[Verdict, tuple[bytes, bytes, bytes]] = {}
    encode = _ENCODER.encode
    lines = []
    for finding in findings:
        parts = said.get(finding.verdict)
        if parts is None:
            parts = said[finding.verdict] = _said(finding)
        named = b"" if finding.name is None else b',"name":' + encode(finding.name)
        times = f'"first_seen":"{rfc3339(finding.first_seen)}","last_seen":"{rfc3339(finding.last_seen)}"'.encode()
        lines.append(
            b'{"type":"finding","uid":"%b",%b,"endpoint":%b%b,%b,"count":%d,%b,"evidence":%b%b}\n'
            % (
                *(finding.uid.encode(), parts[0], encode(finding.endpoint), named, parts[1]),
                *(finding.count, times, encode(finding.evidence), parts[2]),
            )
        )
    return b"".join(lines)


def _said(finding: Finding) -> tuple[bytes, bytes, bytes]:
    """The members that a verdict fills: those before the endpoint, the observed facts, the last ones."""
    record = finding_record(finding)
    observed = _members(record, ("observed",))
    last = _members(record, ("remediation",))
    first = _members(record, ("check", "status", "severity", "policy", "rule", "clause", "title"))
    return first, observed, b"," + last if last else b""


def _members(record: dict[str, Any], names: tuple[str, ...]) -> bytes:
    return _ENCODER.encode({name: record[name] for name in names if name in record})[1:-1]


def summary_line(outcome: Outcome) -> bytes:
    """The summary as a line."""
    return _ENCODER.encode_lines([summary_record(outcome)])


def _added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {**first, **{name: first.get(name, 0) + count for name, count in second.items()}}

"""The record contract: what a replay comes to, and the summary as JSON, keys in the contract's order.

Flow records, certificates and findings are not made here: the core serialises them. Absent means not seen; there are no
nulls.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from probe.marks import Marks
from probe.model import Finding
from probe.tunnels import Tunnels

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
    """The worst first; empty unless asked for."""
    by_severity: dict[str, int] = field(default_factory=dict)
    """Findings that are warn or fail, the worst first; severities that did not occur are left out."""
    not_observable: int = 0
    """Findings that say that something could not be observed."""
    totals: dict[str, Any] = field(default_factory=dict)
    """The core's counters: packets, bytes, flows, by_class, drops, …"""
    limits: dict[str, int] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    interrupted: bool = False
    as_of: dt.date | None = None
    """The day whose rules were asked for; those of the packets' own days if none."""
    marks: Marks | None = None
    """What was waived, and what was known before."""
    selection: dict[str, Any] = field(default_factory=dict)
    """What was asked for: filter, from, until; empty for everything."""
    reprobed: dict[str, int] = field(default_factory=dict)
    """What became of endpoints that were connected to; empty unless asked for."""
    endpoints: dict[str, EndpointTotals] = field(default_factory=dict)
    """Every endpoint that was seen; empty unless asked for."""
    tunnels: Tunnels = field(default_factory=dict)
    """Of IKE, ESP and AH; empty unless asked for."""


def summary_record(outcome: Outcome) -> dict[str, Any]:
    """The last record: what was read, what was found, and what was not seen."""
    totals = outcome.totals
    first = ("start", "end", "packets", "bytes", "flows", "by_class", "other")
    record: dict[str, Any] = {"type": "summary"}
    record.update((key, totals[key]) for key in first if key in totals)
    record["findings"] = outcome.by_severity
    record["not_observable"] = outcome.not_observable
    record.update(_marked(outcome))
    record["drops"] = totals.get("drops", {})
    record["limits"] = _added(totals.get("limits", {}), outcome.limits)
    record["malformed"] = totals.get("malformed", {})
    record["damaged"] = outcome.damaged
    if "keys" in totals:
        record["keys"] = totals["keys"]
    if outcome.selection:
        record["filtered"] = {**outcome.selection, **totals.get("filtered", {})}
    if outcome.reprobed:
        record["reprobed"] = outcome.reprobed
    if outcome.problems:
        record["unread"] = outcome.problems
    if outcome.interrupted:
        record["interrupted"] = True
    return record


def _marked(outcome: Outcome) -> dict[str, Any]:
    record: dict[str, Any] = {}
    if outcome.as_of is not None:
        record["as_of"] = outcome.as_of
    if (marks := outcome.marks) is not None:
        record["marked"] = {"waived": marks.waived, "baseline": marks.known, "open": dict(marks.open)}
        if marks.expired:
            record["marked"]["expired"] = marks.expired
    return record


def summary_line(outcome: Outcome) -> bytes:
    """The summary as a line."""
    return _ENCODER.encode_lines([summary_record(outcome)])


def _added(first: Mapping[str, int], second: Mapping[str, int]) -> dict[str, int]:
    return {**first, **{name: first.get(name, 0) + count for name, count in second.items()}}

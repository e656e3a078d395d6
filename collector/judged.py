"""Endpoints against the shipped standards on a day of choice, from how they were seen to protect what they carry. Pure.

Findings say what was wrong by the rules of the day on which it was seen; this says what will be wrong by the rules of
another day. Rules are left out that ask for facts which postures do not hold.
"""

import datetime as dt
import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from probe.model import SEVERITIES
from probe.policy.load import Policy, load
from probe.policy.rules import DERIVED, derive
from probe.postures import FACTS

KNOWN: Final = frozenset((*FACTS, *(name for name, of in DERIVED.items() if of in FACTS)))
MAX_ENDPOINTS: Final = 200  # shown; the others are counted


Said = tuple[str, str, int]
"""Policy, title of what is wrong (empty: a rule is met), index of the severity."""


class Cell(Struct):
    """What one policy says of one endpoint."""

    worst: int = -1
    """Index into SEVERITIES; -1: nothing is wrong."""
    count: int = 0
    met: int = 0
    """Rules that were met."""
    titles: list[str] = []


class Matrix(Struct):
    """Endpoints against policies."""

    policies: list[str]
    rows: list[dict[str, Any]]
    """`endpoint`, and `cells` by policy; the worst endpoints first."""
    left_out: int
    unjudged: int
    """Endpoints of which no rule says anything."""
    more: bool = False
    """Whether more are left out than were counted."""


@functools.cache
def policies() -> tuple[Policy, ...]:
    """The shipped ones."""
    return tuple(load(["all"]))


def matrix(postures: Iterable[Mapping[str, Any]], day: dt.date, judges: Iterable[Policy]) -> Matrix:
    """`postures`: rows with `endpoint` and `facts`."""
    places: dict[str, dict[str, Cell]] = {}
    judging, known = list(judges), dict[bytes, list[Said]]()
    for posture in postures:
        cells = places.setdefault(posture["endpoint"], {})
        facts = msgspec.json.encode(posture["facts"], order="deterministic")
        if facts not in known:  # a fleet has few ways to negotiate, and many endpoints
            known[facts] = [*said(posture["facts"], day, judging)]
        for policy_id, title, severity in known[facts]:
            cell = cells.get(policy_id)
            if cell is None:
                cell = cells[policy_id] = Cell(titles=[])
            if not title:
                cell.met += 1
            elif title not in cell.titles:
                cell.count += 1
                cell.worst = max(cell.worst, severity)
                cell.titles.append(title)
    worst = {endpoint: max((cell.worst for cell in cells.values()), default=-1) for endpoint, cells in places.items()}
    judged = [endpoint for endpoint, cells in places.items() if cells]
    order = sorted(judged, key=lambda endpoint: (-worst[endpoint], -_wrong(places[endpoint]), endpoint))
    rows = [{"endpoint": endpoint, "cells": places[endpoint]} for endpoint in order[:MAX_ENDPOINTS]]
    used = sorted({name for row in rows for name in row["cells"]})
    return Matrix(used, rows, len(order) - len(rows), len(places) - len(judged))


def said(facts: Mapping[str, Any], day: dt.date, judges: Iterable[Policy]) -> Iterator[Said]:
    """What the rules of a day say of one way to negotiate."""
    derived = derive(dict(facts))
    for policy in judges:
        yield from _judged(policy, derived, day)


def _wrong(cells: Mapping[str, Cell]) -> int:
    return sum(cell.count for cell in cells.values())


def _judged(policy: Policy, facts: Mapping[str, Any], day: dt.date) -> Iterator[Said]:
    for rule in policy.rules:
        if not rule.holds(day) or rule.text.fact not in KNOWN:
            continue
        if rule.text.present is not UNSET and rule.text.fact not in facts:
            continue  # what a posture does not hold may still have been there
        verdict = rule.judge(dict(facts), passes=True)
        if verdict is not None:
            met = verdict.status == "pass"
            yield policy.id, "" if met else verdict.title, SEVERITIES.index(verdict.severity)

"""Endpoints against the shipped standards on a day of choice, from how they were seen to protect what they carry. Pure.

Findings say what was wrong by the rules of the day on which it was seen; this says what will be wrong by the rules of
another day. Rules are left out that ask for facts which postures do not hold.
"""

import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import UNSET, Struct

from probe.model import SEVERITIES
from probe.policy.load import Policy, load
from probe.policy.rules import DERIVED, derive
from probe.postures import FACTS

KNOWN: Final = frozenset((*FACTS, *(name for name, of in DERIVED.items() if of in FACTS)))
MAX_ENDPOINTS: Final = 200  # shown; the others are counted


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


@functools.cache
def policies() -> tuple[Policy, ...]:
    """The shipped ones."""
    return tuple(load(["all"]))


def matrix(postures: Iterable[Mapping[str, Any]], day: dt.date, judges: Iterable[Policy]) -> Matrix:
    """`postures`: rows with `endpoint` and `facts`."""
    places: dict[str, dict[str, Cell]] = {}
    judging = list(judges)
    for posture in postures:
        cells = places.setdefault(posture["endpoint"], {})
        facts = derive(posture["facts"])
        for policy in judging:
            _judge(policy, facts, day, cells)
    worst = {endpoint: max((cell.worst for cell in cells.values()), default=-1) for endpoint, cells in places.items()}
    judged = [endpoint for endpoint, cells in places.items() if cells]
    order = sorted(judged, key=lambda endpoint: (-worst[endpoint], -_wrong(places[endpoint]), endpoint))
    rows = [{"endpoint": endpoint, "cells": places[endpoint]} for endpoint in order[:MAX_ENDPOINTS]]
    used = sorted({name for row in rows for name in row["cells"]})
    return Matrix(used, rows, len(order) - len(rows), len(places) - len(judged))


def _wrong(cells: Mapping[str, Cell]) -> int:
    return sum(cell.count for cell in cells.values())


def _judge(policy: Policy, facts: Mapping[str, Any], day: dt.date, cells: dict[str, Cell]) -> None:
    for rule in policy.rules:
        if not rule.holds(day) or rule.text.fact not in KNOWN:
            continue
        if rule.text.present is not UNSET and rule.text.fact not in facts:
            continue  # what a posture does not hold may still have been there
        verdict = rule.judge(dict(facts), passes=True)
        if verdict is None:
            continue
        cell = cells.setdefault(policy.id, Cell(titles=[]))
        if verdict.status == "pass":
            cell.met += 1
        elif verdict.title not in cell.titles:
            cell.count += 1
            cell.worst = max(cell.worst, SEVERITIES.index(verdict.severity))
            cell.titles.append(verdict.title)

"""What an audit pack is made of: all that the store knows of a period, read once, with bounds. Changes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, desc, exists, func, select

from collector import places, probe_states, queries
from collector.export.coverage import coverage
from collector.paging import Row
from collector.store import in_use
from collector.store.tables import audit, certificates, exposures, findings, probes, shares, sightings, streams

MOST_POSTURES: Final = 20_000  # each is an occurrence in the CBOM
_TURN: Final = 1_000  # certificates of one question
MOST: Final = 20_000  # rows of each kind in one pack, some 100 MB together; what is beyond is counted and said


class Period(Struct, frozen=True):
    """From the one (included) to the other (not included), seconds since 1970."""

    since: float
    until: float


class Evidence(Struct, kw_only=True):
    """Rows as the store has them, times in seconds."""

    period: Period
    made: float
    findings: Sequence[Mapping[str, Any]]
    certificates: list[Row]
    """With `endpoints`, those at which they were seen in the period."""
    postures: list[Row]
    probes: list[Row]
    inputs: list[Row]
    """Which envelopes of which probe and boot all this rests on: the chain of custody."""
    decisions: list[Row]
    shares: list[Row]
    """Bytes by site, host and service, and day and class, as `collector/fleet/sums.py` added them up."""
    exposures: list[Row]
    """Bytes over keys without a post-quantum part: all that was told of it, if last in the period."""
    history: list[Row]
    classes: dict[str, Row]
    coverage: dict[str, Any]
    left_out: dict[str, int]


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a probe told of a finding or a certificate. Text until it is asked for: as objects it is far larger."""
    told = msgspec.json.decode(row["record"])
    return told if isinstance(told, dict) else {}


def collect(connection: Connection, period: Period, now: float) -> Evidence:
    """Everything of the period."""
    found, more = _findings(connection, period)
    shown, others = _certificates(connection, period)
    seen, unseen = places.all_postures(connection, period.since, period.until, MOST_POSTURES)
    day, by = _shares(connection, period)
    left_out = {"findings": more, "certificates": others, "postures": unseen, "shares of a day": by}
    return Evidence(
        period=period,
        made=now,
        findings=found,
        certificates=shown,
        postures=seen,
        probes=probe_states.every_probe(connection, now, MOST),
        inputs=_inputs(connection),
        decisions=_decisions(connection, period),
        shares=day,
        exposures=_exposures(connection, period),
        history=queries.history(connection, period.since, period.until, 86_400),
        classes=queries.protected(connection, period.since, period.until),
        coverage=coverage(connection, now),
        left_out={what: count for what, count in left_out.items() if count > 0},
    )


def _findings(connection: Connection, period: Period) -> tuple[Sequence[Mapping[str, Any]], int]:
    c = findings.c
    inside = (c.last_seen >= period.since) & (c.first_seen < period.until)
    statement = select(findings, probes.c.site, probes.c.probe).join(probes, probes.c.id == c.probe_id).where(inside)
    order = statement.order_by(desc(c.severity), c.endpoint, c.uid, c.probe_id).limit(MOST)
    # As they come: a dict of each would take as much again.
    rows = cast("Sequence[Mapping[str, Any]]", connection.execute(order).mappings().all())
    return rows, _count(connection, findings, inside) - len(rows)


def _certificates(connection: Connection, period: Period) -> tuple[list[Row], int]:
    """Those that were told of or shown in the period, with where they were shown."""
    c, s = certificates.c, sightings.c
    during = (s.first_seen < period.until) & in_use.shown_since(period.since)
    told = (c.last_seen >= period.since) & (c.first_seen < period.until)
    inside = told | exists().where(s.sha256 == c.sha256, during)
    statement = select(certificates).where(inside).order_by(c.not_after, c.sha256).limit(MOST)
    rows = {row["sha256"]: {**row, "endpoints": []} for row in connection.execute(statement).mappings()}
    known = sorted(rows)
    for first in range(0, len(known), _TURN):
        shown = select(s.sha256, s.endpoint).where(s.sha256.in_(known[first : first + _TURN]), during).distinct()
        for sha256, endpoint in connection.execute(shown.order_by(s.endpoint).limit(MOST)):
            rows[sha256]["endpoints"].append(endpoint)
    return list(rows.values()), _count(connection, certificates, inside) - len(rows)


def _shares(connection: Connection, period: Period) -> tuple[list[Row], int]:
    s = shares.c
    inside = (s.day >= int(period.since)) & (s.day < int(period.until))
    order = select(shares).where(inside).order_by(s.by, s.key, s.day, s["class"]).limit(MOST)
    rows = [dict(row) for row in connection.execute(order).mappings()]
    return rows, _count(connection, shares, inside) - len(rows)


def _exposures(connection: Connection, period: Period) -> list[Row]:
    e = exposures.c
    order = select(exposures).where(e.last_seen >= period.since).order_by(e.by, desc(e.bytes), e.key)
    return [dict(row) for row in connection.execute(order).mappings()]


def _inputs(connection: Connection) -> list[Row]:
    s = streams.c
    statement = (
        select(probes.c.site, probes.c.probe, s.boot_id, s.low, s.high, s.given_up, s.last_seen)
        .join(probes, probes.c.id == s.probe_id)
        .order_by(probes.c.site, probes.c.probe, s.last_seen, s.boot_id)
        .limit(MOST)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def _decisions(connection: Connection, period: Period) -> list[Row]:
    a = audit.c
    statement = select(a.at, a.who, a.what).where(a.at >= period.since, a.at < period.until).order_by(a.id)
    return [dict(row) for row in connection.execute(statement.limit(MOST)).mappings()]


def _count(connection: Connection, table: Any, inside: Any) -> int:  # noqa: ANN401 - a Table and a condition
    return int(connection.execute(select(func.count()).select_from(table).where(inside)).scalar_one())

"""How certificates are renewed: rotation history, how often, when the next one is due, and what the CA/Browser Forum's
schedule of shorter lifetimes (Ballot SC-081v3) asks for.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, insert, literal_column, select
from sqlalchemy import text as sql

from collector.store import retention
from collector.store.store import Store
from collector.store.tables import IS_SERVER, NEVER, certificates, meta, sightings

DAY: Final = 86_400.0
EVERY: Final = 60.0  # seconds between two forecasts
FORECAST: Final = "certificates_forecast"
_KEY: Final = "certificates_foreseen"
WEEKS: Final = 13  # of the forecast
MAX_HISTORY: Final = 5_000  # sightings looked at for one page of certificates
NORMAL: Final = 2 / 3  # of its lifetime after which ACME clients renew (RFC 9773 section 4.2 leaves it to the CA)
SCHEDULE: Final = (
    (dt.date(2026, 3, 15), 200),
    (dt.date(2027, 3, 15), 100),
    (dt.date(2029, 3, 15), 47),
)
"""From which day on certificates of public CAs may last how many days; 398 before."""
_FIRST: Final = 398
SPANS: Final = (47, 100, 200, 398)

Row = dict[str, Any]


def longest(issued: float) -> int:
    """Days that a certificate of a public CA issued then may last."""
    day = dt.datetime.fromtimestamp(issued, dt.UTC).date()
    return next((days for since, days in reversed(SCHEDULE) if day >= since), _FIRST)


def lifetime(row: Row) -> float | None:
    """Days; None where the certificate does not tell."""
    begin, end = row["not_before"], row["not_after"]
    return None if begin is None or end is None else max(0.0, (end - begin) / DAY)


def described(connection: Connection, rows: Sequence[Row], now: float) -> list[Row]:
    """Certificates with what is to be said of their renewal.

    `lifetime_days`, `longest_days` (of the schedule when it was issued), `renewals` (certificates before it at its
    places), `cadence_days` (how often it was renewed there, the median), `renewal_due` (seconds since 1970), `overdue`.
    """
    history = _history(connection, [row["sha256"] for row in rows])
    return [{**row, **_told(row, history.get(row["sha256"], []), now)} for row in rows]


def _told(row: Row, begins: list[float], now: float) -> Row:
    """`begins`: when each certificate at its places began to be valid, this one's among them, ascending."""
    days = lifetime(row)
    if days is None:
        return {}
    before = [begin for begin in begins if begin < row["not_before"]]
    steps = [(later - begin) / DAY for begin, later in pairwise(begins)]
    cadence = median(steps) if steps else None
    due = row["not_before"] + min(cadence or days * NORMAL, days) * DAY
    followed = any(begin > row["not_before"] for begin in begins)
    return {
        "lifetime_days": round(days, 1),
        "longest_days": longest(row["not_before"]),
        "renewals": len(before),
        **({} if cadence is None else {"cadence_days": round(cadence, 1)}),
        **({"replaced": True} if followed else {"renewal_due": due, "overdue": due < now}),
    }


def _history(connection: Connection, wanted: list[str]) -> dict[str, list[float]]:
    """For each certificate the beginnings of those that were shown at the same endpoints under the same names."""
    s, c = sightings.c, certificates.c
    here = sightings.alias()
    statement = (
        select(here.c.sha256, c.not_before)
        .join(sightings, (s.endpoint == here.c.endpoint) & (s.name == here.c.name))
        .join(certificates, c.sha256 == s.sha256)
        .where(here.c.sha256.in_(wanted), c.ca.is_(False), c.not_before.is_not(None))
        .distinct()
        .limit(MAX_HISTORY)
    )
    found: dict[str, list[float]] = defaultdict(list)
    for sha256, begin in connection.execute(statement):
        found[sha256].append(begin)
    return {sha256: sorted(begins) for sha256, begins in found.items()}


def rotation(connection: Connection, sha256: str, limit: int = 100) -> list[Row]:
    """The certificates that the places of one showed, itself among them, by place and the latest first."""
    s, c = sightings.c, certificates.c
    here = sightings.alias()
    first, last = func.min(s.first_seen).label("first_seen"), func.max(s.last_seen).label("last_seen")
    columns = (s.endpoint, s.name, c.sha256, c.subject, c.issuer, c.not_before, c.not_after, c.spki_sha256)
    statement = (
        select(*columns, first, last)
        .join(here, (s.endpoint == here.c.endpoint) & (s.name == here.c.name))
        .join(certificates, c.sha256 == s.sha256)
        .where(here.c.sha256 == sha256, c.ca.is_(False))
        .group_by(*columns)
        .order_by(s.endpoint, s.name, c.not_before.desc(), c.sha256)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def reckon(store: Store, now: float, _stopped: Callable[[], bool] = lambda: False) -> bool:
    """The forecast anew, if it is due and no other collector makes it. Raises StoreError."""
    with store.changing() as connection:
        if not retention.is_due(connection, now, _KEY, EVERY):
            return False
    with store.reading() as connection:
        told = json.dumps(forecast(connection, now))
    with store.changing() as connection:
        connection.execute(delete(meta).where(meta.c.key == FORECAST))
        connection.execute(insert(meta).values(key=FORECAST, value=told))
    return True


def forecast(connection: Connection, now: float) -> Row:
    """How many certificates end in each of the next weeks, and how long they last, by the steps of the schedule."""
    c = certificates.c
    # Said as the index says it, which so has all that is asked: the table holds every record.
    ends: Any = func.coalesce(c.not_after, literal_column(NEVER))
    server = (sql(IS_SERVER), ends >= now, ends < literal_column(NEVER))
    week = func.floor((ends - now) / (7 * DAY)).label("week")
    soon = select(week).where(*server, ends < now + WEEKS * 7 * DAY).subquery()
    counted = select(soon.c.week, func.count()).group_by(soon.c.week)
    weeks = {int(number): count for number, count in connection.execute(counted)}
    within = (func.sum(case((ends - c.not_before <= days * DAY, 1), else_=0)) for days in SPANS)
    valid, *counts = connection.execute(select(func.count(), *within).where(*server, c.not_before <= now)).one()
    return {
        "at": now,
        "weeks": [{"from": now + number * 7 * DAY, "certificates": weeks.get(number, 0)} for number in range(WEEKS)],
        "lifetimes": [
            {"days": days, "certificates": int(count or 0)} for days, count in zip(SPANS, counts, strict=True)
        ],
        "valid": valid,
    }

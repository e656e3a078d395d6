"""What pages and API ask of the sums by site, host and service (`collector/fleet/sums.py`)."""

import json
from typing import Final

from sqlalchemy import Connection, case, desc, func, select

from collector import inventory
from collector.fleet import renewals
from collector.fleet.renewals import FORECAST
from collector.paging import Page, Place, Row
from collector.queries import CLASSES, PROTECTED
from collector.store.tables import exposures, meta, shares

MAX_KEY: Final = 260  # characters
BY: Final = ("site", "host", "service")


def carried(connection: Connection, by: str, since: float, limit: int = 50) -> list[Row]:
    """Bytes and the share of them that is protected, those that moved most first."""
    s = shares.c
    size = func.sum(s.bytes).label("bytes")
    protected = func.sum(case((s["class"].in_(PROTECTED), s.bytes), else_=0)).label("protected_bytes")
    flows = func.sum(s.flows).label("flows")
    statement = select(s.key, flows, size, protected).where(s.by == by, s.day >= int(since)).group_by(s.key)
    rows = connection.execute(statement.order_by(desc(size), s.key).limit(limit)).mappings()
    return [_shared({name: value if name == "key" else int(value) for name, value in row.items()}) for row in rows]


def _shared(row: Row) -> Row:
    return {**row, "protected_share": round(row["protected_bytes"] / row["bytes"], 4)} if row["bytes"] else row


def by_day(connection: Connection, by: str, key: str, since: float) -> list[Row]:
    """Bytes of each class for each day of one of them."""
    s = shares.c
    statement = select(s.day, s["class"], s.bytes).where(s.by == by, s.key == key, s.day >= int(since)).order_by(s.day)
    days: dict[int, Row] = {}
    for day, kind, size in connection.execute(statement):
        if kind in CLASSES:
            days.setdefault(day, dict.fromkeys(CLASSES, 0))[kind] = int(size)
    return [{"start": day, **told} for day, told in days.items()]


def exposed(connection: Connection, by: str, limit: int = 50) -> list[Row]:
    """Bytes that went over keys without a post-quantum part, the most first."""
    e = exposures.c
    statement = select(e.key, e.bytes, e.findings, e.last_seen).where(e.by == by).order_by(desc(e.bytes), e.key)
    return [dict(row) for row in connection.execute(statement.limit(limit)).mappings()]


def certificate_page(connection: Connection, text: str, place: Place, now: float) -> Page:
    """Certificates of servers with what is to be said of their renewal, those that end first first."""
    found = inventory.certificate_page(connection, text, place)
    return Page(renewals.described(connection, found.rows, now), found.total, found.more, found.next)


def forecast(connection: Connection) -> Row:
    """When certificates end and how long they last, as it was reckoned last (`at`); empty before the first time."""
    told = connection.execute(select(meta.c.value).where(meta.c.key == FORECAST)).scalar_one_or_none()
    return dict(json.loads(told)) if told is not None else {"weeks": [], "lifetimes": [], "valid": 0}

"""Reckons what would take too long for a page: shares of bytes by site, host and service and day. Kept in a small
table, and made anew from time to time by one of the collectors.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, delete, func, insert, select

from collector.store import retention
from collector.store.retention import DAY
from collector.store.store import Store
from collector.store.tables import (
    FLEET,
    MOST_KEPT,
    hours,
    probes,
    shares,
    traffic,
)

EVERY: Final = 60.0  # seconds
DAYS: Final = 30  # that are reckoned the first time; later only those that still change
MOST_KEYS: Final = 500  # sites, hosts or services of one day, those that move most; the rest is one more
OTHERS: Final = "(others)"
_KEY: Final = "reckoned_fleet"
_TURN: Final = 500  # probes of one question

Row = dict[str, Any]


def reckon(store: Store, now: float, stopped: Callable[[], bool] = lambda: False) -> bool:
    """One round, if it is due and no other collector makes it. Raises StoreError."""
    with store.changing() as connection:
        if not retention.is_due(connection, now, _KEY, EVERY):
            return False
    with store.reading() as connection:
        known = set(connection.execute(select(shares.c.day).distinct()).scalars())
        where = dict.fromkeys(
            connection.execute(select(probes.c.id, probes.c.site, probes.c.probe).where(probes.c.site != FLEET)).all()
        )
    today = int(now) // DAY * DAY
    for day in range(today - DAYS * DAY, today + DAY, DAY):
        if stopped():
            return False
        if day in known and day < today - DAY:  # late reports may still change yesterday
            continue
        with store.reading() as connection:
            rows = [*_hosts(connection, day, where), *_services(connection, day)]
        with store.changing() as connection:
            _replace(connection, shares, shares.c.day == day, rows)
    return True


def _replace(connection: Connection, table: Table, which: Any, rows: list[Row]) -> None:  # noqa: ANN401 - a condition
    connection.execute(delete(table).where(which))
    if rows:
        connection.execute(insert(table), rows)


def _hosts(connection: Connection, day: int, where: Iterable[Any]) -> list[Row]:
    """What each probe saw of its host, and each site together."""
    t, named = traffic.c, {number: (site, f"{site}/{probe}") for number, site, probe in where}
    numbers = sorted(named)
    sums: dict[str, dict[str, Counter[tuple[str, str]]]] = {"site": defaultdict(Counter), "host": defaultdict(Counter)}
    for first in range(0, len(numbers), _TURN):
        some = t.probe_id.in_(numbers[first : first + _TURN])
        here = and_(some, t.start >= day, t.start < day + DAY, t.endpoint == "")
        columns = (t.probe_id, t["class"], func.sum(t.flows), func.sum(t.bytes))
        for number, kind, flows, size in connection.execute(
            select(*columns).where(here).group_by(t.probe_id, t["class"])
        ):
            for by, key in zip(("site", "host"), named[number], strict=True):
                sums[by][key][kind, "flows"] += int(flows)
                sums[by][key][kind, "bytes"] += int(size)
    return [row for by, keys in sums.items() for row in _rows(by, day, keys)]


def _services(connection: Connection, day: int) -> list[Row]:
    """What endpoints carried, those that moved most."""
    h = hours.c
    here = and_(h.start >= day, h.start < day + DAY, h.endpoint != "")
    size = func.sum(h.bytes)
    most = select(h.endpoint).where(here).group_by(h.endpoint).order_by(size.desc(), h.endpoint).limit(MOST_KEYS)
    keys: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    columns = (h.endpoint, h["class"], func.sum(h.flows), size)
    chosen = select(*columns).where(here, h.endpoint.in_(most)).group_by(h.endpoint, h["class"])
    for endpoint, kind, flows, carried in connection.execute(chosen):
        keys[endpoint][kind, "flows"] += int(flows)
        keys[endpoint][kind, "bytes"] += int(carried)
    for kind, flows, carried in connection.execute(select(*columns[1:]).where(here).group_by(h["class"])):
        for what, count in (("flows", flows), ("bytes", carried)):
            rest = int(count) - sum(told[kind, what] for key, told in keys.items() if key != OTHERS)
            if rest > 0:
                keys[OTHERS][kind, what] = rest
    return list(_rows("service", day, keys))


def _rows(by: str, day: int, keys: dict[str, Counter[tuple[str, str]]]) -> Iterable[Row]:
    """Rows of table `shares`; what is beyond MOST_KEYS in one."""
    kept: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    heavy = sorted(
        keys.keys() - {OTHERS}, key=lambda key: -sum(count for (_, what), count in keys[key].items() if what == "bytes")
    )
    for place, key in enumerate([*heavy, OTHERS]):
        kept[key if place < MOST_KEYS else OTHERS].update(keys.get(key, {}))
    for key, told in kept.items():
        for kind in sorted({kind for kind, _ in told}):
            flows, size = (min(told[kind, what], MOST_KEPT) for what in ("flows", "bytes"))
            yield {"by": by, "day": day, "key": key, "class": kind, "flows": flows, "bytes": size}

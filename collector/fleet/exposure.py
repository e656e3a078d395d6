"""Bytes that went over keys without a post-quantum part, by site, host and service, from findings of pq.exposure."""

import itertools
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select

from collector.store import retention
from collector.store.rows import whole
from collector.store.store import Store
from collector.store.tables import MOST_KEPT, exposures, findings, probes

EVERY: Final = 60.0  # seconds
MOST_KEYS: Final = 500  # sites, hosts or services, those that move most
MOST_FINDINGS: Final = 500_000  # that are read, some ten seconds
_TURN: Final = 1_000  # rows held at once
_KEY: Final = "reckoned_exposure"
_LOG: Final = logging.getLogger("collector")

Row = dict[str, Any]


class _Told(Struct):
    """Of a finding's record; probes are not believed to keep to it."""

    bytes: Any = 0


class _Sum(Struct):
    size: int = 0
    findings: int = 0
    last: float = 0.0


_READ: Final = msgspec.json.Decoder(_Told)


def reckon(store: Store, now: float, _stopped: Callable[[], bool] = lambda: False) -> bool:
    """If it is due and no other collector does it. Raises StoreError."""
    with store.changing() as connection:
        if not retention.is_due(connection, now, _KEY, EVERY):
            return False
    with store.reading() as connection:
        rows = added_up(read(connection))
    with store.changing() as connection:
        connection.execute(delete(exposures))
        if rows:
            connection.execute(insert(exposures), rows)
    return True


def read(connection: Connection) -> Iterator[Row]:
    """Findings in whatever state, by uid: what was recorded stays recorded."""
    f = findings.c
    columns = (f.uid, f.endpoint, f.name, f.record, f.last_seen, probes.c.site, probes.c.probe)
    those = select(*columns).join(probes, probes.c.id == f.probe_id).where(f.check_id == "pq.exposure")
    # What is put together is no column: the index of all uids would lead through all findings.
    sorted_ = those.order_by(f.uid.concat("")).limit(MOST_FINDINGS + 1)
    found = connection.execute(sorted_.execution_options(yield_per=_TURN)).mappings()
    yield from map(dict, itertools.islice(found, MOST_FINDINGS))
    if found.first() is not None:
        _LOG.warning("quantum exposure: there are more findings than the %d that were added up", MOST_FINDINGS)


def added_up(rows: Iterable[Row]) -> list[Row]:
    """Of table `exposures`. `rows`: by uid. The same flows seen by two probes have one uid, and count once."""
    sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    for _, those in itertools.groupby(rows, lambda row: str(row["uid"])):
        told: dict[tuple[str, str], tuple[int, float]] = {}
        for row in those:
            site, service = row["site"], f"{row['endpoint']} {row['name']}".strip()
            size, last = _size(row["record"]), row["last_seen"]
            for place in (("site", site), ("host", f"{site}/{row['probe']}"), ("service", service)):
                before = told.get(place, (0, 0.0))
                told[place] = max(size, before[0]), max(last, before[1])
        for (by, key), (size, last) in told.items():
            one = sums[by, key[:260]]
            one.size, one.findings, one.last = one.size + size, one.findings + 1, max(one.last, last)
    kept = []
    for by in ("site", "host", "service"):
        keys = ((key, one) for (what, key), one in sums.items() if what == by)
        heavy = sorted(keys, key=lambda told: (-told[1].size, told[0]))[:MOST_KEYS]
        kept += [
            {
                "by": by,
                "key": key,
                "bytes": min(one.size, MOST_KEPT),
                "findings": one.findings,
                "last_seen": one.last,
            }
            for key, one in heavy
        ]
    return kept


def _size(record: str) -> int:
    try:
        return whole(_READ.decode(record).bytes)
    except msgspec.DecodeError:  # deeper than this decoder goes
        return 0

"""Judges the fleet from time to time and keeps what comes out as findings of the collector, so that pages, workflow,
alerts and exports have them like any other.
"""

import heapq
import itertools
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from collector.fleet import both_ends, dns_domain, key_reuse, probe_health, shared_prime, vantage
from collector.fleet.verdict import MOST, PROBE, Row, Verdict
from collector.store import retention
from collector.store.rows import SEVERITIES
from collector.store.store import Store
from collector.store.tables import FLEET, findings, probes

_LOG: Final = logging.getLogger("collector")
EVERY: Final = 60.0  # seconds: as often as probes report
IDLE: Final = 20  # times as long as a round took nothing is done after it
_KEY: Final = "judged_fleet"


class Paced:
    """Does something from time to time, and is busy with it for a twentieth of the time at most."""

    def __init__(self, work: Callable[[Store, float, Callable[[], bool]], object], every: float) -> None:
        self._work, self._every, self._next = work, every, 0.0

    def step(self, store: Store, now: float, stopped: Callable[[], bool]) -> None:
        """If it is time. Raises StoreError."""
        begun = time.monotonic()
        if begun < self._next:
            return
        self._work(store, now, stopped)
        ended = time.monotonic()
        self._next = ended + max(self._every, IDLE * (ended - begun))


class Check(Protocol):
    """A module of this package."""

    CHECK: str

    def read(self, connection: Connection, now: float) -> Iterable[Row]:
        """What it needs from the store, little by little where that may be much."""

    def judge(self, rows: Iterable[Row]) -> Iterable[Verdict]:
        """Pure."""


CHECKS: Final[tuple[Any, ...]] = (shared_prime, key_reuse, vantage, both_ends, dns_domain, probe_health)


def judge(store: Store, now: float, stopped: Callable[[], bool] = lambda: False) -> int:
    """One round, if it is due and no other collector makes it; how many findings there are. Raises StoreError."""
    with store.changing() as connection:
        if not retention.is_due(connection, now, _KEY, EVERY):
            return 0
    count = 0
    for check in CHECKS:
        if stopped():
            break
        with store.reading() as connection:
            found = worst(check.CHECK, check.judge(check.read(connection, now)))
        count += keep(store, check.CHECK, found, now)
    return count


def worst(check: str, verdicts: Iterable[Verdict]) -> list[Verdict]:
    """At most MOST of them, however many there are."""
    count = itertools.count()
    worst = heapq.nsmallest(MOST, (one for one, _ in zip(verdicts, count, strict=False)), key=_weight)
    if (others := next(count) - len(worst)) > 0:
        _LOG.warning("%s: %d verdicts, of which the worst %d are kept", check, others + len(worst), len(worst))
    return worst


def keep(store: Store, check: str, verdicts: Iterable[Verdict], now: float) -> int:
    """What a check found now: new ones open, known ones stay as people decided, what is gone is resolved."""
    found = {one.uid: one for one in verdicts}
    with store.changing() as connection:
        probe = _probe(connection, now)
        ours = (findings.c.probe_id == probe) & (findings.c.check_id == check)
        columns = (findings.c.uid, findings.c.workflow, findings.c.record)
        known = {uid: (workflow, record) for uid, workflow, record in connection.execute(select(*columns).where(ours))}
        gone = [uid for uid, (workflow, _) in known.items() if uid not in found and workflow != "resolved"]
        for uid in gone:
            over = update(findings).where(ours, findings.c.uid == uid)
            connection.execute(over.values(workflow="resolved", changed=now))
        for uid, verdict in found.items():
            row = verdict.row(probe, now)
            workflow, before = known.get(uid, (None, ""))
            if workflow in {None, "resolved"} or row["record"] != before:
                _put(connection, row, workflow, ours & (findings.c.uid == uid))
    return len(found)


def _weight(verdict: Verdict) -> tuple[int, str]:
    return -SEVERITIES.index(verdict.severity), verdict.uid


def _put(connection: Connection, row: Row, workflow: str | None, which: Any) -> None:  # noqa: ANN401 - a condition
    if workflow is None:
        connection.execute(insert(findings).values(**row))
        return
    fixed = {"probe_id", "uid", "first_seen", "note"}
    if workflow != "resolved":
        fixed |= {"workflow", "changed"}  # what people decided stays
    connection.execute(
        update(findings).where(which).values({name: value for name, value in row.items() if name not in fixed})
    )


def _probe(connection: Connection, now: float) -> int:
    """The row of the collector itself among the probes; lists of probes leave it out."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"site": FLEET, "probe": PROBE, "first_seen": now, "last_seen": now}
    row |= {"version": "", "boot_id": "", "online": False, "missed": 0, "drops": "{}", "health": "{}", "state": "{}"}
    connection.execute(dialect.insert(probes).values(**row).on_conflict_do_nothing())
    which = select(probes.c.id).where(probes.c.site == FLEET, probes.c.probe == PROBE)
    number: int = connection.execute(which).scalar_one()
    return number

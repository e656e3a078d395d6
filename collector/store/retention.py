"""What becomes of old rows: traffic is added up to hours, then to days; what is over for long goes.

In turns of a bounded number of rows, each a transaction of its own, so that batches get in between.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Table, and_, delete, func, insert, literal, not_, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from collector.store.tables import (
    MOST_KEPT,
    certificates,
    clients,
    findings,
    meta,
    postures,
    probes,
    received,
    sightings,
    streams,
    traffic,
    tunnels,
)

HOUR: Final = 3600
DAY: Final = 86_400
HOURS_KEPT: Final = 32 * DAY  # seconds: a month of hours for the pages, and a day over
TURN: Final = 20_000  # rows that one transaction takes away
EVERY: Final = 600.0  # seconds between two rounds, whichever collector makes them
_KEY: Final = "kept_house"

Turn = Callable[[Connection], int]
"""One transaction; gives how many rows it took away."""


class Kept(Struct, frozen=True):
    """How long what is kept."""

    intervals: float
    """Seconds of traffic as rollups told it."""
    all: float
    """Seconds of everything else that is over."""


def is_due(connection: Connection, now: float, key: str = _KEY, every: float = EVERY) -> bool:
    """Whether this collector is the one to do this work (by default: keep house) now: of several, one does."""
    taken = update(meta).where(meta.c.key == key, meta.c.value <= f"{now - every:017.3f}").values(value=f"{now:017.3f}")
    if connection.execute(taken).rowcount:
        return True
    if connection.execute(select(meta.c.key).where(meta.c.key == key)).first() is not None:
        return False
    try:
        with connection.begin_nested():
            connection.execute(insert(meta).values(key=key, value=f"{now:017.3f}"))
    except IntegrityError:
        return False  # another one was faster
    return True


def turns(now: float, kept: Kept) -> Iterator[Turn]:
    """What there is to do; each is repeated until it takes nothing away any more."""
    yield lambda connection: _add_up(connection, now - kept.intervals, HOUR)
    yield lambda connection: _add_up(connection, now - HOURS_KEPT, DAY)
    old = now - kept.all
    over = and_(findings.c.workflow == "resolved", findings.c.changed < old)
    for table, condition in (
        (traffic, traffic.c.start < int(old)),
        (findings, and_(findings.c.last_seen < old, or_(over, findings.c.status == "pass"))),
        (sightings, sightings.c.last_seen < old),
        (certificates, and_(certificates.c.last_seen < old, not_(_shown()))),
        (tunnels, tunnels.c.last_seen < old),
        (clients, clients.c.last_seen < old),
        (postures, postures.c.last_seen < old),
    ):
        yield _sweep(table, condition)
    yield lambda connection: _forget_boots(connection, old)


def _shown() -> Any:  # noqa: ANN401 - a condition
    return select(literal(1)).where(sightings.c.sha256 == certificates.c.sha256).exists()


def _sweep(table: Table, condition: Any) -> Turn:  # noqa: ANN401 - a condition
    keys = list(table.primary_key.columns)
    some = select(*keys).where(condition).limit(TURN)
    return lambda connection: connection.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount


def _add_up(connection: Connection, before: float, span: int) -> int:
    """Rows of shorter spans from before then, the earliest `span` of them, as one row for each endpoint and class."""
    c = traffic.c
    until = int(before) // span * span
    shorter = and_(c.span < span, c.start < until)
    first = connection.execute(select(func.min(c.start)).where(shorter)).scalar_one()
    if first is None:
        return 0
    start = first // span * span
    part = and_(c.span < span, c.start >= start, c.start < start + span)
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    columns = (c.probe_id, c.endpoint, c["class"], c.flows, c.bytes)
    # In one statement where there are several writers, so that what comes in between is not taken away unseen.
    gone = delete(traffic).where(part).returning(*columns).cte("gone") if dialect is postgresql else None
    source: Any = select(*columns).where(part).subquery() if gone is None else gone
    g = source.c
    least = func.min if gone is None else func.least
    flows, size = (least(func.sum(column), MOST_KEPT) for column in (g.flows, g.bytes))
    sums = select(g.probe_id, literal(start), literal(span), g.endpoint, g["class"], flows, size)
    names = ["probe_id", "start", "span", "endpoint", "class", "flows", "bytes"]
    added = dialect.insert(traffic).from_select(names, sums.group_by(g.probe_id, g.endpoint, g["class"]))
    values = {name: least(c[name] + added.excluded[name], MOST_KEPT) for name in ("flows", "bytes")}
    rows: int = connection.execute(added.on_conflict_do_update(index_elements=names[:5], set_=values)).rowcount
    return connection.execute(delete(traffic).where(part)).rowcount if gone is None else rows


def _forget_boots(connection: Connection, old: float) -> int:
    """Sequence numbers of starts that are long over; the latest of each probe stays, so that nothing counts twice."""
    latest = select(literal(1)).where(probes.c.id == streams.c.probe_id, probes.c.boot_id == streams.c.boot_id).exists()
    over = select(streams.c.id).where(streams.c.last_seen < old, not_(latest)).limit(TURN)
    numbers = list(connection.execute(over).scalars())
    connection.execute(delete(received).where(received.c.stream_id.in_(numbers)))
    return connection.execute(delete(streams).where(streams.c.id.in_(numbers))).rowcount

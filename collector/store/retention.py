"""What becomes of old rows: traffic is added up to hours, then to days; what is over for long goes.

In turns of a bounded number of rows, each a transaction of its own, so that batches get in between.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    Connection,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    not_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from collector.store import in_use
from collector.store.tables import (
    IS_OVER,
    MOST_KEPT,
    SPANS,
    certificates,
    clients,
    early,
    findings,
    hours,
    meta,
    moduli,
    postures,
    primes,
    probes,
    received,
    shares,
    sightings,
    streams,
    traffic,
    tunnels,
)

HOUR: Final = 3600
DAY: Final = 86_400
HOURS_KEPT: Final = 32 * DAY  # seconds: a month of hours for the pages, and a day over
EARLY_KEPT: Final = 7 * DAY  # seconds for which a finding that is over may still come
TURN: Final = 20_000  # rows that one transaction takes away
EVERY: Final = 600.0  # seconds between two rounds, whichever collector makes them
WALK_EVERY: Final = DAY  # between two walks through tables that have no index by time, which would cost every report
_KEY: Final = "kept_house"
WALKED: Final = "walked_house"

Turn = Callable[[Connection], tuple[int, bool]]
"""One transaction; gives how many rows it took away, and whether there may be more."""


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


def reopen(connection: Connection, now: float) -> int:
    """Open findings again whose suppression is over; how many."""
    f = findings.c
    over = select(f.probe_id, f.uid).where(sql("workflow = 'suppressed'"), f.until <= now)
    values = {"workflow": "open", "until": None, "changed": now}
    some = tuple_(f.probe_id, f.uid).in_(over.limit(TURN))
    return connection.execute(update(findings).where(some).values(**values)).rowcount


def turns(now: float, kept: Kept) -> Iterator[Turn]:
    """What there is to do; each is repeated until it takes nothing away any more."""
    yield _while_some(lambda connection: _add_up(connection, "intervals", now - kept.intervals, HOUR))
    yield _while_some(lambda connection: _add_up(connection, "hours", now - HOURS_KEPT, DAY))
    old = now - kept.all
    f = findings.c
    over = and_(sql(IS_OVER), f.severity.in_(range(5)), f.changed < old)
    for table, condition in (
        (traffic, and_(sql(SPANS["days"]), traffic.c.start < int(old))),
        (findings, and_(over, f.last_seen < old)),
        (early, early.c.ended < now - EARLY_KEPT),
        (shares, shares.c.day < int(old)),
        (tunnels, tunnels.c.last_seen < old),
    ):
        yield _while_some(_sweep(table, condition))
    hourly = and_(hours.c.start < int(now - HOURS_KEPT), hours.c.start % DAY != 0)
    for gone in (hourly, hours.c.start < int(old)):
        yield _while_some(lambda connection, gone=gone: _forget_hours(connection, gone))  # type: ignore[misc]
    yield _while_some(lambda connection: _forget_boots(connection, old))


def walks(now: float, kept: Kept) -> Iterator[Turn]:
    """What there is to do once a day, as `turns`: in the order of keys, from one end of a table to the other."""
    old = now - kept.all
    for table, condition in (
        (sightings, and_(sightings.c.last_seen < old, not_(in_use.shown_since(old)))),
        (postures, and_(postures.c.last_seen < old, not_(in_use.spoken_since(old)))),
        (certificates, and_(certificates.c.last_seen < old, not_(_shown()))),
        (moduli, and_(moduli.c.seen < old, not_(_certified()))),
        (primes, not_(and_(_known(primes.c.spki_sha256), _known(primes.c.other)))),
        (clients, clients.c.last_seen < old),
    ):
        yield _walk(table, condition)


def _while_some(work: Callable[[Connection], int]) -> Turn:
    def turn(connection: Connection) -> tuple[int, bool]:
        gone = work(connection)
        return gone, gone > 0

    return turn


def _walk(table: Table, condition: Any) -> Turn:  # noqa: ANN401 - a condition
    keys = list(table.primary_key.columns)
    after: list[Any] = []

    def turn(connection: Connection) -> tuple[int, bool]:
        ahead = select(*keys).order_by(*keys)
        behind = tuple_(*keys) > tuple_(*map(literal, after)) if after else true()
        last = connection.execute(ahead.where(behind).offset(TURN - 1).limit(1)).first()
        here = behind if last is None else and_(behind, tuple_(*keys) <= tuple_(*map(literal, last)))
        gone = connection.execute(delete(table).where(here, condition)).rowcount
        after[:] = last or []
        return gone, last is not None

    return turn


def _shown() -> Any:  # noqa: ANN401 - a condition
    return select(literal(1)).where(sightings.c.sha256 == certificates.c.sha256).exists()


def _certified() -> Any:  # noqa: ANN401 - a condition
    return select(literal(1)).where(certificates.c.spki_sha256 == moduli.c.spki_sha256).exists()


def _known(key: Any) -> Any:  # noqa: ANN401 - a column
    return select(literal(1)).where(moduli.c.spki_sha256 == key).exists()


def _sweep(table: Table, condition: Any) -> Callable[[Connection], int]:  # noqa: ANN401 - a condition
    keys = list(table.primary_key.columns)
    some = select(*keys).where(condition).limit(TURN)
    return lambda connection: connection.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount


def _forget_hours(connection: Connection, condition: Any) -> int:  # noqa: ANN401 - a condition
    """Counts of which nothing is left, because their traffic was added up or went."""
    h = hours.c
    groups = select(h.endpoint, h.start, h["class"]).where(condition).group_by(h.endpoint, h.start, h["class"])
    empty = groups.having(func.sum(h.flows) == 0, func.sum(h.bytes) == 0).limit(TURN)
    return connection.execute(delete(hours).where(tuple_(h.endpoint, h.start, h["class"]).in_(empty))).rowcount


def _add_up(connection: Connection, which: str, before: float, span: int) -> int:
    """Rows from before then, the earliest `span` of them, as one row for each endpoint and class."""
    c = traffic.c
    until, shorter = int(before) // span * span, sql(SPANS[which])
    first = connection.execute(select(func.min(c.start)).where(shorter, c.start < until)).scalar_one()
    if first is None:
        return 0
    start = first // span * span
    part = and_(shorter, c.start >= start, c.start < start + span)
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

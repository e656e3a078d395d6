"""What pages and API ask of probes: how each is, what it lost, and what was sent that nobody understood."""

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, and_, case, desc, func, select

from collector.paging import Order, Page, Place, Row, page
from collector.store.tables import FLEET, aside, probes, streams

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import Label

SILENT: Final = 300.0  # seconds without a word after which a probe counts as silent: five intervals of rollups
PLACE: Final = Place()


def probe_page(connection: Connection, now: float, place: Place = PLACE) -> Page:
    """Probes, those that are silent or gone first; `word` says how each is. Raises CursorError."""
    p = probes.c
    late = p.last_seen < now - SILENT
    heard: Label[int] = case((and_(late, p.online), 0), (late, 1), else_=2).label("heard")
    found = page(connection, Order((heard, p.site, p.probe)), [_PROBES.add_columns(heard)], place)
    for row in found.rows:
        row.update(_described(row, now))
        del row["heard"]
    return found


def every_probe(connection: Connection, now: float, most: int) -> list[Row]:
    """By site and probe."""
    statement = _PROBES.order_by(probes.c.site, probes.c.probe).limit(most)
    return [{**row, **_described(row, now)} for row in connection.execute(statement).mappings()]


_OUTSTANDING: Final = select(func.coalesce(func.sum(streams.c.high - streams.c.low), 0))
_PROBES: Final = select(
    probes, _OUTSTANDING.where(streams.c.probe_id == probes.c.id).scalar_subquery().label("outstanding")
).where(probes.c.site != FLEET)


def _described(row: Any, now: float) -> Row:  # noqa: ANN401 - a row of probes
    documents = {name: json.loads(row[name]) for name in ("drops", "health", "state")}
    return {**documents, "lost": lost(documents["drops"]), "word": word(row, now)}


def probe_words(connection: Connection, now: float) -> dict[str, int]:
    """How many probes are up, silent, gone."""
    p = probes.c
    last = func.max(p.last_seen).label("last_seen")
    groups = select(p.online, last, func.count().label("count")).where(p.site != FLEET)
    groups = groups.group_by(p.online, p.last_seen >= now - SILENT)
    words = {"up": 0, "silent": 0, "gone": 0}
    for row in connection.execute(groups).mappings():
        words[word(row, now)] += row["count"]
    return words


def word(row: Any, now: float) -> str:  # noqa: ANN401 - a row of probes
    """How a probe is: `silent` where it should speak and does not, `gone` where the broker or it said so."""
    silent = now - row["last_seen"] > SILENT
    return "silent" if silent and row["online"] else "up" if row["online"] or not silent else "gone"


def lost(drops: Row) -> dict[str, int]:
    """Reports that were lost on their way, by reason; probes count them by reason and kind."""
    kinds = {why: value if isinstance(value, dict) else {"": value} for why, value in drops.items()}
    return {why: sum(count for count in by.values() if isinstance(count, int)) for why, by in kinds.items()}


def kept_aside(connection: Connection, limit: int = 50) -> list[Row]:
    """Messages that were not understood, the latest first, without their content."""
    statement = select(
        aside.c.id, aside.c.received, aside.c.topic, aside.c.why, func.length(aside.c.payload).label("size")
    )
    return [dict(row) for row in connection.execute(statement.order_by(desc(aside.c.id)).limit(limit)).mappings()]

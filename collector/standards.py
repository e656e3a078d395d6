"""The fleet against the shipped standards on a day: which endpoints are worst, without looking at all of them.

A fleet has many endpoints and few ways to negotiate. So each way is judged once, and endpoints are looked up from the
worst way on, until enough are found to show; only these are judged as a whole.
"""

import datetime as dt
import functools
import json
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select

from collector import judged
from collector.paging import MAX_COUNTED
from collector.store.tables import postures

MAX_WAYS: Final = 2_000  # to negotiate, that are judged; a hostile probe may make up more
MAX_POSTURES: Final = 10_000  # of the endpoints that are shown


def as_of(connection: Connection, day: dt.date) -> judged.Matrix:
    """By the rules of that day."""
    ways = {digest: _said(facts, day) for digest, facts in _ways(connection).items()}
    order = sorted((digest for digest in ways if ways[digest]), key=lambda digest: (*_badness(ways[digest]), digest))
    p = postures.c
    endpoints: dict[str, None] = {}
    for digest in order:
        if len(endpoints) >= judged.MAX_ENDPOINTS:
            break
        some = select(p.endpoint).distinct().where(p.digest == digest).order_by(p.endpoint)
        endpoints |= dict.fromkeys(connection.execute(some.limit(judged.MAX_ENDPOINTS)).scalars())
    shown = list(endpoints)[: judged.MAX_ENDPOINTS]
    rows = select(p.endpoint, p.facts).where(p.endpoint.in_(shown)).order_by(p.endpoint, p.digest).limit(MAX_POSTURES)
    told = ({"endpoint": endpoint, "facts": json.loads(facts)} for endpoint, facts in connection.execute(rows))
    matrix = judged.matrix(told, day, judged.policies())
    known, judgeable = _counted(connection, None), _counted(connection, order)
    return msgspec.structs.replace(
        matrix,
        left_out=judgeable - len(matrix.rows),
        unjudged=known - judgeable if known <= MAX_COUNTED else 0,
        more=judgeable > MAX_COUNTED,
    )


def _ways(connection: Connection) -> dict[str, str]:
    """Facts by their digest. From each to the next one in the index: all rows would be too many to group."""
    p = postures.c
    following = select(func.min(p.digest).label("digest")).cte("ways", recursive=True)
    behind = select(func.min(p.digest)).where(p.digest > following.c.digest).scalar_subquery()
    ways = following.union_all(select(behind).where(following.c.digest.is_not(None)))
    one = select(p.facts).where(p.digest == ways.c.digest).limit(1).scalar_subquery()
    statement = select(ways.c.digest, one).where(ways.c.digest.is_not(None)).limit(MAX_WAYS)
    return dict(map(tuple, connection.execute(statement)))


@functools.lru_cache(maxsize=4 * MAX_WAYS)
def _said(facts: str, day: dt.date) -> tuple[judged.Said, ...]:
    return tuple(judged.said(json.loads(facts), day, judged.policies()))


def _badness(said: tuple[judged.Said, ...]) -> tuple[int, int]:
    """Small is bad: the worst severity, then how much is wrong."""
    wrong = [severity for _, title, severity in said if title]
    return -max(wrong, default=-1), -len(wrong)


def _counted(connection: Connection, digests: list[str] | None) -> int:
    """Endpoints, or those that negotiate in one of these ways; no more than one over MAX_COUNTED."""
    some: Any = select(postures.c.endpoint).distinct()
    if digests is not None:
        some = some.where(postures.c.digest.in_(digests))
    return int(
        connection.execute(select(func.count()).select_from(some.limit(MAX_COUNTED + 1).subquery())).scalar_one()
    )

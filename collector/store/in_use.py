"""Whether what a place was told to show or speak is still in use there. Pure.

Probes tell of a place when it changes (`changes` of rollups, docs/records.md), so what was told once holds until
something else is told of it, for as long as anybody goes there. That is inferred: between two changes a certificate
may have been hidden (TLS 1.3) all the time.
"""

from typing import Any

from sqlalchemy import ColumnElement, Table, and_, exists, or_

from collector.store.tables import clients, postures, sightings


def shown_since(since: float) -> ColumnElement[bool]:
    """Of a row of `sightings`: told since then, or the latest then at a place that somebody used since."""
    return _since(sightings, "sha256", since)


def spoken_since(since: float) -> ColumnElement[bool]:
    """The same of a row of `postures`."""
    return _since(postures, "digest", since)


def _since(table: Table, what: str, since: float) -> ColumnElement[bool]:
    here: Any = table.c
    later: Any = table.alias("later").c
    place = and_(later.endpoint == here.endpoint, later.probe_id == here.probe_id, later.name == here.name)
    told_after = [and_(told > here.last_seen, told <= since) for told in (later.first_seen, later.last_seen)]
    replaced = exists().where(place, later[what] != here[what], or_(*told_after))
    used = and_(clients.c.probe_id == here.probe_id, clients.c.endpoint == here.endpoint)
    return or_(here.last_seen >= since, and_(exists().where(used, clients.c.last_seen >= since), ~replaced))

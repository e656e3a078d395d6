"""What pages and API ask of certificates: those of servers, where they were shown, keys that several have."""

import json
from typing import Final

from sqlalchemy import Connection, Float, Integer, desc, func, literal_column, select
from sqlalchemy import text as sql
from sqlalchemy.sql.elements import Label

from collector.paging import MAX_PAGE, Order, Page, Place, Row, containing, page
from collector.store.tables import IS_SERVER, NEVER, certificates, keys, sightings

MAX_PLACES: Final = 1_000  # of a certificate in a list, counted
PLACE: Final = Place()
_END: Final[Label[float]] = func.coalesce(certificates.c.not_after, literal_column(NEVER), type_=Float).label("end")
_COUNTED_PLACES: Final = (
    "(SELECT count(*) FROM (SELECT DISTINCT endpoint FROM sightings WHERE sightings.sha256 = certificates.sha256 "  # noqa: S608 - a number
    f"LIMIT {MAX_PLACES}) AS shown)"
)
_CERTIFICATES: Final = Order((_END, certificates.c.sha256))


def certificate_page(connection: Connection, text: str = "", place: Place = PLACE) -> Page:
    """Certificates of servers, those that end first first; `endpoints` is at most MAX_PLACES. Raises CursorError."""
    c = certificates.c
    columns = [column for column in c if column.name != "record"]
    statement = select(*columns, _END).where(sql(IS_SERVER))
    found = page(connection, _CERTIFICATES, [statement], place, containing(text, "subject", "issuer"))
    counted = select(c.sha256, literal_column(_COUNTED_PLACES, Integer))
    shown = counted.where(c.sha256.in_([row["sha256"] for row in found.rows]))
    places = dict(map(tuple, connection.execute(shown)))
    for row in found.rows:
        row["endpoints"] = places[row["sha256"]]
        del row["end"]
    return found


def certificate(connection: Connection, sha256: str) -> Row | None:
    """One certificate with the places where it was seen."""
    row = connection.execute(select(certificates).where(certificates.c.sha256 == sha256)).mappings().one_or_none()
    if row is None:
        return None
    places = connection.execute(select(sightings).where(sightings.c.sha256 == sha256).limit(MAX_PAGE)).mappings()
    return {**row, "record": json.loads(row["record"]), "places": [dict(place) for place in places]}


def shared_keys(connection: Connection, limit: int = 50) -> list[Row]:
    """Keys that several certificates of servers have: a renewal that kept the key, or a key in several places."""
    c, k = certificates.c, keys.c
    one = select(c.subject).where(c.spki_sha256 == k.spki_sha256, sql(IS_SERVER)).limit(1)
    statement = select(k.spki_sha256, k.certificates, one.scalar_subquery().label("subject"))
    several = statement.where(sql("certificates > 1"))
    order = several.order_by(desc(k.certificates), desc(k.spki_sha256)).limit(limit)
    return [dict(row) for row in connection.execute(order).mappings()]


def certificates_at(connection: Connection, endpoint: str) -> list[Row]:
    """The certificates that an endpoint showed, the latest first: its history."""
    first = func.min(sightings.c.first_seen).label("first_seen")
    statement = (
        select(
            certificates.c.sha256,
            certificates.c.subject,
            certificates.c.not_after,
            first,
            func.max(sightings.c.last_seen).label("last_seen"),
        )
        .join(sightings, sightings.c.sha256 == certificates.c.sha256)
        .where(sightings.c.endpoint == endpoint)
        .group_by(certificates.c.sha256, certificates.c.subject, certificates.c.not_after)
        .order_by(desc(first), certificates.c.sha256)
        .limit(MAX_PAGE)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]

"""What pages and exports ask of places: how an endpoint protects what it carries, who uses it, what leads where."""

import json
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, desc, func, select
from sqlalchemy import text as sql

from collector.paging import MAX_PAGE, Row
from collector.store import in_use
from collector.store.tables import audit, certificates, clients, findings, postures, probes

MAX_CHAIN: Final = 8  # certificates


def postures_at(connection: Connection, endpoint: str) -> list[Row]:
    """Each with its facts, the latest first."""
    c = postures.c
    statement = (
        select(c.name, c.facts, func.min(c.first_seen).label("first_seen"), func.max(c.last_seen).label("last_seen"))
        .where(c.endpoint == endpoint)
        .group_by(c.name, c.digest, c.facts)
        .order_by(desc("last_seen"), desc("first_seen"))
        .limit(MAX_PAGE)
    )
    return [{**row, "facts": json.loads(row["facts"])} for row in connection.execute(statement).mappings()]


def all_postures(connection: Connection, since: float, until: float, most: int) -> tuple[list[Row], int]:
    """What endpoints spoke in a period, by endpoint; at most so many, and how many more there are."""
    c = postures.c
    inside = (in_use.spoken_since(since), c.first_seen < until)
    statement = (
        select(c.endpoint, c.name, c.facts, c.first_seen, c.last_seen, probes.c.site, probes.c.probe)
        .join(probes, probes.c.id == c.probe_id)
        .where(*inside)
        .order_by(c.endpoint, c.name, c.first_seen, c.digest)
        .limit(most)
    )
    rows = [{**row, "facts": json.loads(row["facts"])} for row in connection.execute(statement).mappings()]
    whole: int = connection.execute(select(func.count()).select_from(postures).where(*inside)).scalar_one()
    return rows, whole - len(rows)


def clients_of(connection: Connection, endpoint: str, limit: int = 50) -> list[Row]:
    """Who uses it, those that move most first."""
    c = clients.c
    size = func.sum(c.bytes).label("bytes")
    statement = (
        select(
            c.peer,
            c["class"],
            size,
            func.sum(c.flows).label("flows"),
            func.min(c.first_seen).label("first_seen"),
            func.max(c.last_seen).label("last_seen"),
        )
        .where(c.endpoint == endpoint)
        .group_by(c.peer, c["class"])
        .order_by(desc(size), c.peer)
        .limit(limit)
    )
    rows = connection.execute(statement).mappings()
    return [{**row, "bytes": int(row["bytes"]), "flows": int(row["flows"])} for row in rows]


def chain(connection: Connection, row: Row) -> list[Row]:
    """From a certificate to its root, as far as names lead: certificates of authorities that were seen.

    Signatures are not looked at; whether a chain holds is a finding of the probes. A last link without `sha256` is an
    issuer that was not seen.
    """
    c = certificates.c
    links, met = [row], {row["subject"]}
    while len(links) < MAX_CHAIN and links[-1]["issuer"] and links[-1]["issuer"] != links[-1]["subject"]:
        name = links[-1]["issuer"]
        wanted = select(c.sha256, c.subject, c.issuer, c.not_after).where(sql("ca"), c.subject == name)
        found = connection.execute(wanted.order_by(desc(c.not_after)).limit(1)).mappings().one_or_none()
        if found is None or name in met:
            links.append({"sha256": "", "subject": name, "issuer": "", "not_after": None})
            break
        met.add(name)
        links.append(dict(found))
    return links


def decisions(connection: Connection, uid: str, limit: int = 50) -> list[Row]:
    """What people decided about a finding, the latest first."""
    statement = select(audit.c.at, audit.c.who, audit.c.what).where(audit.c.uid == uid)
    return [dict(row) for row in connection.execute(statement.order_by(desc(audit.c.id)).limit(limit)).mappings()]


def every_finding(connection: Connection, after: tuple[int, str] = (0, ""), most: int = MAX_PAGE) -> Iterator[Row]:
    """Findings with their record in the order of their key, from the one behind `after`."""
    c = findings.c
    number, uid = after
    statement = (
        select(findings, probes.c.site, probes.c.probe)
        .join(probes, probes.c.id == c.probe_id)
        .where((c.probe_id > number) | ((c.probe_id == number) & (c.uid > uid)))
        .order_by(c.probe_id, c.uid)
        .limit(most)
    )
    for row in connection.execute(statement).mappings():
        yield {**row, "record": json.loads(row["record"])}

"""Answers to what pages and API ask. Each takes a connection and gives plain data; nothing here changes anything."""

import json
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, and_, case, desc, func, or_, select
from sqlalchemy.sql.elements import ColumnElement

from collector.store.rows import SEVERITIES
from collector.store.tables import aside, certificates, findings, probes, sightings, streams, traffic

CLASSES: Final = ("tls", "ipsec", "encrypted", "plaintext", "unknown")
PROTECTED: Final = frozenset(CLASSES[:3])
SILENT: Final = 300.0  # seconds without a word after which a probe counts as silent: five intervals of rollups
MAX_PAGE: Final = 500  # rows of one answer
DAY: Final = 86_400.0

Row = dict[str, Any]


class Page(Struct, frozen=True):
    """A part of a list, and how long it is."""

    rows: list[Row]
    total: int
    offset: int
    limit: int


class FindingFilter(Struct, frozen=True, kw_only=True):
    """What findings are asked for; None and empty: all."""

    workflow: str = ""
    severity: str = ""
    """At least this."""
    check: str = ""
    endpoint: str = ""
    site: str = ""
    policy: str = ""
    text: str = ""
    """In title, endpoint or name."""
    now: float = 0.0


def _counted(connection: Connection, statement: Any, limit: int, offset: int) -> Page:  # noqa: ANN401 - a Select
    limit, offset = max(1, min(limit, MAX_PAGE)), max(0, offset)
    total = connection.execute(select(func.count()).select_from(statement.order_by(None).subquery())).scalar_one()
    rows = connection.execute(statement.limit(limit).offset(offset)).mappings()
    return Page([dict(row) for row in rows], total, offset, limit)


def open_now(now: float) -> ColumnElement[bool]:
    """Findings that somebody should look at: open ones, and suppressed ones whose time is over."""
    over = and_(findings.c.workflow == "suppressed", findings.c.until <= now)
    counted = findings.c.status.in_(("fail", "warn"))
    return and_(counted, or_(findings.c.workflow == "open", over))


def finding_page(connection: Connection, wanted: FindingFilter, limit: int = 50, offset: int = 0) -> Page:
    """The worst first, then the latest."""
    columns = [column for column in findings.c if column.name != "record"]
    statement = select(*columns, probes.c.site, probes.c.probe).join(probes, probes.c.id == findings.c.probe_id)
    conditions: list[ColumnElement[bool]] = []
    if wanted.workflow == "open":
        conditions.append(open_now(wanted.now))
    elif wanted.workflow:
        conditions.append(findings.c.workflow == wanted.workflow)
    if wanted.severity in SEVERITIES:
        conditions.append(findings.c.severity >= SEVERITIES.index(wanted.severity))
    for column, value in (
        (findings.c.check_id, wanted.check),
        (findings.c.endpoint, wanted.endpoint),
        (findings.c.policy, wanted.policy),
        (probes.c.site, wanted.site),
    ):
        if value:
            conditions.append(column == value)
    if wanted.text:
        like = f"%{_escaped(wanted.text)}%"
        conditions.append(
            or_(
                *(
                    column.ilike(like, escape="\\")
                    for column in (findings.c.title, findings.c.endpoint, findings.c.name)
                )
            )
        )
    statement = statement.where(*conditions).order_by(
        desc(findings.c.severity), desc(findings.c.last_seen), findings.c.uid
    )
    return _counted(connection, statement, limit, offset)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def finding(connection: Connection, uid: str) -> list[Row]:
    """All probes' sightings of one finding, with the whole record."""
    statement = (
        select(findings, probes.c.site, probes.c.probe)
        .join(probes, probes.c.id == findings.c.probe_id)
        .where(findings.c.uid == uid)
        .order_by(desc(findings.c.last_seen))
        .limit(MAX_PAGE)
    )
    return [{**row, "record": json.loads(row["record"])} for row in connection.execute(statement).mappings()]


def by_severity(connection: Connection, now: float) -> dict[str, int]:
    """Open findings, the worst first; severities without any are there with 0."""
    statement = select(findings.c.severity, func.count()).where(open_now(now)).group_by(findings.c.severity)
    counts: dict[int, int] = {row[0]: row[1] for row in connection.execute(statement)}
    return {name: counts.get(number, 0) for number, name in reversed(list(enumerate(SEVERITIES)))}


def by_check(connection: Connection, now: float) -> list[Row]:
    """Open findings by check, the most first."""
    count = func.count().label("findings")
    statement = (
        select(findings.c.check_id, count, func.max(findings.c.severity).label("severity"))
        .where(open_now(now))
        .group_by(findings.c.check_id)
        .order_by(desc("severity"), desc(count), findings.c.check_id)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def changes(connection: Connection, since: float, limit: int = 20) -> list[Row]:
    """Findings that are new or were resolved since then, but for severity info: the worst first, then the latest."""
    statement = (
        select(
            findings.c.uid,
            findings.c.title,
            findings.c.endpoint,
            findings.c.severity,
            findings.c.workflow,
            findings.c.changed,
        )
        .where(
            or_(findings.c.first_seen >= since, and_(findings.c.workflow == "resolved", findings.c.changed >= since))
        )
        .where(findings.c.status.in_(("fail", "warn", "pass")), findings.c.severity > 0)
        .order_by(desc(findings.c.severity), desc(findings.c.changed), findings.c.uid)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def protected(connection: Connection, since: float, until: float, endpoint: str = "") -> dict[str, Row]:
    """Flows and bytes by class in a period."""
    c = traffic.c
    statement = (
        select(c["class"], func.sum(c.flows).label("flows"), func.sum(c.bytes).label("bytes"))
        .where(c.start >= int(since), c.start < int(until), c.endpoint == endpoint)
        .group_by(c["class"])
    )
    found = {
        row["class"]: {"flows": int(row["flows"]), "bytes": int(row["bytes"])}
        for row in connection.execute(statement).mappings()
    }
    return {name: found.get(name, {"flows": 0, "bytes": 0}) for name in CLASSES}


def share(classes: dict[str, Row]) -> float | None:
    """Of the bytes, those that are protected; None if there were none."""
    total = sum(row["bytes"] for row in classes.values())
    return sum(row["bytes"] for name, row in classes.items() if name in PROTECTED) / total if total else None


def history(connection: Connection, since: float, until: float, step: int, endpoint: str = "") -> list[Row]:
    """Bytes by class for each step of a period; of one endpoint, or of all that was carried."""
    c = traffic.c
    slot = (c.start - c.start % step).label("slot")
    statement = (
        select(slot, c["class"], func.sum(c.bytes).label("bytes"))
        .where(c.start >= int(since), c.start < int(until), c.endpoint == endpoint)
        .group_by(slot, c["class"])
        .order_by(slot)
    )
    slots: dict[int, Row] = {}
    for row in connection.execute(statement).mappings():
        slots.setdefault(int(row["slot"]), dict.fromkeys(CLASSES, 0))[row["class"]] = int(row["bytes"])
    return [{"start": start, **classes} for start, classes in sorted(slots.items())]


def endpoint_page(connection: Connection, now: float, text: str = "", limit: int = 50, offset: int = 0) -> Page:
    """Endpoints with their open findings and traffic of the last day, the worst first."""
    worst = func.max(case((open_now(now), findings.c.severity), else_=-1)).label("worst")
    count = func.sum(case((open_now(now), 1), else_=0)).label("open")
    latest = func.max(findings.c.last_seen).label("last_seen")
    name = func.max(findings.c.name).label("name")
    statement = select(findings.c.endpoint, name, worst, count, latest).group_by(findings.c.endpoint)
    if text:
        like = f"%{_escaped(text)}%"
        statement = statement.where(
            or_(findings.c.endpoint.ilike(like, escape="\\"), findings.c.name.ilike(like, escape="\\"))
        )
    page = _counted(connection, statement.order_by(desc(worst), desc(count), findings.c.endpoint), limit, offset)
    names = [row["endpoint"] for row in page.rows]
    t = traffic.c
    sums = select(t.endpoint, func.sum(t.bytes).label("bytes"), func.sum(t.flows).label("flows")).where(
        t.endpoint.in_(names), t.start >= int(now - DAY)
    )
    carried = {row["endpoint"]: row for row in connection.execute(sums.group_by(t.endpoint)).mappings()}
    for row in page.rows:
        row["bytes"] = int(carried[row["endpoint"]]["bytes"]) if row["endpoint"] in carried else 0
    return page


def certificate_page(connection: Connection, text: str = "", limit: int = 50, offset: int = 0) -> Page:
    """Certificates of servers, those that end first first."""
    columns = [column for column in certificates.c if column.name != "record"]
    places = (
        select(func.count()).where(sightings.c.sha256 == certificates.c.sha256).scalar_subquery().label("endpoints")
    )
    statement = select(*columns, places).where(certificates.c.ca.is_(False))
    if text:
        like = f"%{_escaped(text)}%"
        statement = statement.where(
            or_(certificates.c.subject.ilike(like, escape="\\"), certificates.c.issuer.ilike(like, escape="\\"))
        )
    return _counted(connection, statement.order_by(certificates.c.not_after, certificates.c.sha256), limit, offset)


def certificate(connection: Connection, sha256: str) -> Row | None:
    """One certificate with the places where it was seen."""
    row = connection.execute(select(certificates).where(certificates.c.sha256 == sha256)).mappings().one_or_none()
    if row is None:
        return None
    places = connection.execute(select(sightings).where(sightings.c.sha256 == sha256).limit(MAX_PAGE)).mappings()
    return {**row, "record": json.loads(row["record"]), "places": [dict(place) for place in places]}


def shared_keys(connection: Connection, limit: int = 50) -> list[Row]:
    """Keys that several certificates of servers have: a renewal that kept the key, or a key in several places."""
    c = certificates.c
    count = func.count().label("certificates")
    statement = (
        select(c.spki_sha256, count, func.min(c.subject).label("subject"))
        .where(c.ca.is_(False), c.spki_sha256 != "")
        .group_by(c.spki_sha256)
        .having(count > 1)
        .order_by(desc(count), c.spki_sha256)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def probe_list(connection: Connection, now: float) -> list[Row]:
    """Every probe, the silent ones first; `word` says how it is: up, silent, gone."""
    waiting = (
        select(func.coalesce(func.sum(streams.c.high - streams.c.low), 0))
        .where(streams.c.probe_id == probes.c.id)
        .scalar_subquery()
        .label("outstanding")
    )
    rows = []
    for row in connection.execute(select(probes, waiting).order_by(probes.c.site, probes.c.probe)).mappings():
        documents = {name: json.loads(row[name]) for name in ("drops", "health", "state")}
        rows.append({**row, **documents, "lost": lost(documents["drops"]), "word": word(row, now)})
    return sorted(rows, key=lambda row: row["word"] == "up")


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


def certificates_at(connection: Connection, endpoint: str) -> list[Row]:
    """The certificates that an endpoint showed, the latest first: its history."""
    statement = (
        select(
            certificates.c.sha256,
            certificates.c.subject,
            certificates.c.not_after,
            sightings.c.first_seen,
            sightings.c.last_seen,
        )
        .join(sightings, sightings.c.sha256 == certificates.c.sha256)
        .where(sightings.c.endpoint == endpoint)
        .order_by(desc(sightings.c.first_seen))
        .limit(MAX_PAGE)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def matrix(connection: Connection, now: float, limit: int = 200) -> tuple[list[str], list[Row]]:
    """Endpoints against policies: how many open findings each policy has at each, the worst endpoints first."""
    count, worst = func.count().label("count"), func.max(findings.c.severity).label("worst")
    statement = (
        select(findings.c.endpoint, findings.c.policy, count, worst)
        .where(open_now(now), findings.c.policy != "")
        .group_by(findings.c.endpoint, findings.c.policy)
        .order_by(desc(worst), findings.c.endpoint)
        .limit(limit * 20)
    )
    rows: dict[str, Row] = {}
    policies = set()
    for row in connection.execute(statement).mappings():
        policies.add(row["policy"])
        if row["endpoint"] in rows or len(rows) < limit:
            rows.setdefault(row["endpoint"], {})[row["policy"]] = {"count": row["count"], "worst": row["worst"]}
    return sorted(policies), [{"endpoint": endpoint, "cells": cells} for endpoint, cells in rows.items()]

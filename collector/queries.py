"""Answers to what pages and API ask. Each takes a connection and gives plain data; nothing here changes anything."""

import json
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    Connection,
    Double,
    Integer,
    Select,
    cast,
    desc,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.sql.elements import ColumnElement, TextClause

from collector.paging import MAX_PAGE, Order, Page, Place, Row, containing, page
from collector.store.rows import SEVERITIES
from collector.store.tables import (
    IS_NEWS,
    IS_OPEN,
    IS_OVER,
    RANK_STEP,
    endpoints,
    findings,
    hours,
    probes,
    tallies,
)

CLASSES: Final = ("tls", "ipsec", "encrypted", "plaintext", "unknown")
PROTECTED: Final = frozenset(CLASSES[:3])
WORKFLOWS: Final = ("open", "acknowledged", "suppressed", "resolved")
MAX_CHECKS: Final = 100  # of the overview: a hostile probe may make up more
MAX_CELLS: Final = 50_000  # findings counted for the matrix of standards
MAX_SORTED: Final = 20_000  # findings of a site that are sorted for a page of them
PLACE: Final = Place()
DAY: Final = 86_400.0


class FindingFilter(Struct, frozen=True, kw_only=True):
    """What findings are asked for; empty: all."""

    workflow: str = ""
    severity: str = ""
    """At least this."""
    check: str = ""
    endpoint: str = ""
    site: str = ""
    policy: str = ""
    text: str = ""
    """In title, endpoint or name."""


def is_open() -> TextClause:
    """Findings that somebody should look at. Suppressed ones whose time is over are opened by the store."""
    return sql(f"({IS_OPEN})")


_FINDINGS: Final = Order(
    (findings.c.severity, findings.c.last_seen, findings.c.uid, findings.c.probe_id), descending=True
)
_ENDPOINTS: Final = Order((endpoints.c.rank, endpoints.c.endpoint))


def finding_page(connection: Connection, wanted: FindingFilter, place: Place = PLACE) -> Page:
    """The worst first, then the latest. Raises CursorError."""
    statement = select(*(column for column in findings.c if column.name != "record")).where(*_wanted(wanted))
    lists = _at_site(connection, statement, wanted) if wanted.site else list(_lists(statement, wanted))
    found = page(connection, _FINDINGS, lists, place, containing(wanted.text, "title", "endpoint", "name"))
    return _with_probes(connection, found)


def _at_site(connection: Connection, statement: Select[Any], wanted: FindingFilter) -> list[Select[Any]]:
    """A site with few findings is sorted; of one with many a list in the order of an index soon has enough."""
    site, f = select(probes.c.id).where(probes.c.site == wanted.site), findings.c
    some = select(literal(1)).where(f.probe_id.in_(site)).limit(MAX_SORTED + 1).subquery()
    if connection.execute(select(func.count()).select_from(some)).scalar_one() > MAX_SORTED:
        # The sum keeps SQLite from reading all findings of the site and sorting them.
        return list(_lists(statement.where((f.probe_id + 0).in_(site)), wanted))
    those = statement.where(f.probe_id.in_(site))
    if wanted.workflow == "open":
        # What is put together is no column, and no other index is thought of.
        return [those.where(f.workflow.concat("") == "open", f.status.in_(("fail", "warn")))]
    return [those.where(f.workflow.concat("") == wanted.workflow) if wanted.workflow else those]


def _lists(statement: Select[Any], wanted: FindingFilter) -> Iterator[Select[Any]]:
    """By state, each in the order of an index; those of an endpoint are few and come from its own."""
    workflow = findings.c.workflow
    if wanted.endpoint and wanted.workflow != "open":
        # What is put together is no column, and no other index is thought of.
        yield statement.where(workflow.concat("") == wanted.workflow) if wanted.workflow else statement
        return
    if wanted.workflow in {"", "open"}:
        yield statement.where(is_open())
    if wanted.workflow != "open":
        for word in (wanted.workflow,) if wanted.workflow else WORKFLOWS:
            yield statement.where(sql(f"NOT ({IS_OPEN})"), workflow == word)


def _wanted(wanted: FindingFilter) -> Iterator[ColumnElement[bool] | TextClause]:
    if wanted.severity in SEVERITIES:
        yield findings.c.severity >= SEVERITIES.index(wanted.severity)
    for column, value in (
        (findings.c.check_id, wanted.check),
        (findings.c.endpoint, wanted.endpoint),
        (findings.c.policy, wanted.policy),
    ):
        if value:
            yield column == value
    if wanted.policy:
        yield sql("policy <> ''")


def _with_probes(connection: Connection, found: Page) -> Page:
    """Each row with `site` and `probe`."""
    numbers = {row["probe_id"] for row in found.rows}
    statement = select(probes.c.id, probes.c.site, probes.c.probe).where(probes.c.id.in_(numbers))
    names = {number: {"site": site, "probe": probe} for number, site, probe in connection.execute(statement)}
    for row in found.rows:
        row.update(names.get(row["probe_id"], {"site": "", "probe": ""}))
    return found


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


def by_severity(connection: Connection) -> dict[str, int]:
    """Open findings, the worst first; severities without any are there with 0."""
    statement = select(tallies.c.severity, func.sum(tallies.c.findings)).group_by(tallies.c.severity)
    counts = {severity: int(count) for severity, count in connection.execute(statement)}
    return {name: counts.get(number, 0) for number, name in reversed(list(enumerate(SEVERITIES)))}


def by_check(connection: Connection) -> list[Row]:
    """Open findings by check, the worst first, then the most; at most MAX_CHECKS."""
    t = tallies.c
    count = func.sum(t.findings).label("findings")
    statement = select(t.check_id, t.severity, count).group_by(t.check_id, t.severity).having(count > 0)
    checks: dict[str, Row] = {}
    for row in connection.execute(statement.order_by(desc(t.severity), desc(count)).limit(MAX_CHECKS * 5)).mappings():
        check = {"check_id": row["check_id"], "findings": 0, "severity": row["severity"]}
        checks.setdefault(row["check_id"], check)["findings"] += int(row["findings"])
    order = sorted(checks.values(), key=lambda row: (-row["severity"], -row["findings"], row["check_id"]))
    return order[:MAX_CHECKS]


def changes(connection: Connection, since: float, limit: int = 20) -> list[Row]:
    """Findings that are new or were resolved since then, but for severity info: the worst first, then the latest."""
    f = findings.c
    columns = (f.probe_id, f.uid, f.title, f.endpoint, f.severity, f.workflow, f.changed)
    news = select(*columns, f.first_seen.label("at")).where(sql(IS_NEWS), f.first_seen >= since)
    over = select(*columns, f.changed.label("at")).where(sql(IS_OVER))
    over = over.where(f.status != "not_observable", f.changed >= since)
    found: dict[tuple[int, str], Row] = {}
    for severity in range(len(SEVERITIES) - 1, 0, -1):  # one by one: each is the end of an index
        some: dict[tuple[int, str], Row] = {}
        for statement, order in ((news, f.first_seen), (over, f.changed)):
            latest = statement.where(f.severity == severity).order_by(desc(order)).limit(limit)
            some |= {(row["probe_id"], row["uid"]): dict(row) for row in connection.execute(latest).mappings()}
        found |= dict(sorted(some.items(), key=lambda one: (-one[1]["at"], one[0])))
        if len(found) >= limit:
            break
    return list(found.values())[:limit]


def protected(connection: Connection, since: float, until: float, endpoint: str = "") -> dict[str, Row]:
    """Flows and bytes by class in a period, to the hour in which it begins."""
    h = hours.c
    statement = select(h["class"], _sum(h.flows).label("flows"), _sum(h.bytes).label("bytes"))
    found = {
        row["class"]: {"flows": int(row["flows"]), "bytes": int(row["bytes"])}
        for row in connection.execute(_within(statement, since, until, endpoint).group_by(h["class"])).mappings()
    }
    return {name: found.get(name, {"flows": 0, "bytes": 0}) for name in CLASSES}


def _within(statement: Select[Any], since: float, until: float, endpoint: str) -> Select[Any]:
    h = hours.c
    return statement.where(h.endpoint == endpoint, h.start >= int(since) // 3600 * 3600, h.start < int(until))


def _sum(column: ColumnElement[int]) -> ColumnElement[float]:
    # As floats: sums of whole numbers that do not fit are an error in both engines.
    return func.sum(cast(column, Double))


def share(classes: dict[str, Row]) -> float | None:
    """Of the bytes, those that are protected; None if there were none."""
    total = sum(row["bytes"] for row in classes.values())
    return sum(row["bytes"] for name, row in classes.items() if name in PROTECTED) / total if total else None


def history(connection: Connection, since: float, until: float, step: int, endpoint: str = "") -> list[Row]:
    """Bytes by class for each step (whole hours) of a period; of one endpoint, or of all that was carried."""
    h = hours.c
    # The number itself: with a parameter PostgreSQL does not see that what is grouped by is what is shown.
    slot = (h.start - h.start % literal_column(str(int(step)), Integer)).label("slot")
    statement = _within(select(slot, h["class"], _sum(h.bytes).label("bytes")), since, until, endpoint)
    slots: dict[int, Row] = {}
    for row in connection.execute(statement.group_by(slot, h["class"])).mappings():
        slots.setdefault(int(row["slot"]), dict.fromkeys(CLASSES, 0))[row["class"]] = int(row["bytes"])
    return [{"start": start, **classes} for start, classes in sorted(slots.items())]


def endpoint_page(connection: Connection, now: float, text: str = "", place: Place = PLACE) -> Page:
    """Endpoints with their open findings and traffic of the last day, the worst first. Raises CursorError."""
    e, h = endpoints.c, hours.c
    statement = select(e.endpoint, e.name, e.last_seen, e.rank)
    found = page(connection, _ENDPOINTS, [statement], place, containing(text, "endpoint", "name"))
    names = [row["endpoint"] for row in found.rows]
    sums = select(h.endpoint, _sum(h.bytes)).where(h.endpoint.in_(names), h.start >= int(now - DAY) // 3600 * 3600)
    carried = {endpoint: int(size) for endpoint, size in connection.execute(sums.group_by(h.endpoint))}
    for row in found.rows:
        row["worst"], row["open"] = ranked(row.pop("rank"))
        row["bytes"] = carried.get(row["endpoint"], 0)
    return found


def ranked(rank: int) -> tuple[int, int]:
    """The worst severity of open findings (-1 without any) and their number."""
    worst, count = divmod(-rank, RANK_STEP)
    return worst - 1, count


def matrix(connection: Connection, limit: int = 200) -> tuple[list[str], list[Row]]:
    """Endpoints against policies: how many open findings each policy has at each, the worst endpoints first."""
    e, f = endpoints.c, findings.c
    # Twice as many, because some may have no finding of a policy.
    worst_first = select(e.endpoint).where(e.rank < 0).order_by(e.rank, e.endpoint).limit(2 * limit)
    rows: dict[str, Row] = {endpoint: {} for endpoint in connection.execute(worst_first).scalars()}
    some = select(f.endpoint, f.policy, f.severity).where(f.endpoint.in_(list(rows)), is_open(), f.policy != "")
    part = some.limit(MAX_CELLS).subquery().c
    statement = select(part.endpoint, part.policy, func.count(), func.max(part.severity))
    for endpoint, policy, count, worst in connection.execute(statement.group_by(part.endpoint, part.policy)):
        rows[endpoint][policy] = {"count": count, "worst": worst}
    shown = [{"endpoint": endpoint, "cells": cells} for endpoint, cells in rows.items() if cells][:limit]
    return sorted({policy for row in shown for policy in row["cells"]}), shown

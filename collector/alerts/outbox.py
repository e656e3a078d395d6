"""From findings to messages in the outbox, in the store's own transactions: whatever happens, each is made once.

    findings that changed ─► alerted (rule, uid) ─► outbox (one row for each end) ─► sent

A finding is taken up by a rule once; it can be taken up again after it was resolved. Only the last step can happen
twice, when the collector dies between sending and writing that down; the message then has the same id.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, desc, func, insert, literal, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from collector.alerts.matching import group, is_quiet, matches, message
from collector.alerts.settings import Alerts, Rule
from collector.paging import Row
from collector.queries import is_open
from collector.store.rows import SEVERITIES
from collector.store.tables import alerted, findings, meta, outbox, probes

OVERLAP: Final = 10.0  # seconds looked at again, for transactions that ended after later ones
PAGE: Final = 2000  # findings looked at in one go
MOST: Final = 5000  # of one message, counted; the rest makes another
LEASE: Final = 60.0  # seconds for which one collector does this work
BACK_OFF: Final = (5.0, 900.0)  # seconds between attempts, doubled each time: first and longest
GIVE_UP: Final = 3 * 86_400.0  # seconds after which a message is given up
KEEP: Final = 30 * 86_400.0  # seconds that messages are kept after they were sent
_CURSOR: Final = "alerts_cursor"
_LEASE: Final = "alerts_lease"


def lease(connection: Connection, owner: str, now: float) -> bool:
    """Whether this collector may do the work: of several on one database one at a time."""
    mine = f"{now + LEASE:017.3f} {owner}"
    made = _dialect(connection).insert(meta).values(key=_LEASE, value=mine).on_conflict_do_nothing()
    if connection.execute(made).rowcount == 1:
        return True
    free = (meta.c.value < f"{now:017.3f}") | meta.c.value.endswith(f" {owner}", autoescape=True)
    taken = connection.execute(update(meta).where(meta.c.key == _LEASE, free).values(value=mine))
    return taken.rowcount == 1


def gather(connection: Connection, rules: Sequence[Rule], now: float) -> bool:
    """Take up what changed since the last time, PAGE of them; whether there are more.

    The first time begins with what changes from then on.
    """
    at, number, uid, goes_on = _cursor(connection, now)
    if not goes_on:
        _forget(connection, at)
    f = findings.c
    columns = (f.uid, f.probe_id, f.check_id, f.severity, f.endpoint, f.policy, f.changed, probes.c.site)
    later = tuple_(f.changed, f.probe_id, f.uid) > tuple_(literal(at), literal(number), literal(uid))
    least = min(SEVERITIES.index(rule.severity) for rule in rules)
    changed = select(f.changed, f.probe_id, f.uid).where(f.changed >= at, later)
    looked = changed.order_by(f.changed, f.probe_id, f.uid).limit(PAGE)
    keys = [tuple(key) for key in connection.execute(looked)]
    if keys:
        wanted = select(*columns).join(probes, probes.c.id == f.probe_id).where(is_open(), f.severity >= least)
        mine = wanted.where(tuple_(f.probe_id, f.uid).in_([key[1:] for key in keys]))
        _take_up(connection, rules, [dict(row) for row in connection.execute(mine).mappings()], now)
    more = len(keys) == PAGE
    cursor = [*keys[-1], True] if more else [now - OVERLAP, 0, "", False]
    connection.execute(update(meta).where(meta.c.key == _CURSOR).values(value=json.dumps(cursor)))
    return more


def _cursor(connection: Connection, now: float) -> tuple[float, int, str, bool]:
    """Behind which finding to go on, and whether that is in the middle of a round."""
    found = connection.execute(select(meta.c.value).where(meta.c.key == _CURSOR)).scalar_one_or_none()
    if found is None:
        connection.execute(insert(meta).values(key=_CURSOR, value=json.dumps([now - OVERLAP, 0, "", False])))
        return now, 0, "", False
    told = json.loads(found)
    if not isinstance(told, list):  # as collectors before 0003 wrote it
        return float(told) - OVERLAP, 0, "", False
    at, number, uid, goes_on = told
    return float(at), int(number), str(uid), bool(goes_on)


def _take_up(connection: Connection, rules: Sequence[Rule], rows: Sequence[Row], now: float) -> None:
    taken = {
        (rule.name, row["uid"]): {"rule": rule.name, "uid": row["uid"], "since": now, "common": group(rule, row)[:200]}
        for row in rows
        for rule in rules
        if matches(rule, row)
    }
    waiting = list(taken.values())
    for first in range(0, len(waiting), PAGE):  # four parameters a row; SQLite takes 32,766
        statement = _dialect(connection).insert(alerted).values(waiting[first : first + PAGE])
        connection.execute(statement.on_conflict_do_nothing())


def _forget(connection: Connection, since: float) -> None:
    """Findings that were resolved, everywhere: if they come back somebody wants to hear of it."""
    f = findings.alias()
    resolved = select(findings.c.uid).where(findings.c.workflow == "resolved", findings.c.changed >= since)
    elsewhere = select(f.c.uid).where(f.c.uid == alerted.c.uid, f.c.workflow != "resolved").exists()
    connection.execute(delete(alerted).where(alerted.c.uid.in_(resolved), ~elsewhere))


def fill(connection: Connection, alerts: Alerts, now: float) -> int:
    """Messages from groups that have waited long enough; how many rows of the outbox."""
    rules = {rule.name: rule for rule in alerts.rule}
    a = alerted.c
    waiting = (
        select(a.rule, a.common, func.min(a.since).label("since")).where(a.sent.is_(None)).group_by(a.rule, a.common)
    )
    count = 0
    for name, common, since in connection.execute(waiting).all():
        rule = rules.get(name)
        if rule is None:  # no longer configured
            connection.execute(delete(alerted).where(a.rule == name, a.sent.is_(None)))
        elif since + rule.wait <= now and _last(connection, name, common) + rule.again <= now:
            count += _put(connection, alerts, rule, common, now)
    return count


def _last(connection: Connection, rule: str, common: str) -> float:
    """When a message about this group was made last."""
    statement = select(func.max(outbox.c.created)).where(outbox.c.rule == rule, outbox.c.common == common)
    return float(connection.execute(statement).scalar_one() or float("-inf"))


def _put(connection: Connection, alerts: Alerts, rule: Rule, common: str, now: float) -> int:
    a, f = alerted.c, findings.c
    here = (a.rule == rule.name) & (a.common == common) & a.sent.is_(None)
    columns = (f.uid, f.check_id, f.severity, f.title, f.endpoint, f.name, f.policy, f.rule, f.first_seen, f.last_seen)
    statement = (
        select(*columns, probes.c.site, probes.c.probe)
        .join(alerted, a.uid == f.uid)
        .join(probes, probes.c.id == f.probe_id)
        .where(here, is_open())
        .order_by(desc(f.severity), desc(f.last_seen), f.uid)
        .limit(MOST)
    )
    rows = {row["uid"]: dict(row) for row in reversed(list(connection.execute(statement).mappings()))}
    told = [row for row in reversed(list(rows.values())) if not is_quiet(alerts.maintenance, row["site"], now)]
    if len(rows) < MOST:  # what is no longer open needs nobody
        gone = select(f.uid).where(f.uid == a.uid, is_open()).exists()
        connection.execute(delete(alerted).where(here, ~gone))
    if not told:
        return 0
    uids = sorted(row["uid"] for row in told)
    key = hashlib.sha256(json.dumps([rule.name, common, uids, now]).encode()).hexdigest()[:32]
    connection.execute(update(alerted).where(a.rule == rule.name, a.uid.in_(uids)).values(sent=now))
    body = json.dumps(message(rule, common, told, key, alerts.url))
    row = {"key": key, "rule": rule.name, "common": common, "body": body, "created": now, "next": now}
    connection.execute(insert(outbox), [{**row, "target": target, "attempts": 0, "failed": ""} for target in rule.to])
    return len(rule.to)


def due(connection: Connection, now: float, most: int = 20) -> list[Row]:
    """Messages to be sent now, the oldest first."""
    o = outbox.c
    statement = select(outbox).where(o.done.is_(None), o.next <= now).order_by(o.next, o.id).limit(most)
    return [dict(row) for row in connection.execute(statement).mappings()]


def settle(connection: Connection, row: Row, now: float, failed: str = "") -> None:
    """Write down what became of an attempt; without a reason it was taken."""
    values: dict[str, Any] = {"attempts": row["attempts"] + 1, "failed": failed[:200]}
    if not failed or now - row["created"] > GIVE_UP:
        values["done"] = now
    else:
        values["next"] = now + min(BACK_OFF[0] * 2 ** min(row["attempts"], 20), BACK_OFF[1])
    connection.execute(update(outbox).where(outbox.c.id == row["id"]).values(**values))


def tidy(connection: Connection, now: float) -> None:
    """Forget what was sent long ago, and findings that are no longer kept."""
    connection.execute(delete(outbox).where(outbox.c.done < now - KEEP))
    kept = select(findings.c.uid).where(findings.c.uid == alerted.c.uid).exists()
    connection.execute(delete(alerted).where(~kept))


def latest(connection: Connection, limit: int = 50) -> list[Row]:
    """For pages: messages, the latest first, without their content."""
    o = outbox.c
    columns = (o.key, o.rule, o.common, o.target, o.created, o.attempts, o.done, o.failed)
    return [dict(row) for row in connection.execute(select(*columns).order_by(desc(o.id)).limit(limit)).mappings()]


def _dialect(connection: Connection) -> Any:  # noqa: ANN401 - a module
    return postgresql if connection.dialect.name == "postgresql" else sqlite

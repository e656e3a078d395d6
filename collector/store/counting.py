"""Counts that pages ask for, kept by triggers: in the transaction of what is counted, whoever changes it.

    findings      ─► endpoints (open ones by severity), tallies (open ones by check and severity)
    traffic       ─► hours (flows and bytes by endpoint, hour and class, of all probes)
    certificates  ─► keys (certificates of servers by public key)

A collector makes the triggers of its version when it opens the store. What they count is held against the truth by
`differences`. SQLite counts row by row; PostgreSQL once for each statement, and collectors beside each other count into
rows of their own (`shard`), so that they need not wait for each other.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, text

from collector.store.tables import meta

MINUTE: Final = 60  # seconds that an endpoint's `last_seen` may be behind, so that few rows change with every report
_SHARDS: Final = 16
_MOST: Final = 1 << 62  # in one row of `hours`: a hostile sum that does not fit stops nothing
_KEY: Final = "triggers"
_AREAS: Final = ("ike", "esp", "ipsec", "ah", "vpn")
_IS_OPEN: Final = "{0}.workflow = 'open' AND {0}.status IN ('fail', 'warn')"
_OF_IPSEC: Final = " OR ".join(f"{{0}}.check_id LIKE '{area}.%'" for area in _AREAS)


class Count(Struct, frozen=True):
    """What one table counts of another's rows; `{0}` is the row."""

    table: str
    of: str
    by: dict[str, str]
    """Its key, but for `shard`."""
    sums: dict[str, str]
    if_: str = "1 = 1"
    latest: dict[str, str] = {}
    """Of these the largest value ever."""
    is_shared: bool = False

    @property
    def key(self) -> str:
        """The columns of its key."""
        return ", ".join([*self.by, "shard"] if self.is_shared else self.by)

    @property
    def columns(self) -> list[str]:
        """All that is written."""
        return [*self.by, *(["shard"] if self.is_shared else []), *self.latest, *self.sums]


COUNTS: Final = (
    Count(
        "endpoints",
        "findings",
        {"endpoint": "{0}.endpoint"},
        {
            "known": "1",
            **{f"open{n}": f"CASE WHEN {_IS_OPEN} AND {{0}}.severity = {n} THEN 1 ELSE 0 END" for n in range(5)},
            "ipsec": f"CASE WHEN {_IS_OPEN} AND ({_OF_IPSEC}) THEN 1 ELSE 0 END",
        },
        latest={"name": "{0}.name", "last_seen": "{0}.last_seen"},
    ),
    Count(
        "tallies",
        "findings",
        {"check_id": "{0}.check_id", "severity": "{0}.severity"},
        {"findings": "1"},
        _IS_OPEN,
        is_shared=True,
    ),
    Count(
        "hours",
        "traffic",
        {"endpoint": "{0}.endpoint", "start": "{0}.start - {0}.start % 3600", "class": "{0}.class"},
        {"flows": "{0}.flows", "bytes": "{0}.bytes"},
        is_shared=True,
    ),
    Count(
        "keys",
        "certificates",
        {"spki_sha256": "{0}.spki_sha256"},
        {"certificates": "1"},
        "NOT {0}.ca AND {0}.spki_sha256 <> ''",
    ),
)
_READ: Final = {
    "findings": ("endpoint", "name", "check_id", "severity", "status", "workflow", "last_seen"),
    "traffic": ("endpoint", "start", "class", "flows", "bytes"),
    "certificates": ("spki_sha256", "ca"),
}
"""The columns on which counts depend."""


def install(connection: Connection) -> None:
    """The triggers of this version, where others are there or none."""
    statements = list(_sqlite() if connection.dialect.name == "sqlite" else _postgresql())
    digest = hashlib.sha256("".join(statements).encode()).hexdigest()
    if connection.execute(select(meta.c.value).where(meta.c.key == _KEY)).scalar_one_or_none() == digest:
        return
    for statement in statements:
        connection.execute(text(statement))
    connection.execute(delete(meta).where(meta.c.key == _KEY))
    connection.execute(insert(meta).values(key=_KEY, value=digest))


def recount(connection: Connection) -> None:
    """All counts anew, from what there is."""
    for count in COUNTS:
        connection.execute(text(f"DELETE FROM {count.table}"))
        told = [*count.by.values(), *(["0"] if count.is_shared else [])]
        told += [f"max({value})" for value in count.latest.values()]
        told += [_held(connection, value) for value in count.sums.values()]
        query = f"SELECT {', '.join(told)} FROM {count.of} WHERE {count.if_} GROUP BY {', '.join(count.by.values())}"
        into = f"INSERT INTO {count.table} ({', '.join(count.columns)})"
        connection.execute(text(f"{into} {query.format(count.of)}"))


def differences(connection: Connection) -> dict[str, int]:
    """By table of counts, in how many rows they are not what there is. Reads everything."""
    found = {}
    for count in COUNTS:
        by, sums = ", ".join(count.by), ", ".join(f"sum({name})" for name in count.sums)
        some = " OR ".join(f"sum({name}) <> 0" for name in count.sums)
        counted = f"SELECT {by}, {sums} FROM {count.table} GROUP BY {by} HAVING {some}"
        keys, told = ", ".join(count.by.values()), ", ".join(f"sum({value})" for value in count.sums.values())
        some = " OR ".join(f"sum({value}) <> 0" for value in count.sums.values())
        truth = f"SELECT {keys}, {told} FROM {count.of} WHERE {count.if_} GROUP BY {keys} HAVING {some}"
        both = (counted, truth.format(count.of))
        off = (f"SELECT count(*) FROM ({one} EXCEPT {other}) z" for one, other in (both, both[::-1]))
        found[count.table] = sum(int(connection.execute(text(query)).scalar_one()) for query in off)
    return found


def _held(connection: Connection, value: str) -> str:
    """A sum that has room in its column, whatever was told."""
    if connection.dialect.name == "sqlite":
        return f"CAST(min(total({value}), {_MOST}) AS INTEGER)"
    return f"least(sum({value}), {_MOST})"


def _sqlite() -> Iterator[str]:
    """A trigger for each event; a change takes the old row away and adds the new one."""
    for of, columns in _READ.items():
        counts = [count for count in COUNTS if count.of == of]
        add, take = ("".join(_added(count, row, sign) for count in counts) for row, sign in (("NEW", 1), ("OLD", -1)))
        take_after = "".join(_emptied(count) for count in counts if not count.is_shared)
        changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in columns if column != "last_seen")
        for event, when, body in (
            ("insert", "", add),
            ("update", f"WHEN {changed}", take + add + take_after),
            ("delete", "", take + take_after),
        ):
            yield f"DROP TRIGGER IF EXISTS {of}_{event}"
            yield f"CREATE TRIGGER {of}_{event} AFTER {event} ON {of} {when} BEGIN {body} END"
    yield "DROP TRIGGER IF EXISTS findings_seen"
    yield (
        "CREATE TRIGGER findings_seen AFTER UPDATE ON findings WHEN NEW.last_seen > OLD.last_seen BEGIN "
        "UPDATE endpoints SET last_seen = NEW.last_seen "
        f"WHERE endpoint = NEW.endpoint AND last_seen < NEW.last_seen - {MINUTE}; END"
    )


def _added(count: Count, row: str, sign: int) -> str:
    told = [*count.by.values(), *(["0"] if count.is_shared else []), *count.latest.values()]
    told += [f"{sign} * ({value})" for value in count.sums.values()]
    kept = [f"{name} = max({name}, excluded.{name})" for name in count.latest]
    kept += [f"{name} = min({name} + excluded.{name}, {_MOST})" for name in count.sums]
    return (
        f"INSERT INTO {count.table} ({', '.join(count.columns)}) SELECT {', '.join(told)} WHERE {count.if_} "
        f"ON CONFLICT ({count.key}) DO UPDATE SET {', '.join(kept)};"
    ).format(row)


def _emptied(count: Count) -> str:
    """A row that counts nothing any more goes; its key is in the row that went."""
    same = " AND ".join(f"{name} = {value.format('OLD')}" for name, value in count.by.items())
    return f"DELETE FROM {count.table} WHERE {same} AND {next(iter(count.sums))} <= 0;"


def _postgresql() -> Iterator[str]:
    """A trigger for each event, called with all rows of a statement."""
    for of, columns in _READ.items():
        counts = [count for count in COUNTS if count.of == of]
        told = ", ".join(columns)
        fresh, stale = f"SELECT {told}, 1 AS n FROM fresh", f"SELECT {told}, -1 AS n FROM stale"
        for event, rows, tables in (
            ("insert", fresh, "NEW TABLE AS fresh"),
            ("update", f"{stale} UNION ALL {fresh}", "OLD TABLE AS stale NEW TABLE AS fresh"),
            ("delete", stale, "OLD TABLE AS stale"),
        ):
            body = "".join(_summed(count, rows) for count in counts)
            if event != "insert":
                body += "".join(_emptied_by(count) for count in counts if not count.is_shared)
            name = f"{of}_{event}"
            yield (
                f"CREATE OR REPLACE FUNCTION count_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN {body} RETURN NULL; END $$"
            )
            yield f"DROP TRIGGER IF EXISTS {name} ON {of}"
            yield (
                f"CREATE TRIGGER {name} AFTER {event} ON {of} REFERENCING {tables} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION count_{name}()"
            )


def _summed(count: Count, rows: str) -> str:
    """In the order of the key, so that two collectors do not wait for each other."""
    shard = f", pg_backend_pid() % {_SHARDS} AS shard" if count.is_shared else ""
    told = [f"{value.format('c')} AS {name}" for name, value in count.by.items()]
    told += [f"max({value.format('c')}) AS {name}" for name, value in count.latest.items()]
    told += [f"sum(c.n * ({value.format('c')})) AS {name}" for name, value in count.sums.items()]
    keys = ", ".join(str(number + 1) for number in range(len(count.by)))
    where = count.if_.format("c")
    grouped = f"SELECT {', '.join(told)}{shard} FROM ({rows}) c WHERE {where} GROUP BY {keys}"
    news = [f"d.{name} <> 0" for name in count.sums]
    join = ""
    if count.latest:
        join = f"LEFT JOIN {count.table} k ON " + " AND ".join(f"k.{name} = d.{name}" for name in count.by)
        news += [f"d.last_seen > k.last_seen + {MINUTE}", "d.name > k.name"]
    kept = [f"{name} = greatest(t.{name}, excluded.{name})" for name in count.latest]
    kept += [f"{name} = least(CAST(t.{name} AS numeric) + excluded.{name}, {_MOST})" for name in count.sums]
    held = [f"least(d.{name}, {_MOST})" if name in count.sums else f"d.{name}" for name in count.columns]
    return (
        f"INSERT INTO {count.table} AS t ({', '.join(count.columns)}) SELECT {', '.join(held)} "
        f"FROM ({grouped}) d {join} WHERE {' OR '.join(news)} ORDER BY {', '.join(f'd.{name}' for name in count.by)} "
        f"ON CONFLICT ({count.key}) DO UPDATE SET {', '.join(kept)};"
    )


def _emptied_by(count: Count) -> str:
    keys = ", ".join(f"{value.format('s')} AS {name}" for name, value in count.by.items())
    same = " AND ".join(f"t.{name} = g.{name}" for name in count.by)
    first = next(iter(count.sums))
    return f"DELETE FROM {count.table} t USING (SELECT DISTINCT {keys} FROM stale s) g WHERE {same} AND t.{first} <= 0;"

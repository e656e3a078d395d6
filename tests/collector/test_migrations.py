"""A database of the first collector becomes one of today with all that it holds, and looks as if made today."""

from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from fleet import NOW, finding, message
from sqlalchemy import Connection, create_engine, inspect, select, text

from collector import queries
from collector.store import migrations
from collector.store.errors import StoreError
from collector.store.store import Store
from collector.store.tables import aside, audit, certificates, findings, probes, received, traffic

FIRST = Path(__file__).parent / "v1"
"""Dumps of databases that the first collector on main (609479a) wrote, by sqlite3's iterdump and by pg_dump."""


@pytest.fixture
def first(url: str) -> str:
    """The url of a database of version 1."""
    engine = create_engine(url)
    statements = (FIRST / f"{engine.dialect.name}.sql").read_text().split(";\n")
    with engine.begin() as connection:
        for statement in statements:
            if statement.strip() not in {"", "BEGIN TRANSACTION", "COMMIT"}:
                connection.exec_driver_sql(statement.replace("%", "%%"))
    engine.dispose()
    return url


def _rows(connection: Connection, statement: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(statement).mappings()]


def test_what_the_first_collector_kept_is_there_and_goes_on(first: str) -> None:
    store = Store(first)
    with store.reading() as connection:
        kept = _rows(connection, select(findings, probes.c.probe).join(probes, probes.c.id == findings.c.probe_id))
        assert {(row["probe"], row["uid"]) for row in kept} == {("p1", "a"), ("p1", "b"), ("p1", "c"), ("p2", "a")}
        (decided,) = queries.finding(connection, "b")
        assert (decided["workflow"], decided["note"]) == ("acknowledged", "known")
        assert decided["title"].startswith("Password of account “alice”")
        assert len(_rows(connection, select(certificates))) == 2
        assert _rows(connection, select(received.c.seq, received.c.part)) == [{"seq": 5, "part": ""}]
        assert [row["what"] for row in _rows(connection, select(audit))] == ["acknowledged b known"]
        assert [row["payload"] for row in _rows(connection, select(aside))] == [b"not an envelope"]
        assert sum(row["bytes"] for row in _rows(connection, select(traffic))) == 300
    again = store.write([message(finding("a"), seq=0), message(finding("a"), seq=5, by="p2")], NOW)
    assert (again.envelopes, again.duplicates) == (0, 2)
    assert store.write([message(finding("d"), seq=3, part="1/2"), message(finding("e"), by="p3")], NOW).envelopes == 2
    store.close()


# SQLAlchemy cannot read an index on an expression; their text is compared.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")
def test_it_looks_as_if_made_today(first: str) -> None:
    Store(first).close()
    engine = create_engine(first)
    with engine.begin() as connection:
        old = _shape(connection)
        for table in [*reversed(inspect(connection).get_table_names())]:
            connection.exec_driver_sql(f"DROP TABLE {table}")
    engine.dispose()
    Store(first).close()
    engine = create_engine(first)
    with engine.connect() as connection:
        assert _shape(connection) == old
    engine.dispose()


def _column(column: Any) -> tuple[Any, ...]:
    return column["name"], str(column["type"]), column["nullable"], str(column.get("computed"))


def _shape(connection: Connection) -> list[tuple[Any, ...]]:
    """Keys, columns, indexes with their conditions, triggers."""
    there = inspect(connection)
    shape: list[tuple[Any, ...]] = [
        (table, tuple(there.get_pk_constraint(table)["constrained_columns"]), tuple(sorted(map(_column, columns))))
        for table in sorted(there.get_table_names())
        for columns in [there.get_columns(table)]
    ]
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
    else:
        query = (
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL "
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal UNION ALL "
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        )
    return shape + sorted((name, " ".join(sql.split())) for name, sql in connection.exec_driver_sql(query))


def test_there_is_one_way() -> None:
    folder = Path(migrations.__file__).parent
    assert len(ScriptDirectory(str(folder)).get_heads()) == 1


@pytest.fixture
def newer(url: str) -> str:
    store = Store(url)
    with store.changing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    return url


def test_a_database_of_a_newer_collector_is_left_alone(newer: str) -> None:
    with pytest.raises(StoreError, match="of version 9999, newer than this collector: update it"):
        Store(newer)


def test_a_migration_that_fails_leaves_everything(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("as if the process ended here")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr("alembic.operations.Operations.create_index", broken)
        Store(first)
    engine = create_engine(first)
    with engine.connect() as connection:
        assert set(inspect(connection).get_table_names()).isdisjoint({"tunnels", "received_before", "alembic_version"})
        assert connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'schema'").scalar_one() == "1"
    engine.dispose()
    Store(first).close()

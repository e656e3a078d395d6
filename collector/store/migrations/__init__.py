"""From the tables of an older collector to those of this one, by Alembic, whose revisions are in `versions`.

A new database is made from `tables.py` and marked as up to date; `tests/collector/test_migrations.py` holds both ways
to one result, on both engines.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, insert, inspect, text

from collector.store import counting
from collector.store.tables import meta, metadata

UNNUMBERED: Final = "2"  # what collectors from before Alembic find in `meta`, and leave the database alone
_LOCK: Final = 0x7472616E736974  # of PostgreSQL, by its number: collectors that start together take turns


class NewerError(Exception):
    """A newer collector was here; the message is the revision that it left, or its version."""


def upgrade(connection: Connection) -> None:
    """In the transaction of the connection, which has to be one that writes. Raises NewerError."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = _config(connection)
    if not inspect(connection).has_table("meta"):
        metadata.create_all(connection)
        connection.execute(insert(meta).values(key="schema", value=UNNUMBERED))
        command.stamp(config, "head")
        counting.install(connection)
        return
    try:
        command.upgrade(config, "head")
        counting.install(connection)
    except CommandError:
        left = _left(connection)
        if left in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
            raise
        raise NewerError(left) from None


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _left(connection: Connection) -> str:
    return str(connection.execute(text("SELECT max(version_num) FROM alembic_version")).scalar_one_or_none())

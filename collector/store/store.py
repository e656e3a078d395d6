"""The database behind the collector: opened, migrated, written in batches, read beside that."""

import itertools
import socket
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from collector.messages import Aside, Envelope, State
from collector.store import migrations, retention
from collector.store.errors import StoreError, meaning
from collector.store.retention import Kept
from collector.store.writing import Account, Writer

BUSY: Final = 10.0  # seconds that a writer waits for another one's commit
POOL: Final = (5, 3)  # connections that are kept, and more of them while many pages are asked for
CACHE: Final = 8192  # kB of SQLite's pages that each of them holds


class Store:
    """`url`: sqlite:///FILE or postgresql+pg8000://USER@HOST/NAME. Raises StoreError."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        with ExitStack() as otherwise:
            otherwise.callback(self.close)
            try:
                with self._begun() as connection:
                    migrations.upgrade(connection)
            except SQLAlchemyError as error:
                raise meaning(error, "the database cannot be opened") from None
            except migrations.NewerError as error:
                raise StoreError(f"the database is of version {error}, newer than this collector: update it") from None
            otherwise.pop_all()

    def write(self, messages: Iterable[Envelope | State | Aside], now: float) -> Account:
        """One batch, kept as a whole or not at all.

        Raises StoreError; then the same batch may be given again, unless it is a RefusedError.
        """
        try:
            with self._begun() as connection:
                return Writer(connection, now).apply(messages)
        except SQLAlchemyError as error:
            raise meaning(error, "a batch could not be kept") from None

    def keep_house(self, now: float, kept: Kept, stopped: Callable[[], bool] = lambda: False) -> int:
        """Adds up and takes away what is old, if that is due; how many rows went. Raises StoreError."""
        gone = 0
        with self.changing() as connection:
            if not retention.is_due(connection, now):
                return 0
            walks = retention.is_due(connection, now, retention.WALKED, retention.WALK_EVERY)
        for turn in itertools.chain(retention.turns(now, kept), retention.walks(now, kept) if walks else ()):
            goes_on = True
            while goes_on and not stopped():
                with self.changing() as connection:
                    some, goes_on = turn(connection)
                gone += some
        return gone

    def reopen(self, now: float) -> int:
        """Findings whose suppression is over; how many. Raises StoreError."""
        with self.changing() as connection:
            return retention.reopen(connection, now)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for questions, which sees one state of the database. Raises StoreError."""
        try:
            with self._engine.connect() as connection, connection.begin():
                yield connection
        except (DBAPIError, NoConnectionError) as error:
            raise meaning(error, "the database does not answer") from None

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """A connection for what people change: workflow of findings, audit. Raises StoreError."""
        try:
            with self._begun() as connection:
                yield connection
        except (DBAPIError, NoConnectionError) as error:
            raise meaning(error, "the change could not be kept") from None

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        """A transaction that writes. Raises SQLAlchemyError."""
        with self._engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def backup(self, to: Path, progress: Callable[[int, int, int], None] | None = None) -> None:
        """A copy of a SQLite database while it is in use. Raises StoreError; PostgreSQL has pg_dump for this."""
        if not self.is_sqlite:
            raise StoreError("only SQLite is backed up here; use pg_dump for PostgreSQL")
        source = self._engine.raw_connection()
        try:
            with sqlite3.connect(to) as target:
                source.driver_connection.backup(target, pages=1000, progress=progress)  # type: ignore[union-attr]
            target.close()
        except sqlite3.Error as error:
            raise StoreError(f"{to}: {error}") from None
        finally:
            source.close()

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()


def _engine(url: str) -> Engine:
    try:
        kept, more = POOL
        engine = create_engine(
            url, pool_pre_ping=not url.startswith("sqlite"), pool_size=kept, max_overflow=more, pool_timeout=BUSY
        )
    except (SQLAlchemyError, ModuleNotFoundError):
        text = (
            "the store's url is wrong; it is like sqlite:////var/lib/transitproof/collector.db or postgresql+pg8000://…"
        )
        raise StoreError(text) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _pragmas)
        event.listen(engine, "begin", _no_implicit_begin)
    elif engine.dialect.driver == "pg8000":
        event.listen(engine, "connect", _at_once)
    return engine


def _at_once(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
    """Sends at once: every statement would else wait up to 40 ms for the server's delayed acknowledgement."""
    used = getattr(connection, "_usock", None)  # pg8000 has no word for it
    if isinstance(used, socket.socket) and used.family != socket.AF_UNIX:
        used.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
    connection.isolation_level = None  # transactions are begun by us, immediately where they write
    waits, cache = f"busy_timeout={int(BUSY * 1000)}", f"cache_size=-{CACHE}"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", waits, cache, "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _no_implicit_begin(connection: Connection) -> None:
    """SQLAlchemy's begin does nothing here: readers are one statement each, writers say BEGIN IMMEDIATE."""

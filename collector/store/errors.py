"""What a database's error means: it is away and the same may be tried again, or it will not have what was asked."""

from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError

# Classes of SQLSTATE after which the same may go well: connection, rollback, resources (a full disk), an object in use
# (locks), the operator's doing, the system's, and a server that only reads, as a standby does before it takes over.
_AWAY: Final = ("08", "40", "53", "55", "57", "58", "25006")
# Primary codes of SQLite: busy, locked, memory, read-only, I/O, full, cannot open, protocol of locks.
_SQLITE_AWAY: Final = frozenset({5, 6, 7, 8, 10, 13, 14, 15})


class StoreError(Exception):
    """The database does not answer now; the message is one line. The same may be tried again."""


class RefusedError(StoreError):
    """The database answers, and will not have this however often it is tried."""


def meaning(error: SQLAlchemyError, what: str) -> StoreError:
    """The error to raise; `what` begins its message."""
    kind = StoreError if _is_away(error) else RefusedError
    return kind(f"{what}: {why(error)}")


def why(error: SQLAlchemyError) -> str:
    """One line without statement and parameters, which hold names from packets."""
    original = getattr(error, "orig", None)
    told = original.args[0] if isinstance(original, Exception) and original.args else None
    if isinstance(told, dict):  # of PostgreSQL: fields by letter; the detail has values in it
        return f"{told.get('M', '')} ({told.get('C', '')})"[:200]
    text = str(original if original is not None else type(error).__name__)
    return " ".join(text.split())[:200]


def _is_away(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return True  # no connection to be had from the pool
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_AWAY
    told = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return str(told.get("C", "")).startswith(_AWAY) if isinstance(told, dict) else False

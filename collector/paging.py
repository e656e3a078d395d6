"""Pages of long lists. A page begins behind the last row of the one before it, whose key is its cursor, and not after a
number of rows: so each costs the same, and none is missed or shown twice when rows come and go.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Select, func, literal, select, tuple_, union_all
from sqlalchemy.sql.elements import ColumnElement

MAX_PAGE: Final = 500  # rows of one answer
MAX_COUNTED: Final = 2_000  # rows that are counted; what is beyond is "more"
MAX_LOOKED: Final = 2_000  # rows looked at for a text; the next page goes on behind them
MAX_CURSOR: Final = 1_000  # characters
_MOST: Final = 1 << 63

Row = dict[str, Any]


class CursorError(ValueError):
    """A cursor that did not come from the list."""


class Place(Struct, frozen=True):
    """Which part of a list is asked for."""

    limit: int = 50
    after: str = ""
    """The `next` of the page before; empty: from the start."""

    @property
    def rows(self) -> int:
        """Within bounds."""
        return max(1, min(self.limit, MAX_PAGE))


class Page(Struct, frozen=True):
    """A part of a list."""

    rows: list[Row]
    total: int
    """Of the whole list, at most MAX_COUNTED; where a text is looked for, of what was looked at for this page."""
    more: bool
    """Whether there are more than `total`."""
    next: str
    """Where the next page begins; empty on the last one."""


class Order(Struct, frozen=True):
    """By which columns a list is sorted. Together they are unique, and an index has them in this order."""

    columns: tuple[ColumnElement[Any], ...]
    descending: bool = False

    def sorted(self, statement: Select[Any]) -> Select[Any]:
        """In this order."""
        return statement.order_by(*(column.desc() if self.descending else column for column in self.columns))

    def behind(self, key: Sequence[Any]) -> ColumnElement[bool]:
        """What comes after a row of this key."""
        row, last = tuple_(*self.columns), tuple_(*map(literal, key))
        return row < last if self.descending else row > last


def page(
    connection: Connection,
    order: Order,
    lists: Sequence[Select[Any]],
    place: Place,
    fits: Callable[[Row], bool] | None = None,
) -> Page:
    """Of several lists merged into one; each answered from an index, so that no more is read than is shown.

    Each has the columns of `order` among its own. `fits` leaves out what it is false for. Raises CursorError.
    """
    size = place.rows if fits is None else MAX_LOOKED
    found = _merged(connection, order, lists, size + 1, _key(place.after, order))
    rows, goes_on = found[:size], len(found) > size
    if fits is None:
        total = _counted(connection, lists)
        return Page(rows, min(total, MAX_COUNTED), total > MAX_COUNTED, _cursor(order, rows) if goes_on else "")
    fitting = [row for row in rows if fits(row)]
    shown = fitting[: place.rows]
    last = shown if len(fitting) > len(shown) else rows if goes_on else []
    return Page(shown, len(fitting), goes_on, _cursor(order, last))


def containing(text: str, *names: str) -> Callable[[Row], bool] | None:
    """Whether one of these members has the text in it, in whatever case."""
    wanted = text.casefold()
    return (lambda row: any(wanted in row[name].casefold() for name in names)) if wanted else None


def _merged(
    connection: Connection, order: Order, lists: Sequence[Select[Any]], size: int, key: Sequence[Any] | None
) -> list[Row]:
    parts = []
    for one in lists:
        behind = one if key is None else one.where(order.behind(key))
        parts.append(order.sorted(behind).limit(size))
    if len(parts) == 1:
        statement: Any = parts[0]
    else:
        merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
        named = Order(tuple(merged.c[column.key or ""] for column in order.columns), order.descending)
        statement = named.sorted(select(merged)).limit(size)
    return [dict(row) for row in connection.execute(statement).mappings()]


def _counted(connection: Connection, lists: Sequence[Select[Any]]) -> int:
    total = 0
    for one in lists:
        some = one.with_only_columns(literal(1), maintain_column_froms=True).limit(MAX_COUNTED + 1 - total).subquery()
        total += connection.execute(select(func.count()).select_from(some)).scalar_one()
        if total > MAX_COUNTED:
            break
    return total


def _cursor(order: Order, rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    key = [rows[-1][column.key or ""] for column in order.columns]
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _key(cursor: str, order: Order) -> list[float | int | str] | None:
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = msgspec.json.decode(text, type=list[float | int | str])
    except (binascii.Error, ValueError):
        key = []
    if len(key) != len(order.columns) or not all(map(_may_be, key, order.columns)):
        raise CursorError("not the `next` of a page of this list")
    return key


def _may_be(value: float | int | str, column: ColumnElement[Any]) -> bool:  # noqa: PYI041 - JSON tells them apart
    """Whether the engines will compare them."""
    if isinstance(value, str):
        return column.type.python_type is str and "\0" not in value
    return column.type.python_type in {type(value), float} and abs(value) < _MOST

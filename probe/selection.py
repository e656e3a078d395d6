"""Which packets and flows a replay is about: filters, and times as people shorten them.

The filters themselves are read and applied in the core.
"""

import datetime as dt
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from probe.model import NANOSECONDS, rfc3339

if TYPE_CHECKING:
    from probe._parsers import Core

_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?", re.IGNORECASE
)
_EPOCH: Final = re.compile(r"(\d{9,10})(?:\.(\d{1,9}))?")
_SECONDS: Final = (86_400, 3600, 60, 1)  # what a time without hour, minute, second or fraction stands for
_BEGIN: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


_LATEST: Final = 2**64 - 1  # ns in the core


class FilterError(ValueError):
    """A filter that cannot be understood: which, where, and what may have been meant."""


class Moment(Struct, frozen=True):
    """A time as it was written. A shortened one stands for all of it: a day, an hour, a minute, a second."""

    text: str
    begin: int
    """ns."""
    end: int
    """ns; the first moment that does not belong to it."""
    assumed: bool = False
    """No time zone was given, so that UTC was assumed."""


class Selection(Struct, frozen=True):
    """Everything, unless something is asked for."""

    filters: tuple[str, ...] = ()
    begin: int | None = None
    end: int | None = None

    def __bool__(self) -> bool:
        return bool(self.filters) or self.begin is not None or self.end is not None

    def apply(self, core: "Core") -> None:
        """Before the first packet. Raises FilterError."""
        if self:
            span = [None if time is None else min(time, _LATEST) for time in (self.begin, self.end)]
            try:
                core.select(self.filters, *span)
            except ValueError as error:
                raise FilterError(str(error)) from None

    def record(self) -> dict[str, Any]:
        """For the summary."""
        record: dict[str, Any] = {}
        if self.filters:
            record["filter"] = self.text
        if self.begin is not None:
            record["from"] = rfc3339(self.begin)
        if self.end is not None:
            record["until"] = rfc3339(self.end)
        return record

    @property
    def text(self) -> str:
        """The filters as one."""
        return self.filters[0] if len(self.filters) == 1 else " and ".join(f"({text})" for text in self.filters)


def select(
    filters: str | Iterable[str] = (), begin: dt.datetime | str | None = None, end: dt.datetime | str | None = None
) -> Selection:
    """The selection of these arguments of `probe.replay`. Raises ValueError."""
    return Selection(
        filters=(filters,) if isinstance(filters, str) else tuple(filters),
        begin=moment(begin).begin if isinstance(begin, str) else _nanoseconds(begin),
        end=moment(end).end if isinstance(end, str) else _nanoseconds(end),
    )


def moment(text: str) -> Moment:
    """RFC 3339, shortened as one likes, a blank for the T, no zone if it is UTC; or seconds since the epoch.

    Raises ValueError.
    """
    if epoch := _EPOCH.fullmatch(text):
        begin = int(epoch[1]) * NANOSECONDS + _fraction(epoch[2])
        return Moment(text, begin, begin + _unit(epoch[2], NANOSECONDS))
    parts = _TIME.fullmatch(text.strip())
    date, hour, minute, second, fraction, zone = parts.groups() if parts else (None,) * 6
    assumed = zone is None
    zone = "+00:00" if zone is None or zone.upper() in ("Z", "UTC") else zone
    try:
        whole = dt.datetime.fromisoformat(f"{date}T{hour or '00'}:{minute or '00'}:{second or '00'}{zone}")
    except ValueError:
        message = f"{text!r} is no time; write for instance 2026-11-23, 2026-11-23T10:05 or 2026-11-23T10:05:00.5+01:00"
        raise ValueError(message) from None
    begin = max((_nanoseconds(whole) or 0) + _fraction(fraction), 0)
    given = sum(part is not None for part in (hour, minute, second))
    return Moment(text, begin, begin + _unit(fraction, _SECONDS[given] * NANOSECONDS), assumed=assumed)


def _fraction(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0"))


def _unit(digits: str | None, otherwise: int) -> int:
    return otherwise if digits is None else int(10 ** (9 - len(digits)))


def _nanoseconds(time: dt.datetime | None) -> int | None:
    """Exactly; a time without zone is UTC."""
    if time is None:
        return None
    aware = time if time.tzinfo else time.replace(tzinfo=dt.UTC)
    return max((aware - _BEGIN) // dt.timedelta(microseconds=1) * 1000, 0)

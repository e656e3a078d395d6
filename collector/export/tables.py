"""Rows as CSV, and as plain data: times as text, severities as words. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from collector.store.rows import SEVERITIES
from collector.times import rfc3339

_TIMES: Final = frozenset(
    (
        "first_seen",
        "last_seen",
        "changed",
        "until",
        "not_before",
        "not_after",
        "received",
        "renewal_due",
        "from",
        "at",
        "start",
    )
)
_FORMULA: Final = frozenset("=+-@\t\r")


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing that is not there, and nothing of how it is stored."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or name == "probe_id":
            continue
        if name in _TIMES and isinstance(value, (int, float)):
            shown[name] = rfc3339(value)
        elif name in {"severity", "worst"} and isinstance(value, int):
            shown[name] = SEVERITIES[value] if value >= 0 else "none"
        else:
            shown["check" if name == "check_id" else name] = value
    return shown


def as_csv(rows: Iterable[Mapping[str, Any]], names: Sequence[str] | None = None) -> str:
    """With a line of names: those given, else those that the rows have."""
    if names is None:
        rows = list(rows)
        names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([defused(row.get(name, "")) for name in names] for row in rows)
    return out.getvalue()


def defused(value: object) -> object:
    """Spreadsheets run cells that begin like formulas, and names come from attackers (CWE-1236)."""
    if isinstance(value, (dict, list)):
        value = msgspec.json.encode(value).decode()
    if isinstance(value, str) and value[:1] in _FORMULA:
        return "'" + value
    return value

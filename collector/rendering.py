"""Templates into text: everything is escaped, and names from packets can neither turn the text around nor hide."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from collector import charts, queries
from collector.store.rows import SEVERITIES


def render(template: str, values: Mapping[str, Any]) -> str:
    """The page."""
    return _ENVIRONMENT.get_template(template).render(values)


def when(seconds: float | None) -> str:
    """Minutes, UTC."""
    return "" if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M")


def day(seconds: float | None) -> str:
    """The date alone."""
    return when(seconds)[:10]


def ago(seconds: float) -> str:
    """How long something lasts or is past, in one unit: 5 min, 3 h, 2 days."""
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size or (unit == "min" and abs(seconds) >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _readable(value: Any) -> Any:  # noqa: ANN401 - what a template shows
    return charts.readable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_ENVIRONMENT: Final = Environment(
    loader=PackageLoader("collector"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    finalize=_readable,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "when": when,
    "day": day,
    "ago": ago,
    "size": charts.size,
    "severity": lambda number: SEVERITIES[number],
}
_ENVIRONMENT.globals |= {
    "CLASSES": queries.CLASSES,
    "NAMES": charts.NAMES,
    "SEVERITIES": SEVERITIES,
    "WORKFLOWS": queries.WORKFLOWS,
}

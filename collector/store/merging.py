"""What a row is after another one with its key: whatever comes first or last, the result is the same. Pure."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Table, case, func, or_

from collector.store.tables import MOST_KEPT, clients, findings, probes, traffic

Expression = Any
Rule = Callable[[Any, Any, Any, Any], Expression]
"""Of the columns before, those that came, and the least and the greatest of two in this engine."""


def _greatest(name: str) -> Rule:
    return lambda old, new, _least, most: most(old[name], new[name])


def _least(name: str) -> Rule:
    return lambda old, new, least, _most: least(old[name], new[name])


def _sum(name: str) -> Rule:
    return lambda old, new, least, _most: least(old[name] + new[name], MOST_KEPT)


def _if_newer(name: str) -> Rule:
    return lambda old, new, _least, _most: case((new.told >= old.told, new[name]), else_=old[name])


def _workflow(old: Any, new: Any, _least: Any, _most: Any) -> Expression:  # noqa: ANN401
    """What people decided stays, unless the finding is over or came back after it was."""
    over = new.last_seen <= old.ended
    return case(
        (new.workflow == "resolved", "resolved"),
        (over, old.workflow),
        (old.workflow == "resolved", new.workflow),
        else_=old.workflow,
    )


def _changed(old: Any, new: Any, least: Any, most: Any) -> Expression:  # noqa: ANN401
    """When somebody last had something to look at: another report of the same is nothing new."""
    judged = or_(new.severity != old.severity, new.status != old.status)
    return case((or_(judged, _workflow(old, new, least, most) != old.workflow), new.changed), else_=old.changed)


def _ended(old: Any, new: Any, _least: Any, most: Any) -> Expression:  # noqa: ANN401
    return case((old.ended.is_(None), new.ended), (new.ended.is_(None), old.ended), else_=most(old.ended, new.ended))


_ALWAYS: Final = {"first_seen": _least("first_seen"), "last_seen": _greatest("last_seen")}
_RULES: Final[dict[Table, dict[str, Rule]]] = {
    findings: {"workflow": _workflow, "changed": _changed, "ended": _ended},
    traffic: {"flows": _sum("flows"), "bytes": _sum("bytes")},
    clients: {"flows": _sum("flows"), "bytes": _sum("bytes")},
    probes: {**{name: _if_newer(name) for name in ("version", "boot_id", "drops")}, "told": _greatest("told")},
}


def merged(table: Table, came: Any, names: Sequence[str], is_sqlite: bool) -> dict[str, Expression]:  # noqa: ANN401
    """By column what is kept; what has no rule is as it came."""
    least, most = (func.min, func.max) if is_sqlite else (func.least, func.greatest)
    rules = _ALWAYS | _RULES.get(table, {})
    return {name: rules[name](table.c, came, least, most) if name in rules else came[name] for name in names}

"""Which findings a rule is about, in which group, whether anybody wants to hear of it now, and what is said. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from collector.alerts.settings import DAYS, Maintenance, Rule
from collector.export.tables import plain
from collector.store.rows import SEVERITIES

SHOWN: Final = 50  # findings named in one message; the others are counted. SNS and EventBridge take 256 kB
TITLE: Final = 300  # characters of a title
_KEPT: Final = (
    *("uid", "check_id", "severity", "title", "endpoint", "name", "site", "probe", "policy", "rule", "first_seen"),
    "last_seen",
)


def matches(rule: Rule, row: Mapping[str, Any]) -> bool:
    """`row`: a finding with its `site`."""
    return row["severity"] >= SEVERITIES.index(rule.severity) and all(
        not globs or any(fnmatchcase(row[name], glob) for glob in globs)
        for globs, name in (
            (rule.checks, "check_id"),
            (rule.sites, "site"),
            (rule.endpoints, "endpoint"),
            (rule.policies, "policy"),
        )
    )


def group(rule: Rule, row: Mapping[str, Any]) -> str:
    """What findings of one message have in common."""
    names = {"site": "site", "endpoint": "endpoint", "check": "check_id"}
    return "" if rule.group == "rule" else str(row[names[rule.group]])


def is_quiet(windows: Iterable[Maintenance], site: str, now: float) -> bool:
    """Whether a site is being worked on."""
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    return any(
        _is_within(window, moment)
        for window in windows
        if not window.sites or any(fnmatchcase(site, glob) for glob in window.sites)
    )


def _is_within(window: Maintenance, moment: dt.datetime) -> bool:
    if window.from_ is not None and window.until is not None:
        begin, end = (one if one.tzinfo else one.replace(tzinfo=dt.UTC) for one in (window.from_, window.until))
        return begin <= moment < end
    today, yesterday = DAYS[moment.weekday()], DAYS[moment.weekday() - 1]
    time = moment.time()
    if window.start < window.end:
        return today in window.days and window.start <= time < window.end
    return (today in window.days and time >= window.start) or (yesterday in window.days and time < window.end)


def message(rule: Rule, common: str, rows: Sequence[Mapping[str, Any]], key: str, url: str) -> dict[str, Any]:
    """What every end gets, each in its form. `rows`: the worst first; `key`: the same for one message sent twice."""
    found = []
    for row in rows[:SHOWN]:
        told = plain({name: row[name] for name in _KEPT if row[name] != ""})
        told["title"] = told["title"][:TITLE]
        if url:
            told["url"] = f"{url.rstrip('/')}/findings/{row['uid']}"
        found.append(told)
    return {
        "schema": "transitproof.alert/1",
        "id": key,
        "rule": rule.name,
        "group": {rule.group: common} if common else {},
        "worst": SEVERITIES[max(row["severity"] for row in rows)],
        "count": len(rows),
        "findings": found,
        "left_out": max(0, len(rows) - SHOWN),
    }


def subject(told: Mapping[str, Any]) -> str:
    """One line."""
    count, common = told["count"], " ".join(told["group"].values())
    what = told["findings"][0]["title"] if count == 1 else f"{count} findings, the worst {told['worst']}"
    return one_line(f"[transitproof] {told['worst'] if count == 1 else ''} {what}{f' · {common}' if common else ''}")[
        :200
    ]


def text(told: Mapping[str, Any]) -> str:
    """For people."""
    lines = []
    for row in told["findings"]:
        lines.append(one_line(f"{row['severity']:<9} {row['title']}"))
        lines.append(
            one_line(
                f"          {row['endpoint']} {row.get('name', '')} · {row['site']}/{row['probe']} · {row['check']}"
            )
        )
        if "url" in row:
            lines.append(f"          {one_line(row['url'])}")
    if told["left_out"]:
        lines.append(f"… and {told['left_out']} more")
    return "\n".join((*lines, "", f"rule: {one_line(told['rule'])}, message {told['id']}", ""))


def one_line(words: str) -> str:
    """Names from packets may not begin lines or headers of their own, nor turn the text around."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in words).strip()

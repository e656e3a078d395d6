"""What changed between two captures or reports: findings that are new, resolved, or not what they were.

A finding is the same if its uid is. Counts and times differ between any two captures, so they are no change.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from probe.model import SEVERITIES

CHANGES: Final = ("new", "changed", "resolved")
_COMPARED: Final = ("status", "severity", "title", "observed")
Findings = dict[str, dict[str, Any]]
"""By uid."""


def is_report(path: str) -> bool:
    """Whether the file holds JSON Lines rather than packets. Raises OSError."""
    with Path(path).open("rb") as file:
        return file.read(1) == b"{"


def read(lines: Iterator[bytes]) -> Findings:
    """The findings among records. Raises msgspec.DecodeError."""
    found = {}
    for line in lines:
        if b'"type":"finding"' in line:
            finding = msgspec.json.decode(line)
            found[finding["uid"]] = finding
    return found


def compare(before: Findings, after: Findings) -> list[dict[str, Any]]:
    """Records of type `difference`: the new first, then the changed and the resolved, each the worst first."""
    records = [_record("new", after[uid]) for uid in after.keys() - before.keys()]
    records += [
        _record("changed", after[uid], before[uid])
        for uid in after.keys() & before.keys()
        if any(after[uid].get(key) != before[uid].get(key) for key in _COMPARED)
    ]
    records += [_record("resolved", before[uid]) for uid in before.keys() - after.keys()]
    return sorted(records, key=_order)


def _record(change: str, finding: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    record = {"type": "difference", "change": change, "finding": finding}
    if before is not None:
        record["before"] = {key: before.get(key) for key in _COMPARED if finding.get(key) != before.get(key)}
    return record


def _order(record: dict[str, Any]) -> tuple[int, int, str, str, str]:
    finding = record["finding"]
    worst = -SEVERITIES.index(finding["severity"])
    return CHANGES.index(record["change"]), worst, finding["check"], finding["endpoint"], finding["uid"]

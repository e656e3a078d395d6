"""Which share of bytes was protected, by site, host and service, day by day, and which went over keys that a quantum
computer would open. Pure.
"""

from collections import defaultdict
from typing import Any, Final

from collector.export.evidence import Evidence
from collector.paging import Row
from collector.queries import CLASSES, PROTECTED, share
from collector.times import rfc3339

BY: Final = ("site", "host", "service")
DAYS: Final = ("by", "key", "day", "flows", "bytes", *CLASSES, "protected_share")
"""Of a CSV file: bytes of each class beside their sum."""
EXPOSURES: Final = ("by", "key", "bytes", "findings", "last_seen")


def days(evidence: Evidence) -> list[Row]:
    """A row for each site, host and service and each day on which it carried something."""
    found: dict[tuple[str, str, int], Row] = {}
    for row in evidence.shares:
        key = row["by"], row["key"], row["day"]
        told = {"by": row["by"], "key": row["key"], "day": rfc3339(row["day"])[:10], "flows": 0, "bytes": 0}
        one = found.setdefault(key, told | dict.fromkeys(CLASSES, 0))
        one["flows"] += row["flows"]
        one["bytes"] += row["bytes"]
        if row["class"] in CLASSES:
            one[row["class"]] += row["bytes"]
    return [{**row, "protected_share": _share(row)} for row in found.values()]


def periods(evidence: Evidence, by: str, most: int) -> tuple[list[Row], int]:
    """Those that moved most in the period, and how many more there are.

    `protected_share` of the whole period, `first_share` and `last_share` of the first and the last day of each.
    """
    keys: dict[str, list[Row]] = defaultdict(list)
    for row in days(evidence):
        if row["by"] == by:
            keys[row["key"]].append(row)
    told = [
        {
            "key": key,
            "bytes": sum(row["bytes"] for row in rows),
            "protected_share": _share({name: sum(row[name] for row in rows) for name in ("bytes", *CLASSES)}),
            "first_share": rows[0]["protected_share"],
            "last_share": rows[-1]["protected_share"],
        }
        for key, rows in keys.items()
    ]
    told.sort(key=lambda row: (-row["bytes"], row["key"]))
    return told[:most], max(0, len(told) - most)


def summary(evidence: Evidence) -> dict[str, Any]:
    """For the manifest: of the whole period and of everything that probes saw."""
    sites = [row for row in evidence.exposures if row["by"] == "site"]
    return {
        "bytes": {name: row["bytes"] for name, row in evidence.classes.items()},
        "protected_share": share(evidence.classes),
        "quantum_exposed_bytes": sum(row["bytes"] for row in sites),
        "quantum_exposure_findings": sum(row["findings"] for row in sites),
    }


def _share(row: Row) -> float | str:
    """Empty where nothing was carried."""
    return round(sum(row[name] for name in PROTECTED) / row["bytes"], 4) if row["bytes"] else ""

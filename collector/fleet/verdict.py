"""A verdict about the fleet, and the finding that it becomes. Pure."""

import hashlib
import json
from typing import Any, Final

from msgspec import Struct

from collector.store.rows import SEVERITIES, dump
from collector.times import rfc3339

PROBE: Final = "collector"
MOST: Final = 2000  # verdicts of one check, the worst first; what is beyond is logged
SHOWN: Final = 16  # endpoints, names or hosts that one verdict lists; all are counted

Row = dict[str, Any]


class Verdict(Struct, frozen=True, kw_only=True):
    """One finding to be."""

    check: str
    severity: str
    title: str
    endpoint: str
    name: str = ""
    observed: dict[str, Any]
    key: list[str]
    """What tells it from others of its check: the same key is the same finding."""
    remediation: str
    first_seen: float
    last_seen: float
    count: int = 1

    @property
    def uid(self) -> str:
        """As long as those of probes."""
        return hashlib.sha256(json.dumps([self.check, *self.key]).encode()).hexdigest()[:32]

    def row(self, probe: int, now: float) -> Row:
        """Of table `findings`."""
        told = {
            "type": "finding",
            "uid": self.uid,
            "check": self.check,
            "status": "fail",
            "severity": self.severity,
            "title": self.title[:500],
            "endpoint": self.endpoint[:200],
            "observed": self.observed,
            "count": self.count,
            "first_seen": rfc3339(self.first_seen),
            "last_seen": rfc3339(self.last_seen),
            "evidence": {"class": "inferred", "flows": [], "frames": []},
            "remediation": self.remediation,
        }
        return {
            "probe_id": probe,
            "uid": self.uid,
            "check_id": self.check,
            "status": "fail",
            "severity": SEVERITIES.index(self.severity),
            "policy": "",
            "rule": "",
            "title": told["title"],
            "endpoint": told["endpoint"],
            "name": self.name[:255],
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "sightings": self.count,
            "record": dump(told | ({"name": self.name} if self.name else {})),
            "workflow": "open",
            "note": "",
            "changed": now,
        }


def some(values: set[str]) -> list[str]:
    """In order, at most SHOWN."""
    return sorted(values)[:SHOWN]

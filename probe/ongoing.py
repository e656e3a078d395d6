"""The life of findings: opened, updated, resolved, over reports and restarts. No clock here: time comes with the call.

The engine counts from one flush to the next; what is sent has the whole count and the first time, so that of a finding
the newest record holds. One that goes on is sent again only now and then.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from probe.model import SEVERITIES

MAX_KNOWN: Final = 65_536  # findings followed, some 400 bytes each; beyond, each report of one stands for itself
MAX_WAITING: Final = 8192  # records held back, some 700 bytes each; beyond, they are sent at once
REPEAT: Final = 600.0  # seconds between two records of a finding that goes on: an operator sees that it is alive
_AGAINST: Final = ("warn", "fail")


class _Head(Struct):
    """Of a finding's record, what decides whether it is sent."""

    uid: str
    status: str
    severity: str
    first_seen: str
    count: int


_HEAD: Final = msgspec.json.Decoder(_Head)


class Known(Struct):
    """What is remembered of one."""

    status: str
    severity: str
    first_seen: str
    count: int
    seen: float
    """Unix time of the report that had it last."""
    sent: float = 0.0


class Changes(Struct):
    """What happened since the last rollup."""

    opened: list[str] = []
    updated: set[str] = set()
    resolved: list[str] = []


class Ongoing:
    """All of them."""

    def __init__(self, known: dict[str, Known] | None = None) -> None:
        self._known = known or {}
        self._waiting: dict[str, bytes] = {}
        self._changes = Changes()
        self.limited = 0
        """Findings that were not followed because there were too many."""

    def report(self, lines: bytes, now: float) -> list[bytes]:
        """Records as the engine made them (marked or not) in; those that are to be sent now out."""
        return [self._whole(line) for line in lines.splitlines() if self._take(line, now)]

    def _take(self, line: bytes, now: float) -> bool:
        """Whether it is to be sent now."""
        finding = _HEAD.decode(line)
        uid = finding.uid
        known = self._known.get(uid)
        news = known is None
        if known is None:
            self._changes.opened.append(uid)
            if len(self._known) >= MAX_KNOWN:
                self.limited += 1
                return True
            known = Known(finding.status, finding.severity, finding.first_seen, 0, now)
            self._known[uid] = known
        else:
            self._changes.updated.add(uid)
        news |= (known.status, known.severity) != (finding.status, finding.severity)
        known.status, known.severity, known.seen = finding.status, finding.severity, now
        known.first_seen = min(known.first_seen, finding.first_seen)
        known.count += finding.count
        if not news and now - known.sent < REPEAT and len(self._waiting) < MAX_WAITING:
            self._waiting[uid] = line
            return False
        known.sent = now
        self._waiting.pop(uid, None)
        return True

    def _whole(self, line: bytes) -> bytes:
        """With what came before it. Written anew only when it is sent: most records of one that goes on never are."""
        finding: dict[str, Any] = msgspec.json.decode(line)
        known = self._known.get(finding["uid"])
        if known is not None:
            finding["first_seen"], finding["count"] = known.first_seen, known.count
        return msgspec.json.encode(finding)

    def due(self, now: float, *, last: bool = False) -> list[bytes]:
        """Records that were held back and whose time has come; all of them at the `last` call."""
        uids = [uid for uid in self._waiting if last or now - self._known[uid].sent >= REPEAT]
        for uid in uids:
            self._known[uid].sent = now
        return [self._whole(self._waiting.pop(uid)) for uid in uids]

    def resolve(self, now: float, after: float) -> None:
        """Let go of what was not seen for so many seconds."""
        for uid in [
            uid for uid, known in self._known.items() if now - known.seen >= after and uid not in self._waiting
        ]:
            del self._known[uid]
            self._changes.resolved.append(uid)

    def changes(self) -> Changes:
        """Since the last call."""
        changes, self._changes = self._changes, Changes()
        return changes

    def open(self) -> dict[str, int]:
        """Those against the host, by severity, the worst first."""
        counts: dict[str, int] = dict.fromkeys(reversed(SEVERITIES), 0)
        for known in self._known.values():
            if known.status in _AGAINST:
                counts[known.severity] += 1
        return {severity: count for severity, count in counts.items() if count}

    def not_observable(self) -> int:
        """Those that say that something could not be observed."""
        return sum(known.status == "not_observable" for known in self._known.values())

    def state(self) -> dict[str, Known]:
        """To be saved."""
        return self._known

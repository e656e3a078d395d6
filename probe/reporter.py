"""From what core and engine gave to reports: which certificates and findings are news, and the rollup of an interval.

No clock and no I/O: time and counters come with the call. What it remembers can be saved and given to its successor.
"""

from typing import Any, Final

import msgspec

from probe.health import Counters, missed, since
from probe.model import rfc3339
from probe.ongoing import Ongoing
from probe.postures import Postures
from probe.state import Saved

MAX_CERTIFICATES: Final = 32_768  # remembered as reported, some 100 bytes each; the oldest is reported again
PREFIX: Final = 32  # hex digits of a SHA-256 kept: 128 bits tell certificates apart
PAIRS_PER_PART: Final = 256  # some 40 kB: brokers take 128 kB
MAX_NAMED: Final = 256  # findings named in one rollup as opened or resolved, 40 bytes each; all are counted
_CLASSES: Final = ("flows", "packets", "bytes")


class Reporter:
    """For one run."""

    def __init__(self, saved: Saved) -> None:
        self.ongoing = Ongoing(saved.findings)
        self.postures = Postures(saved.postures, saved.shown)
        self._certificates = dict.fromkeys(saved.certificates)

    def certificates(self, records: bytes) -> list[bytes]:
        """Those that were not reported before, by this run or an earlier one."""
        return [line for line in records.splitlines() if self._is_new(line)]

    def _is_new(self, line: bytes) -> bool:
        prefix = msgspec.json.decode(line)["sha256"][:PREFIX]
        if prefix in self._certificates:
            return False
        self._certificates[prefix] = None
        if len(self._certificates) > MAX_CERTIFICATES:
            del self._certificates[next(iter(self._certificates))]
        return True

    def rollup(self, pairs: bytes, now: Counters, before: Counters) -> list[bytes]:
        """The records of an interval: one, or several parts, of which the first has everything but pairs."""
        told = msgspec.json.decode(pairs)
        rows = told["pairs"]
        parts = [rows[at : at + PAIRS_PER_PART] for at in range(0, len(rows), PAIRS_PER_PART)] or [[]]
        head = {"type": "rollup", "start": rfc3339(before.time), "end": rfc3339(now.time)}
        records = []
        for number, part in enumerate(parts, 1):
            record: dict[str, Any] = dict(head)
            if len(parts) > 1:
                record |= {"part": number, "parts": len(parts)}
            if number == 1:
                record |= self._summary(now, before)
                record |= {"distinct": told["distinct"], "others": told["others"]}
            records.append(msgspec.json.encode(record | {"pairs": part}))
        return records

    def _summary(self, now: Counters, before: Counters) -> dict[str, Any]:
        had = before.totals
        seen, changes = self.postures.take(), self.ongoing.changes()
        by_class = {name: since(sums, had["by_class"][name]) for name, sums in now.totals["by_class"].items()}
        return {
            "missed": missed(now, before),
            **{name: now.totals[name] - had[name] for name in ("packets", "bytes", "flows")},
            "by_class": {name: dict.fromkeys(_CLASSES, 0) | sums for name, sums in by_class.items() if sums},
            "observations": {"new": seen.new, "changed": seen.changed},
            "changes": seen.changes,
            "findings": {
                "opened": len(changes.opened),
                "updated": len(changes.updated),
                "resolved": len(changes.resolved),
                "open": self.ongoing.open(),
                "opened_uids": changes.opened[:MAX_NAMED],
                "resolved_uids": changes.resolved[:MAX_NAMED],
            },
        }

    def saved(self) -> Saved:
        """What the next run has to know."""
        return Saved(
            findings=self.ongoing.state(),
            postures=self.postures.state(),
            shown=self.postures.shown(),
            certificates=list(self._certificates),
        )

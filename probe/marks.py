"""Marks on findings: what somebody waived, and what an earlier report already had. Lines in, lines out.

Marked findings stay in the output and in its totals; they do not count for --fail-on.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from probe.policy.waivers import Waiver

_AGAINST = ("warn", "fail")


class BaselineError(ValueError):
    """A baseline that cannot be read; the text is one line for the operator."""


class Marks:
    """Marks findings, and counts those that are left."""

    def __init__(
        self, waivers: Iterable[Waiver] = (), baseline: frozenset[str] | None = None, *, as_of: dt.date | None = None
    ) -> None:
        """`baseline`: uids that are accepted; `as_of`: the day for which waivers must hold.

        Without it they must hold on the day on which the finding was last seen.
        """
        self._waivers = tuple(waivers)
        self._baseline = baseline
        self._as_of = as_of
        self.open: Counter[str] = Counter()
        """Findings of status warn or fail without a mark, by severity."""
        self.waived = 0
        self.known = 0
        self.expired: list[Waiver] = []
        """Waivers that would have covered a finding, but do not hold any more."""

    def mark(self, lines: bytes) -> bytes:
        """The findings with their marks, as members at the end of the line."""
        return b"".join(self._mark(line) for line in lines.splitlines(keepends=True))

    def _mark(self, line: bytes) -> bytes:
        finding = msgspec.json.decode(line)
        marks = b""
        waiver = self._waiver(finding)
        if waiver is not None:
            self.waived += 1
            said = {"owner": waiver.owner, "reason": waiver.reason, "expires": waiver.expires}
            marks += b',"waived":' + msgspec.json.encode(said)
        if self._baseline is not None and finding["uid"] in self._baseline:
            self.known += 1
            marks += b',"baseline":true'
        if not marks and finding["status"] in _AGAINST:
            self.open[finding["severity"]] += 1
        return line if not marks else line.rstrip()[:-1] + marks + b"}\n"

    def _waiver(self, finding: dict[str, str]) -> Waiver | None:
        day = self._as_of or dt.date.fromisoformat(finding["last_seen"][:10])
        for waiver in self._waivers:
            if waiver.matches(finding):
                if day <= waiver.expires:
                    return waiver
                if waiver not in self.expired:
                    self.expired.append(waiver)
        return None


def baseline(path: str) -> frozenset[str]:
    """The uids of the findings in an earlier report (JSON Lines). Raises BaselineError."""
    uids = set()
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, 1):
                if b'"type":"finding"' in line:
                    uids.add(str(msgspec.json.decode(line)["uid"]))
                elif number == 1 and not line.startswith(b"{"):
                    raise BaselineError(f"--baseline {path}: no report; make one with --format jsonl")
    except OSError as error:
        raise BaselineError(f"--baseline {path}: {(error.strerror or str(error)).lower()}") from error
    except (msgspec.DecodeError, KeyError) as error:
        raise BaselineError(f"--baseline {path}:{number}: damaged record; make the report again") from error
    return frozenset(uids)

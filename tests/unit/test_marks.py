"""Marks on findings: waivers in and out of date, and the baseline."""

import datetime as dt
import json
from pathlib import Path

import pytest

from probe.marks import BaselineError, Marks, baseline
from probe.policy.waivers import Waiver

FINDING = {
    "type": "finding",
    "uid": "ab",
    "check": "tls.version",
    "status": "fail",
    "severity": "high",
    "endpoint": "10.0.0.1:443/tcp",
    "last_seen": "2026-11-23T10:00:00.000000Z",
}


def _line(**change: str) -> bytes:
    return json.dumps({**FINDING, **change}, separators=(",", ":")).encode() + b"\n"


def _waiver(expires: str) -> Waiver:
    return Waiver(owner="net", reason="old", expires=dt.date.fromisoformat(expires), check="tls.*")


def test_what_is_waived_is_marked_and_does_not_count() -> None:
    marks = Marks([_waiver("2026-11-23")])
    lines = marks.mark(_line() + _line(uid="cd", check="esp.null_encryption"))
    first, second = map(json.loads, lines.splitlines())
    assert first == {**FINDING, "waived": {"owner": "net", "reason": "old", "expires": "2026-11-23"}}
    assert "waived" not in second
    assert (dict(marks.open), marks.waived, marks.expired) == ({"high": 1}, 1, [])


@pytest.mark.parametrize(("as_of", "expected"), [(None, 1), (dt.date(2026, 11, 22), 0)])
def test_an_expired_waiver_is_told_and_covers_nothing(as_of: dt.date | None, expected: int) -> None:
    waiver = _waiver("2026-11-22")
    marks = Marks([waiver], as_of=as_of)
    marked = marks.mark(_line() * 2)
    assert (b"waived" in marked) == (expected == 0)
    assert marks.expired == [waiver][:expected]


def test_the_baseline_accepts_what_it_has(tmp_path: Path) -> None:
    report = tmp_path / "r.jsonl"
    report.write_bytes(b'{"type":"flow"}\n' + _line())
    marks = Marks(baseline=baseline(str(report)))
    lines = marks.mark(_line() + _line(uid="cd", severity="low") + _line(uid="ef", status="not_observable"))
    assert [json.loads(line).get("baseline") for line in lines.splitlines()] == [True, None, None]
    assert (dict(marks.open), marks.known) == ({"low": 1}, 1)


def test_a_baseline_that_is_none_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with pytest.raises(BaselineError, match="no such file"):
        baseline(str(path))
    path.write_bytes(b"\xd4\xc3\xb2\xa1")
    with pytest.raises(BaselineError, match="no report; make one with --format jsonl"):
        baseline(str(path))
    path.write_bytes(b'{"type":"finding","uid":')
    with pytest.raises(BaselineError, match=r"x:1: damaged record"):
        baseline(str(path))

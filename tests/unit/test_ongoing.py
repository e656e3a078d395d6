"""Findings over reports and restarts: whole counts, first times, what is sent when."""

import json
from typing import Any

import pytest

from probe import ongoing
from probe.ongoing import Known, Ongoing


def _line(uid: str, count: int = 1, status: str = "fail", severity: str = "high", first: str = "T2") -> bytes:
    finding = {"uid": uid, "status": status, "severity": severity, "count": count, "first_seen": first}
    return json.dumps(finding).encode() + b"\n"


def _told(lines: list[bytes]) -> list[tuple[str, int, str]]:
    found: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [(one["uid"], one["count"], one["first_seen"]) for one in found]


def test_counts_add_up_and_the_first_time_stays() -> None:
    all_findings = Ongoing()
    assert _told(all_findings.report(_line("a", 3), 0)) == [("a", 3, "T2")]
    assert _told(all_findings.report(_line("a", 2, first="T5"), ongoing.REPEAT)) == [("a", 5, "T2")]
    assert _told(all_findings.report(_line("a", 1, first="T1"), 2 * ongoing.REPEAT)) == [("a", 6, "T1")]


def test_one_that_goes_on_is_sent_now_and_then_and_nothing_is_lost() -> None:
    all_findings = Ongoing()
    all_findings.report(_line("a"), 0)
    assert all_findings.report(_line("a"), 60) == []
    assert all_findings.report(_line("a"), 120) == []
    assert all_findings.due(ongoing.REPEAT - 1) == []
    assert _told(all_findings.due(ongoing.REPEAT)) == [("a", 3, "T2")]
    assert all_findings.due(10 * ongoing.REPEAT) == []
    assert all_findings.report(_line("a"), ongoing.REPEAT + 1) == []
    assert _told(all_findings.due(ongoing.REPEAT + 2, last=True)) == [("a", 4, "T2")]


def test_a_change_of_the_verdict_is_sent_at_once() -> None:
    all_findings = Ongoing()
    all_findings.report(_line("a"), 0)
    assert _told(all_findings.report(_line("a", severity="critical"), 1)) == [("a", 2, "T2")]
    assert all_findings.open() == {"critical": 1}
    assert _told(all_findings.report(_line("a", status="not_observable", severity="info"), 2)) == [("a", 3, "T2")]
    assert (all_findings.open(), all_findings.not_observable()) == ({}, 1)


def test_opened_updated_resolved() -> None:
    all_findings = Ongoing()
    all_findings.report(_line("a") + _line("b"), 0)
    all_findings.report(_line("a"), 50)
    all_findings.due(50, last=True)
    all_findings.resolve(60, 60)
    changes = all_findings.changes()
    assert (changes.opened, changes.updated, changes.resolved) == (["a", "b"], {"a"}, ["b"])
    assert all_findings.changes() == ongoing.Changes()
    assert _told(all_findings.report(_line("b", 2), 61)) == [("b", 2, "T2")], "opened again, counted anew"
    assert all_findings.changes().opened == ["b"]


def test_a_restart_goes_on_where_it_was() -> None:
    before = Ongoing()
    before.report(_line("a", 7, first="T1"), 0)
    after = Ongoing(before.state())
    assert after.changes().opened == []
    assert _told([*after.report(_line("a"), 1), *after.due(1, last=True)]) == [("a", 8, "T1")]
    assert after.changes().opened == []


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ongoing, "MAX_KNOWN", 2)
    monkeypatch.setattr(ongoing, "MAX_WAITING", 1)
    all_findings = Ongoing({"a": Known("fail", "high", "T0", 1, 0.0)})
    all_findings.report(_line("b"), 0)
    assert _told(all_findings.report(_line("c", 4), 0)) == [("c", 4, "T2")]
    assert all_findings.limited == 1
    assert all_findings.report(_line("b"), 1) == []
    assert _told(all_findings.report(_line("a"), 1)) == [("a", 2, "T0")], "no room to wait in"

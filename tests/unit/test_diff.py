"""What counts as new, changed and resolved."""

from typing import Any

from probe.diff import compare, read
from probe.output.differences import reaches, render
from probe.output.terminal import Style


def _finding(uid: str, severity: str = "high", **change: Any) -> dict[str, Any]:
    base = {"uid": uid, "check": "c", "status": "fail", "title": "t", "endpoint": "e", "observed": {}, "count": 1}
    return {**base, "severity": severity, **change}


def _by_uid(*findings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {finding["uid"]: finding for finding in findings}


BEFORE = _by_uid(_finding("a"), _finding("b", "low"), _finding("c"))
AFTER = _by_uid(_finding("b", "medium"), _finding("c", count=9), _finding("d", "low"), _finding("e", "critical"))


def test_new_changed_and_resolved_in_this_order_the_worst_first() -> None:
    records = compare(BEFORE, AFTER)
    assert [(record["change"], record["finding"]["uid"]) for record in records] == [
        ("new", "e"),
        ("new", "d"),
        ("changed", "b"),
        ("resolved", "a"),
    ]
    assert records[2]["before"] == {"severity": "low"}


def test_only_new_ones_fail() -> None:
    assert reaches(compare(BEFORE, AFTER), "critical")
    assert not reaches(compare(BEFORE, _by_uid(*BEFORE.values(), _finding("x", "low"))), "medium")
    assert not reaches(compare(BEFORE, {}), "info")
    assert not reaches(compare({}, _by_uid(_finding("x", status="not_observable"))), "info")


def test_as_text() -> None:
    text = render(compare(BEFORE, AFTER), Style())
    assert "+ new      critical t  e  e" in text
    assert "before: severity low" in text
    assert text.endswith("4 differences: 2 new, 1 changed, 1 resolved\n")
    assert render([], Style()) == "no difference\n"


def test_only_findings_are_read() -> None:
    lines = [b'{"type":"flow","uid":"x"}', b'{"type":"finding","uid":"y"}']
    assert list(read(iter(lines))) == ["y"]

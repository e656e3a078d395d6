"""Records as they are written."""

from probe.report import Damage, Outcome, Problem, summary_line, summary_record


def test_summary() -> None:
    outcome = Outcome(files=["x"])
    outcome.totals = {
        "packets": 1,
        "bytes": 2,
        "flows": 1,
        "by_class": {},
        "drops": {"ring_full": 3},
        "limits": {"flows": 1},
    }
    outcome.limits = {"flows": 1, "findings": 2}
    outcome.by_severity = {"high": 1, "low": 1}
    outcome.not_observable = 1
    outcome.damaged = [Damage("x", 24, "truncated")]
    assert summary_line(outcome).decode() == (
        '{"type":"summary","packets":1,"bytes":2,"flows":1,"by_class":{},"findings":{"high":1,"low":1},"not_observable":1,'
        '"drops":{"ring_full":3},"limits":{"flows":2,"findings":2},"malformed":{},'
        '"damaged":[{"file":"x","offset":24,"what":"truncated"}]}\n'
    )


def test_summary_says_what_is_missing() -> None:
    outcome = Outcome(files=["x"], problems=[Problem("x", "no such file")], interrupted=True)
    record = summary_record(outcome)
    assert record["interrupted"] is True
    assert record["unread"] == [Problem("x", "no such file")]

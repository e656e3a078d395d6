"""Records as they are written."""

from typing import Any

from probe.model import Evidence, Finding, Severity, Status, Verdict
from probe.report import Damage, Outcome, Problem, finding_lines, summary_line, summary_record


def _finding(status: Status = "fail", severity: Severity = "high", **rest: Any) -> Finding:
    verdict = Verdict(
        check="tls.version",
        status=status,
        severity=severity,
        title="t",
        observed={"tls.version": "TLSv1.0"},
        key="k",
        **rest,
    )
    return Finding(
        uid="00" * 16,
        verdict=verdict,
        endpoint="10.0.3.7:443/tcp",
        name=None,
        count=17,
        first_seen=1_700_000_000_000_123_456,
        last_seen=1_700_000_000_000_123_456,
        evidence=Evidence("observed", ["1:a="], ["x.pcap#118"]),
    )


def test_finding_has_the_contract_s_keys_in_order_and_no_nulls() -> None:
    line = finding_lines([_finding(policy="p", rule="R", clause="1", remediation="Fix it.")]).decode()
    assert line == (
        '{"type":"finding","uid":"00000000000000000000000000000000","check":"tls.version","status":"fail","severity":"high",'
        '"policy":"p","rule":"R","clause":"1","title":"t","endpoint":"10.0.3.7:443/tcp","observed":{"tls.version":"TLSv1.0"},'
        '"count":17,"first_seen":"2023-11-14T22:13:20.000123Z","last_seen":"2023-11-14T22:13:20.000123Z",'
        '"evidence":{"class":"observed","flows":["1:a="],"frames":["x.pcap#118"]},"remediation":"Fix it."}\n'
    )


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
    outcome.findings = [
        _finding(),
        _finding("warn", "low"),
        _finding("pass", "info"),
        _finding("not_observable", "info"),
    ]
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

"""Rollups and what of certificates is news."""

import json

from counted import BEFORE, LATER

from probe import reporter
from probe.reporter import Reporter
from probe.state import Saved, encode


def _pairs(count: int) -> bytes:
    rows = [{"endpoint": f"192.0.2.1:{port}/tcp", "peer": "192.0.2.2", "flows": 1} for port in range(count)]
    return json.dumps({"pairs": rows, "distinct": count + 9, "others": {"tls": {"flows": 9}}}).encode()


def test_a_rollup_has_the_intervals_own_counts() -> None:
    reports = Reporter(Saved())
    reports.postures.see([("192.0.2.1:443/tcp", None, b'{"class":"tls"}', 1, None)])
    reports.ongoing.report(b'{"uid":"a","status":"fail","severity":"high","count":1,"first_seen":"T"}', 0)
    (line,) = reports.rollup(_pairs(2), LATER, BEFORE)
    record = json.loads(line)
    assert (record["type"], record["start"][:19], record["end"][:19]) == (
        "rollup",
        "2023-11-14T22:13:20",
        "2023-11-14T22:14:20",
    )
    assert (record["packets"], record["bytes"], record["flows"], record["by_class"]) == (1000, 60_000, 0, {})
    assert record["missed"] == {"drops": {"eth0": 3}, "limits": {"findings": 2}}
    assert record["observations"] == {"new": 1, "changed": 0}
    assert record["changes"] == [{"endpoint": "192.0.2.1:443/tcp", "after": {"class": "tls"}}]
    assert record["findings"]["opened_uids"] == ["a"]
    assert record["findings"]["open"] == {"high": 1}
    assert (len(record["pairs"]), record["distinct"], record["others"]) == (2, 11, {"tls": {"flows": 9}})
    again = json.loads(reports.rollup(_pairs(0), LATER, LATER)[0])
    assert (again["packets"], again["observations"], again["findings"]["opened"]) == (0, {"new": 0, "changed": 0}, 0)


def test_what_is_too_large_for_a_broker_comes_in_parts() -> None:
    records = [json.loads(line) for line in Reporter(Saved()).rollup(_pairs(600), LATER, BEFORE)]
    assert [(record["part"], record["parts"], len(record["pairs"])) for record in records] == [
        (1, 3, reporter.PAIRS_PER_PART),
        (2, 3, reporter.PAIRS_PER_PART),
        (3, 3, 600 - 2 * reporter.PAIRS_PER_PART),
    ]
    assert ["by_class" in record for record in records] == [True, False, False]


def test_a_certificate_is_news_once_over_restarts() -> None:
    first = Reporter(Saved())
    one, two = (json.dumps({"type": "certificate", "sha256": digit * 64}).encode() for digit in "ab")
    assert first.certificates(one + b"\n") == [one]
    assert first.certificates(one + b"\n" + two + b"\n") == [two]
    saved = json.loads(encode(first.saved()))
    second = Reporter(Saved(certificates=saved["certificates"]))
    assert second.certificates(one + b"\n" + two + b"\n") == []

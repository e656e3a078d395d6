"""How long certificates are valid: the CA/B Forum's schedule, and those that expire soon; Python and core alike."""

import datetime as dt
from pathlib import Path
from typing import Any

import made
import pki
import pytest

from probe import _parsers
from probe.trust import store
from probe.trust.chain import Chains
from probe.trust.store import Store

SECOND = dt.timedelta(seconds=1)
LIMITS = [
    ("2015-04-01", 1187),
    ("2018-03-01", 825),
    ("2020-09-01", 398),
    ("2026-03-15", 200),
    ("2027-03-15", 100),
    ("2029-03-15", 47),
]
AUTHORITY = {"begin": dt.datetime(2010, 1, 1, tzinfo=dt.UTC), "end": dt.datetime(2049, 1, 1, tzinfo=dt.UTC)}


class Judge:
    """Verdicts of Python, with which those of the core agree."""

    def __init__(self, folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pem = str(folder / "root.pem")
        self.monkeypatch = monkeypatch

    def __call__(self, begin: dt.datetime, end: dt.datetime, when: dt.datetime, *, public: bool = True) -> list[Any]:
        chain = made.chain("", made.at(0, **AUTHORITY), made.at(1, **AUTHORITY), made.at(2, begin=begin, end=end))
        Path(self.pem).write_bytes(chain.root.pem)
        self.monkeypatch.setattr(store, "HOST_BUNDLES", (self.pem,) if public else ())
        roots = Store() if public else Store((self.pem,), host=False)
        chains, second = Chains(roots), int(when.timestamp())
        for issued in chain.certificates[:2]:
            chains.add(issued.sha256, issued.der)
        judged = chains.judge(tuple(issued.sha256 for issued in chain.certificates[:2]), made.HOST, second * 10**9)
        said = [(one.reason, one.detail) for one in judged]
        answer = roots.for_core(_parsers).judge(chain.sent, made.HOST, second)
        assert answer is not None
        assert [(reason, detail) for reason, _, detail in answer[0]] == said
        assert answer[1] <= second <= answer[2]
        return said


@pytest.fixture
def judge(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Judge:
    return Judge(tmp_path, monkeypatch)


@pytest.mark.parametrize(("day", "days"), LIMITS)
def test_the_schedule(judge: Judge, day: str, days: int) -> None:
    begin = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
    when, most = begin + pki.DAY, begin + days * pki.DAY - SECOND
    assert judge(begin, most, when) == [("ok", None)]
    [_, (reason, detail)] = judge(begin, most + SECOND, when)
    assert reason == "certificate.validity_length"
    assert detail == f"valid for {days + 1} days, issued {day}, when {days} days were the most"
    assert judge(begin, most + SECOND, when, public=False) == [("ok", None)]


def test_the_day_before_the_limit_falls(judge: Judge) -> None:
    begin = dt.datetime(2026, 3, 14, 23, 59, 59, tzinfo=dt.UTC)
    assert judge(begin, begin + 398 * pki.DAY - SECOND, begin) == [("ok", None)]
    assert len(judge(begin + SECOND, begin + 398 * pki.DAY, begin + SECOND)) == 2


def test_before_there_was_a_limit(judge: Judge) -> None:
    begin = dt.datetime(2015, 3, 31, 23, tzinfo=dt.UTC)
    assert judge(begin, begin + 4000 * pki.DAY, begin) == [("ok", None)]


@pytest.mark.parametrize(("days", "left"), [(398, 30), (180, 30), (90, 15), (6, 1)])
def test_expiring_by_days_or_share(judge: Judge, days: int, left: int) -> None:
    begin = pki.NOW
    end = begin + days * pki.DAY - SECOND
    soon = end - left * pki.DAY + SECOND
    expiring = ("certificate.expiring", f"valid until {end:%Y-%m-%d}, for {days} days in all")
    assert judge(begin, end, soon - SECOND) == [("ok", None)]
    assert judge(begin, end, soon) == [("ok", None), expiring]
    assert judge(begin, end, end) == [("ok", None), expiring]
    assert judge(begin, end, end + SECOND)[0][0] == "expired"


def test_the_answer_ends_when_it_begins_to_expire(judge: Judge) -> None:
    chain = made.chain("")
    Path(judge.pem).write_bytes(chain.root.pem)
    roots = Store((judge.pem,), host=False)
    chains = Chains(roots)
    for issued in chain.certificates[:2]:
        chains.add(issued.sha256, issued.der)
    sent = tuple(issued.sha256 for issued in chain.certificates[:2])
    soon = int((made.LEAF.end - 15 * pki.DAY).timestamp()) + 1  # a sixth of 90 days, with one second more
    for at, said in ((soon - 1, ["ok"]), (soon, ["ok", "certificate.expiring"])):
        assert [one.reason for one in chains.judge(sent, None, at * 10**9)] == said
        since, until = chains.period(sent, at * 10**9)
        assert since <= at <= until
        assert (until < soon) is (at < soon)

"""OCSF events of every test capture, judged by OCSF's own schema."""

import json
from collections import Counter
from typing import Any

import pytest
from captures import NAMES, records
from ocsf_check import problems

from probe.output import ocsf


@pytest.fixture(scope="module")
def events() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    pairs = []
    for name in NAMES:
        for record in records(name):
            event = ocsf.event(record)
            if event is not None:
                pairs.append((record, event))
    return pairs


def test_every_event_is_valid(events: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    wrong = Counter(problem for _, event in events for problem in problems(event))
    assert not wrong
    classes = Counter(event["class_uid"] for _, event in events)
    assert set(classes) == {4001, 4003, 4014, 2003, 2004}, classes


def test_the_judge_finds_what_is_wrong(events: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    event = events[0][1]
    for change, word in (
        ({"activity_id": 77, "type_uid": event["class_uid"] * 100 + 77}, "none of"),
        ({"time": "now"}, "no timestamp_t"),
        ({"metadata": {"version": "1"}}, "product: missing"),
        ({"src_endpoint": {"port": 1}}, "one of"),
        ({"no_such_thing": 1}, "no such attribute"),
        ({"type_uid": 1}, "type_uid"),
    ):
        assert any(word in problem for problem in problems({**event, **change})), word


def test_nothing_is_lost_on_the_way(events: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Every flow and finding has an event, with its uid, its endpoints and its numbers."""
    for record, event in events:
        text = json.dumps(event)
        if record["type"] == "flow":
            assert event["traffic"]["bytes"] == sum(record["bytes"])
            assert event["src_endpoint"].get("ip") == record["src_ip"]
            assert event["end_time"] >= event["start_time"]
            for word in (
                record.get("community_id"),
                record["class"],
                record["evidence"],
                *record.get("credentials", []),
            ):
                assert word is None or json.dumps(word) in text, word
            for name, value in record.get("tls", {}).items():
                plain = value.removeprefix("TLSv") if name == "version" else value
                assert json.dumps(plain) in text, name
        elif record["type"] == "tunnel":
            assert [event["src_endpoint"]["ip"], event["dst_endpoint"]["ip"]] == record["peers"]
            assert event["traffic"]["packets"] == sum(record["packets"])
            assert all(json.dumps(record[name]) in text for name in ("ike", "esp", "flows") if name in record)
        else:
            assert event["finding_info"]["uid"] == record["uid"]
            assert event["message"] == record["title"]
            assert json.dumps(record["endpoint"]) in text
            assert record["evidence"]["class"] in text


def test_what_has_no_event() -> None:
    for kind in ("certificate", "summary", "rollup", "health", "state"):
        assert ocsf.event({"type": kind}) is None


def test_times_are_milliseconds() -> None:
    assert ocsf._ms("2026-11-23T10:00:00.000999Z") == 1_795_428_000_000
    assert ocsf._ms("1970-01-01T00:00:00.001000Z") == 1

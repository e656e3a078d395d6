"""What is understood, and that everything else is kept aside with its reason, whatever it is."""

import json
from typing import Any

import pytest
from fleet import finding, message
from hypothesis import given
from hypothesis import strategies as st

from collector.messages import MAX_PAYLOAD, Aside, Envelope, State, is_whole, read

TOPIC = "transitproof/v1/s1/p1/finding"


def test_an_envelope() -> None:
    read_in = message(finding(), seq=7)
    assert isinstance(read_in, Envelope)
    assert (read_in.kind, read_in.probe.id, read_in.seq, read_in.items[0]["uid"]) == ("finding", "p1", 7, "a")


def test_birth_and_last_will() -> None:
    assert read("x/s1/p1/state", b'{"online":true,"boot_id":"b"}') == State(
        "s1", "p1", True, {"online": True, "boot_id": "b"}
    )
    gone = read("x/s1/p1/state", b'{"online":false}')
    assert isinstance(gone, State)
    assert not gone.online


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schema": "transitproof.finding/2"}, "version 2 of its schema"),
        ({"schema": "transitproof.novelty/1"}, "does not know"),
        ({"schema": "transitproof.rollup/1"}, "items of kind rollup under a topic of finding"),
        ({"probe": {"id": "p2", "site": "s1"}}, "names another probe than its topic"),
        ({"seq": -1}, "cannot be"),
        ({"boot_id": ""}, "cannot be"),
        ({"items": None}, "not an envelope"),
        ({"items": [[]]}, "not an envelope"),
    ],
)
def test_what_is_not_understood_is_kept_aside(change: dict[str, Any], why: str) -> None:
    read_in = message(finding(), **change)
    assert isinstance(read_in, Aside)
    assert why in read_in.why
    assert read_in.topic == TOPIC


@pytest.mark.parametrize("topic", ["", "a/b", "x/s1/p 1/finding", "x/../p1/finding/y"])
def test_topics_that_name_nobody(topic: str) -> None:
    assert isinstance(read(topic, b"{}"), Aside)


def test_a_payload_that_is_too_large() -> None:
    read_in = read(TOPIC, b" " * (MAX_PAYLOAD + 1))
    assert isinstance(read_in, Aside)
    assert len(read_in.payload) == MAX_PAYLOAD


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_never_raises(payload: bytes) -> None:
    for topic in (TOPIC, "x/s1/p1/state"):
        assert isinstance(read(topic, payload), (Aside, State, Envelope))


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ({""}, True),
        ({"1/2"}, False),
        ({"1/2", "2/2"}, True),
        ({"1/3", "2/3", "3/3.1/2"}, False),
        ({"1/3", "2/3", "3/3.1/2", "3/3.2/2"}, True),
        ({"0/0"}, False),
        ({"1/999999"}, False),
    ],
)
def test_pieces_make_up_an_envelope(parts: set[str], whole: bool) -> None:
    assert is_whole(parts) is whole


def test_nested_beyond_reason() -> None:
    assert isinstance(read(TOPIC, b"[" * 100_000), Aside)

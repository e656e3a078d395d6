"""Envelopes against their schemas, by jsonschema; the schemas against the code that they were made from."""

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from captures import PCAPS

import probe
from probe.publish import envelope
from probe.publish.envelope import KINDS, Probe, Stored

ROOT = Path(__file__).parents[3]
SCHEMAS = ROOT / "probe" / "schemas"
PROBE = Probe("gw-1", "lab")
WHEN = "2026-11-26T10:00:00.000000Z"


def _stored(kind: str, *items: bytes, part: str = "") -> Stored:
    body = b",".join(items)
    return Stored(position=1, boot_id="b" * 36, seq=7, part=part, kind=kind, count=len(items), body=body)


def _checker(kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{kind}.json").read_text()))


def test_the_shipped_schemas_are_those_of_the_code() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "make_schemas.py"))["texts"]()
    assert {path.name: path.read_text() for path in SCHEMAS.glob("*.json")} == made
    for text in made.values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


@pytest.fixture(scope="module")
def records() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for record in probe.replay(PCAPS / "showcase.pcapng", trust=[str(PCAPS / "pki" / "root.pem")]):
        found.setdefault(record["type"], []).append(json.dumps(record).encode())
    return found


@pytest.mark.parametrize("kind", ["finding", "certificate", "flow", "tunnel", "summary"])
def test_envelopes_of_real_records_are_valid(records: dict[str, list[bytes]], kind: str) -> None:
    assert records[kind]
    made = envelope.encode(_stored(kind, *records[kind], part="1/2"), PROBE, WHEN, {"spool_full": {"rollup": 3}})
    decoded = json.loads(made)
    _checker(kind).validate(decoded)
    assert decoded["items"] == [json.loads(item) for item in records[kind]]
    assert list(decoded) == ["schema", "probe", "boot_id", "seq", "part", "sent_at", "drops", "items"]


def _broken(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for member in ("schema", "probe", "boot_id", "seq", "sent_at", "drops", "items"):
        yield {name: value for name, value in whole.items() if name != member}
    yield {**whole, "seq": "7"}
    yield {**whole, "schema": "transitproof.finding/2"}
    yield {**whole, "drops": {"spool_full": 3}}
    yield {**whole, "items": [{**whole["items"][0], "severity": "dreadful"}]}


def test_what_is_not_an_envelope_is_not_valid(records: dict[str, list[bytes]]) -> None:
    checker = _checker("finding")
    whole = json.loads(envelope.encode(_stored("finding", *records["finding"]), PROBE, WHEN, {}))
    assert checker.is_valid(whole)
    assert not any(checker.is_valid(one) for one in _broken(whole))
    assert checker.is_valid({**whole, "a_member_of_the_future": 1})


@pytest.mark.parametrize("reason", ["", "lost", "stopped"])
def test_states_are_valid(reason: str) -> None:
    made = envelope.state(PROBE, "b" * 36, 3, sent_at=WHEN, items=[b'{"type":"state"}'], reason=reason)
    decoded = json.loads(made)
    _checker("state").validate(decoded)
    assert decoded["online"] is (not reason)
    assert "seq" not in decoded


def test_a_report_under_another_kind_is_not_valid() -> None:
    made = json.loads(envelope.encode(_stored("rollup", b'{"type":"health"}'), PROBE, WHEN, {}))
    assert not _checker("rollup").is_valid(made)
    assert set(KINDS) | {"state"} == {path.stem for path in SCHEMAS.glob("*.json")}


def test_items_are_packed_in_order_and_to_the_byte() -> None:
    items = [b"x" * size for size in (3, 3, 3, 9, 1, 1)]
    assert list(envelope.packed(items, 8)) == [[b"xxx", b"xxx"], [b"xxx"], [b"x" * 9], [b"x", b"x"]]
    assert list(envelope.packed([], 8)) == []


def test_the_head_has_room() -> None:
    """The longest head there can be, and a signature, fit into what is kept free for them."""
    probe = Probe("p" * 128, "s" * 128, "9" * 32)
    drops = {
        reason: dict.fromkeys(KINDS, 2**62) for reason in ("too_large", "spool_full", "disk_full", "damaged", "refused")
    }
    stored = Stored(position=1, boot_id="b" * 36, seq=2**62, part="20/20.20/20", kind="certificate", count=0, body=b"")
    assert len(envelope.encode(stored, probe, WHEN, drops)) + 320 < envelope.HEAD_ROOM

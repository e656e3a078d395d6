"""Envelopes: what travels. The contract with whoever receives, as types; their JSON Schemas are made from these.

Pure: no clock, no disk, no network. One envelope carries reports of one kind; `(probe, boot_id, seq, part)` names it
for ever, however often it is sent, so a receiver drops what it has seen, and sees what it missed as a gap in `seq`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from probe import __version__
from probe.model import Certificate, Finding

KINDS: Final = ("health", "flow", "rollup", "tunnel", "summary", "certificate", "finding")
"""The first go first when there is no room for all."""
MAX_PAYLOAD: Final = 100_000  # bytes; AWS IoT Core takes 128 kB
HEAD_ROOM: Final = 2048  # bytes of an envelope besides its items: head (ids of up to 128 bytes, drops), signature


class Probe(Struct, frozen=True):
    """Who speaks."""

    id: str
    site: str
    version: str = __version__


class Report(Struct, frozen=True):
    """A record of which an envelope's contract only says that it has a type."""

    type: str


class Head(Struct, frozen=True, kw_only=True):
    """What all envelopes have."""

    schema: str
    probe: Probe
    boot_id: str
    """A random UUID for each start of the agent. Envelopes that waited in the spool keep theirs."""
    seq: int
    """Counts the envelopes of a start, over all kinds, from 0."""
    part: str | UnsetType = UNSET
    """`2/3`: a piece of an envelope that was cut because a broker takes less; `2/3.1/2` a piece of that."""
    sent_at: str
    """When it was sent, by the probe's clock; sending it again renews it."""
    drops: dict[str, dict[str, int]]
    """Reports that were lost on the way, by reason and kind, since the spool was made. Only ever grows."""
    jws: str | UnsetType = UNSET
    """Signature over all that stands before it (docs/publishing.md)."""


class Findings(Head, frozen=True, kw_only=True):
    """`finding`."""

    items: list[Finding]


class Certificates(Head, frozen=True, kw_only=True):
    """`certificate`."""

    items: list[Certificate]


class Reports(Head, frozen=True, kw_only=True):
    """Every other kind."""

    items: list[Report]


class State(Struct, frozen=True, kw_only=True):
    """`state`: retained at the broker, so a late reader sees it at once. `online` false is the will, or a farewell."""

    schema: str
    probe: Probe
    boot_id: str
    session: int
    """Counts the connections of a start. A will and the birth that it belongs to have the same."""
    online: bool
    sent_at: str
    reason: str | UnsetType = UNSET
    """With `online` false: `lost` (the broker says so) or `stopped`."""
    items: list[Report] = []
    """What the agent said of itself last."""
    jws: str | UnsetType = UNSET


FORMS: Final[dict[str, type[Struct]]] = {
    "state": State,
    "finding": Findings,
    "certificate": Certificates,
    "rollup": Reports,
    "health": Reports,
    "flow": Reports,
    "tunnel": Reports,
    "summary": Reports,
}


class Stored(Struct, frozen=True, kw_only=True):
    """One envelope as it lies in the spool: everything but what is known only when it is sent."""

    position: int
    boot_id: str
    seq: int
    part: str
    kind: str
    count: int
    body: bytes
    """The items, with commas between them."""

    def items(self) -> list[bytes]:
        """One by one."""
        return [bytes(item) for item in _RAW.decode(b"[" + self.body + b"]")]


_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw])


def schema(kind: str) -> str:
    """The name of the contract. What changes a meaning makes it /2."""
    return f"transitproof.{kind}/1"


def encode(
    stored: Stored, probe: Probe, sent_at: str, drops: Mapping[str, Mapping[str, int]], body: bytes | None = None
) -> bytes:
    """The envelope's bytes; `body` in the place of its own, for items in another form."""
    head = {
        "schema": schema(stored.kind) if body is None else schema("ocsf"),
        "probe": probe,
        "boot_id": stored.boot_id,
        "seq": stored.seq,
        **({"part": stored.part} if stored.part else {}),
        "sent_at": sent_at,
        "drops": drops,
    }
    items = stored.body if body is None else body
    return msgspec.json.encode(head)[:-1] + b',"items":[' + items + b"]}"


def state(
    probe: Probe, boot_id: str, session: int, *, sent_at: str, items: Iterable[bytes] = (), reason: str = ""
) -> bytes:
    """A birth; with a reason the opposite."""
    head = {
        "schema": schema("state"),
        "probe": probe,
        "boot_id": boot_id,
        "session": session,
        "online": not reason,
        "sent_at": sent_at,
        **({"reason": reason} if reason else {}),
    }
    return msgspec.json.encode(head)[:-1] + b',"items":[' + b",".join(items) + b"]}"


def packed(items: Iterable[bytes], room: int) -> Iterator[list[bytes]]:
    """Items in their order, in groups that fit; one that is larger than the room is alone."""
    group: list[bytes] = []
    size = 0
    for item in items:
        if group and size + len(item) + 1 > room:
            yield group
            group, size = [], 0
        group.append(item)
        size += len(item) + 1
    if group:
        yield group


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of every kind of envelope, by file name."""
    made = {}
    for kind, form in FORMS.items():
        _, components = msgspec.json.schema_components([form], ref_template="#/$defs/{name}")
        definition = components.pop(form.__name__)
        definition["properties"]["schema"] = {"const": schema(kind)}
        if kind not in ("state", "finding", "certificate"):
            components["Report"]["properties"]["type"] = {"const": kind}
        made[f"{kind}.json"] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:transitproof:{kind}:1",
            **definition,
            "title": schema(kind),
            "$defs": components,
        }
    return made

"""What comes from the broker, read: bytes in, envelope or reason out. No sockets, no clock.

The envelope is that of the probes: `{"schema":"transitproof.finding/1","probe":{"id","site","version"},"boot_id","seq",
"sent_at","drops":{…},"items":[…]}`. What is not understood is never dropped: it becomes `Aside` with the reason.
"""

import re
import zlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct, field

KINDS: Final = ("finding", "certificate", "rollup", "tunnel", "health", "flow", "summary")
VERSION: Final = 1
MAX_PAYLOAD: Final = 1 << 20  # bytes; probes cut at 100 kB, brokers allow more
MAX_ITEMS: Final = 10_000  # of an envelope: a rollup of a busy host has some hundred
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PART: Final = re.compile(r"[0-9]{1,6}/[0-9]{1,6}(\.[0-9]{1,6}/[0-9]{1,6}){0,7}")
_SCHEMA: Final = re.compile(r"transitproof\.([a-z_]+)/([0-9]{1,6})")


class Sender(Struct, frozen=True):
    """Which probe speaks."""

    id: str
    site: str
    version: str = ""


class Envelope(Struct, frozen=True):
    """Items of one kind from one probe."""

    schema: str
    probe: Sender
    boot_id: str
    seq: int
    sent_at: str
    items: list[dict[str, Any]]
    part: str = ""
    """`2/3` and so on: a piece of an envelope that was cut; "" for a whole one."""
    drops: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """One of KINDS."""
        return self.schema.partition(".")[2].partition("/")[0]


class State(Struct, frozen=True):
    """The retained message of a probe: its birth, or the broker's word that it went."""

    site: str
    probe: str
    online: bool
    record: dict[str, Any]


class Aside(Struct, frozen=True):
    """A message that is not understood, kept as it came."""

    topic: str
    payload: bytes
    why: str


def is_whole(parts: set[str]) -> bool:
    """Whether these pieces make up an envelope: `""`, or each of n, which may itself be cut (`2/3.1/2`)."""
    if "" in parts:
        return True
    pieces: dict[str, set[str]] = {}
    for part in parts:
        piece, _, rest = part.partition(".")
        pieces.setdefault(piece, set()).add(rest)
    counts = {piece.partition("/")[2] for piece in pieces}
    return any(
        all(is_whole(pieces.get(f"{number}/{count}", set())) for number in range(1, int(count) + 1))
        for count in counts
        if 0 < int(count) <= len(pieces)
    )


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib's number for gzip with the largest window

Fault = Callable[[str, str, bytes], str | None]
"""Of site, probe and payload: why the payload is not the probe's word, None if it is."""


def _no_fault(_site: str, _probe: str, _payload: bytes) -> None:
    """Where no signatures are asked for."""


def read(topic: str, payload: bytes, fault: Fault = _no_fault) -> Envelope | State | Aside:
    """One message, plain or in gzip. Never raises for what is in it."""
    payload = _unpacked(payload)
    if len(payload) > MAX_PAYLOAD:
        return Aside(topic, payload[:MAX_PAYLOAD], f"larger than {MAX_PAYLOAD} bytes")
    parts = topic.split("/")
    if len(parts) < 3:
        return Aside(topic, payload, "the topic names no site and probe")
    site, probe, kind = parts[-3:]
    if not (_ID.fullmatch(site) and _ID.fullmatch(probe)):
        return Aside(topic, payload, "the topic's site or probe has characters that are not allowed")
    if (why := fault(site, probe, payload)) is not None:
        return Aside(topic, payload, why)
    try:
        return _state(site, probe, payload) if kind == "state" else _envelope(topic, site, probe, kind, payload)
    except (msgspec.DecodeError, RecursionError) as error:
        return Aside(topic, payload, f"not an envelope: {error}"[:200])


def _unpacked(payload: bytes) -> bytes:
    """Out of gzip, but no more than shows that it is too large. Damaged gzip stays as it is: no envelope."""
    if not payload.startswith(_GZIP):
        return payload
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(payload, MAX_PAYLOAD + 1)
    except zlib.error:
        return payload


def _state(site: str, probe: str, payload: bytes) -> State:
    record = msgspec.json.decode(payload, type=dict[str, Any])
    return State(site, probe, record.get("online") is True, record)


def _envelope(topic: str, site: str, probe: str, kind: str, payload: bytes) -> Envelope | Aside:
    envelope = _ENVELOPE.decode(payload)
    schema = _SCHEMA.fullmatch(envelope.schema)
    why = None
    if schema is None or schema[1] not in KINDS:
        why = "a schema that this collector does not know"
    elif int(schema[2]) != VERSION:
        why = f"version {schema[2]} of its schema; this collector knows {VERSION}"
    elif schema[1] != kind:
        why = f"items of kind {schema[1]} under a topic of {kind}"
    elif (envelope.probe.site, envelope.probe.id) != (site, probe):
        why = "the envelope names another probe than its topic"
    elif envelope.part and not _PART.fullmatch(envelope.part):
        why = "a part that cannot be"
    elif not 0 <= envelope.seq < 1 << 53 or len(envelope.items) > MAX_ITEMS or not _ID.fullmatch(envelope.boot_id):
        why = "a sequence number, boot or number of items that cannot be"
    return envelope if why is None else Aside(topic, payload, why)

"""A stand-in for `probe._parsers` after its reference: a capture is a JSON file that lists batches.

Good for testing what is built on the core; what the core itself does is tested with real captures elsewhere.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class CaptureError(ValueError):
    """Not a capture."""


@dataclass
class Observation:
    facts_id: int = 1
    facts: bytes = b"{}"
    endpoint: str = "10.0.0.1:443/tcp"
    name: str | None = None
    count: int = 1
    first_seen: int = 1_700_000_000_000_000_000
    last_seen: int = 1_700_000_001_000_000_000
    flows: list[str] = field(default_factory=lambda: ["1:aaa="])
    frames: list[int] = field(default_factory=lambda: [7])
    id: int = 1


@dataclass
class Batch:
    records: bytes = b""
    certificates: list[tuple[str, bytes]] = field(default_factory=list)
    observations: list[Any] = field(default_factory=list)


def observation(facts: dict[str, Any], **rest: Any) -> Observation:
    """An observation of these facts; equal facts get equal ids."""
    encoded = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return Observation(facts=encoded, facts_id=hash(encoded), **rest)


class Capture:
    def __init__(self, path: str | None = None, *, fd: int | None = None) -> None:
        data = Path(path or f"/dev/fd/{fd}").read_bytes()
        if not data.startswith(b"{"):
            message = "wrong magic"
            raise CaptureError(message)
        self.content = json.loads(data)
        self.batches = list(self.content.get("batches", []))
        self.size = len(data)
        self.position = 0
        self.drops = int(self.content.get("drops", 0))
        self.damage = [tuple(damage) for damage in self.content.get("damage", [])]


class Core:
    def __init__(self, *, flows: bool = True, endpoints: bool = False) -> None:
        self.flows = flows
        self.keeps_endpoints = endpoints
        self.pending = Batch()
        self.counters: dict[str, Any] = {"packets": 0, "bytes": 0, "flows": 0, "by_class": {}, "drops": {}}

    def feed(self, capture: Capture, packets: int) -> bool:
        assert packets > 0
        if not capture.batches:
            return False
        batch = capture.batches.pop(0)
        if batch.get("error"):
            raise OSError(5, batch["error"])
        self.pending.observations += [
            observation(entry.pop("facts"), **entry) for entry in batch.get("observations", [])
        ]
        self.pending.records += batch.get("records", "").encode() if self.flows else b""
        self.counters.update(batch.get("totals", {}))
        capture.position = capture.size
        return bool(capture.batches)

    def finish(self, _flows: int | None = None) -> bool:
        return False

    def take(self) -> Batch:
        batch, self.pending = self.pending, Batch()
        return batch

    def endpoints(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(**entry) for entry in self.counters.get("endpoints", []) if self.keeps_endpoints]

    def totals(self) -> bytes:
        return json.dumps(self.counters).encode()

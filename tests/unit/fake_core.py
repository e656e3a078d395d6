"""A stand-in for `probe._parsers` after its reference: a capture is a JSON file that lists batches.

Good for testing what is built on the core; what the core itself does is tested with real captures elsewhere.
"""

import base64
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from probe._parsers import Batch, Ledger, Observation, Verdict

__all__ = ["Batch", "Capture", "CaptureError", "Core", "Ledger", "Verdict", "flow_id", "observation"]


class CaptureError(ValueError):
    """Not a capture."""


def observation(facts: dict[str, Any], endpoint: str = "10.0.0.1:443/tcp", **rest: Any) -> Observation:
    """An observation of these facts by one flow."""
    encoded = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    first, last = 1_700_000_000_000_000_000, 1_700_000_001_000_000_000
    rest = {"first_seen": first, "last_seen": last, "samples": [(flow_id("a"), 7)], **rest}
    return Observation(encoded, endpoint, **rest)


def flow_id(letter: str) -> str:
    """A Community ID."""
    return f"1:{base64.b64encode(letter.encode() * 20).decode()}"


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
    def __init__(self, *, flows: bool = True, endpoints: bool = False, **_: object) -> None:
        self.flows = flows
        self.keeps_endpoints = endpoints
        self.observations: list[Observation] = []
        self.records = b""
        self.counters: dict[str, Any] = {"packets": 0, "bytes": 0, "flows": 0, "by_class": {}, "drops": {}}

    def feed(self, capture: Capture, packets: int) -> bool:
        assert packets > 0
        if not capture.batches:
            return False
        batch = capture.batches.pop(0)
        if batch.get("error"):
            raise OSError(5, batch["error"])
        self.observations += [observation(entry.pop("facts"), **entry) for entry in batch.get("observations", [])]
        self.records += batch.get("records", "").encode() if self.flows else b""
        self.counters.update(batch.get("totals", {}))
        capture.position = capture.size
        return bool(capture.batches)

    def finish(self, _flows: int | None = None) -> bool:
        return False

    def take(self, *, observations: bool = True) -> Batch:  # noqa: ARG002
        batch = Batch(records=self.records, observations=self.observations)
        self.observations, self.records = [], b""
        return batch

    def endpoints(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(**entry) for entry in self.counters.get("endpoints", []) if self.keeps_endpoints]

    def totals(self) -> bytes:
        return json.dumps(self.counters).encode()

"""Verifiers beside the live agent: what they do takes seconds, so it is done in a thread of its own.

The capture thread hands over what it observed and takes away what was found, and never waits.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from probe.reprobe.verifier import Verifier

WAIT: Final = 1.0  # seconds between two looks at what is due
MAX_WAITING: Final = (
    4096  # sessions, certificates, and records, that wait for the other side; the oldest go first and are counted
)

Session = tuple[str, str | None, bytes, bytes, str | None, int]
"""As `Batch.sessions` gives them."""


class Background:
    """Runs from `start` to `stop`. Everything but the thread itself may be called by one other thread."""

    def __init__(self, verifiers: Sequence[Verifier]) -> None:
        self._verifiers = tuple(verifiers)
        self._certificates: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._observed: deque[Session] = deque(maxlen=MAX_WAITING)
        self._found: deque[tuple[str, bytes]] = deque(maxlen=MAX_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reprobe", daemon=True)
        self._told: set[str] = set()
        self.lost = 0
        """What had no room to wait."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the attempt at hand, or without it: it is bounded by its own timeout and changes nothing here."""
        self._stop.set()

    def see(self, sessions: Iterable[Session], certificates: bytes = b"") -> None:
        """Sessions of TLS, and the records of certificates that are new in them (JSON Lines)."""
        for line in certificates.splitlines():
            self.lost += len(self._certificates) == MAX_WAITING
            self._certificates.append(line)
        for session in sessions:
            if b'"tls.version"' in session[2]:
                self.lost += len(self._observed) == MAX_WAITING
                self._observed.append(session)

    def take(self) -> list[tuple[str, bytes]]:
        """(`certificate` or `finding`, the record as JSON) of what was found since the last call."""
        taken = []
        while self._found:
            taken.append(self._found.popleft())
        return taken

    def problems(self) -> list[str]:
        """What the operator has to be told, since the last call."""
        said = [problem for verifier in self._verifiers for problem in verifier.problems]
        new = [problem for problem in said if problem not in self._told]
        self._told.update(new)
        return new

    def counters(self) -> dict[str, int]:
        """What the verifiers did, added up."""
        sums: dict[str, int] = {"reprobe_lost": self.lost}
        for verifier in self._verifiers:
            for name, count in dict(verifier.counters).items():
                sums[f"{verifier.evidence}_{name}"] = count
        return sums

    def _run(self) -> None:
        while not self._stop.wait(WAIT):
            self.step()

    def step(self) -> None:
        """What is due now."""
        while self._certificates:
            line = self._certificates.popleft()
            for verifier in self._verifiers:
                verifier.see(line)
        while self._observed:
            endpoint, name, facts, told, leaf, last_seen = self._observed.popleft()
            seen: dict[str, Any] = {**msgspec.json.decode(facts), **msgspec.json.decode(told)}
            for verifier in self._verifiers:
                verifier.observe(endpoint, name, seen, leaf=leaf, last_seen=last_seen)
        for verifier in self._verifiers:
            for record in verifier.records(self._stop.is_set):
                self.lost += len(self._found) == MAX_WAITING
                self._found.append((record["type"], msgspec.json.encode(record)))

"""How endpoints protect what they carry, and when that becomes another: what is new at an endpoint, and what changed.

A posture is the part of an observation that an operator chose: protocol, versions, algorithms. Beside it stands which
certificate was shown. No clock, no I/O.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

MAX_PLACES: Final = 32_768  # endpoints and names remembered, some 300 bytes each; the one longest not seen is forgotten
MAX_POSTURES: Final = 8  # of one place: servers negotiate with each client what that can do
MAX_SHOWN: Final = 8  # certificates of one place remembered, 40 bytes each; the oldest is told again
PREFIX: Final = 32  # hex digits of a SHA-256 kept: 128 bits tell certificates apart
MAX_CHANGES: Final = 64  # told in one rollup, some 300 bytes each; the others are counted
FACTS: Final = (
    "class",
    "protocol",
    "starttls",
    "tls.version",
    "tls.suite",
    "tls.group",
    "tls.dh_bits",
    "ike.version",
    "ike.encr",
    "ike.key_length",
    "ike.integ",
    "ike.ke",
    "ike.additional_ke",
    "esp.null_encryption",
)


class Change(Struct, omit_defaults=True, kw_only=True):
    """A posture or certificate that a place did not have before; `before` the posture that it had last, none if new."""

    endpoint: str
    name: str | None = None
    after: dict[str, Any]
    before: dict[str, Any] | None = None
    certificate: str | None = None
    """SHA-256 of the server's own, if this one was not shown at the place before."""


class Seen(Struct):
    """What is told of an interval."""

    new: int = 0
    changed: int = 0
    changes: list[Change] = []


class Postures:
    """Of all places."""

    def __init__(self, known: dict[str, list[str]] | None = None, shown: dict[str, list[str]] | None = None) -> None:
        self._known: dict[str, list[str]] = known or {}
        """By endpoint and name: postures as JSON, the latest last; the place longest not seen first."""
        self._shown: dict[str, list[str]] = shown or {}
        """Of the same places: beginnings of the certificates that were told, the latest last."""
        self._read: dict[bytes, str | None] = {}
        self._seen = Seen()

    def see(self, sightings: Iterable[tuple[str, str | None, bytes, int, str | None]]) -> None:
        """Observations: endpoint, name, facts, flows, certificate."""
        for endpoint, name, facts, _, certificate in sightings:
            posture = self._posture(facts)
            if posture is not None:
                self._place(endpoint, name, posture, certificate)

    def _posture(self, facts: bytes) -> str | None:
        """None for what is no posture: what a client asked its resolver, a login."""
        if facts not in self._read:
            if len(self._read) >= MAX_PLACES:
                self._read.clear()
            all_facts = msgspec.json.decode(facts)
            kept = {fact: all_facts[fact] for fact in FACTS if fact in all_facts}
            other = any(fact.startswith("dns.") for fact in all_facts)
            self._read[facts] = None if other or not kept else msgspec.json.encode(kept).decode()
        return self._read[facts]

    def _place(self, endpoint: str, name: str | None, posture: str, certificate: str | None) -> None:
        place = f"{endpoint} {name}" if name else endpoint
        had = self._known.pop(place, [])
        told, room = self._shown.get(place, []), len(self._seen.changes) < MAX_CHANGES
        # One for which there is no room now is told later.
        new = certificate if certificate and room and certificate[:PREFIX] not in told else None
        if posture not in had or new:
            if had:
                self._seen.changed += 1
            else:
                self._seen.new += 1
            if room:
                before = msgspec.json.decode(had[-1]) if had else None
                after = msgspec.json.decode(posture)
                self._seen.changes.append(
                    Change(endpoint=endpoint, name=name, after=after, before=before, certificate=new)
                )
                if new:
                    self._shown[place] = [*told, new[:PREFIX]][-MAX_SHOWN:]
            had = [*(one for one in had if one != posture), posture][-MAX_POSTURES:]
        self._known[place] = had
        if len(self._known) > MAX_PLACES:
            forgotten = next(iter(self._known))
            del self._known[forgotten]
            self._shown.pop(forgotten, None)

    def take(self) -> Seen:
        """Since the last call."""
        seen, self._seen = self._seen, Seen()
        return seen

    def state(self) -> dict[str, list[str]]:
        """To be saved."""
        return self._known

    def shown(self) -> dict[str, list[str]]:
        """To be saved, too."""
        return self._shown

"""Stored envelopes in the forms in which ends give them out. Asks one clock, for `sent_at`."""

import time
from collections.abc import Callable, Mapping

import msgspec

from probe.model import rfc3339
from probe.output import ocsf
from probe.publish import envelope
from probe.publish.envelope import Probe, Stored
from probe.publish.signing import Signer


class Writer:
    """For one end."""

    def __init__(
        self,
        probe: Probe,
        form: str,
        *,
        signer: Signer | None = None,
        drops: Callable[[], Mapping[str, Mapping[str, int]]] = dict,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.probe, self.form = probe, form
        self._signer, self._clock = signer, clock
        self.drops = drops

    def whole(self, stored: Stored) -> bytes:
        """One envelope, one JSON object."""
        body = b",".join(self.lines(stored)) if self.form == "ocsf" else None
        return self._signed(envelope.encode(stored, self.probe, self.now(), self.drops(), body))

    def lines(self, stored: Stored) -> list[bytes]:
        """JSON objects without line ends: the envelope, or each report by itself."""
        if self.form == "envelope":
            return [self.whole(stored)]
        return [line for item in stored.items() for line in self.forms(item)]

    def forms(self, item: bytes) -> list[bytes]:
        """A report in this form: one line, or none where OCSF has no event for it."""
        if self.form != "ocsf":
            return [item]
        event = ocsf.event(msgspec.json.decode(item), probe=self.probe.id)
        return [] if event is None else [msgspec.json.encode(event)]

    def now(self) -> str:
        """The time for `sent_at`."""
        return rfc3339(self._clock())

    def state(self, boot_id: str, session: int, items: list[bytes], reason: str = "") -> bytes:
        """A birth, or the opposite."""
        made = envelope.state(self.probe, boot_id, session, sent_at=self.now(), items=items, reason=reason)
        return self._signed(made)

    def _signed(self, made: bytes) -> bytes:
        return made if self._signer is None else self._signer.sign(made)

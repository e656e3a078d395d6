"""What the helper wrote, for the live agent: looked at again and again, and held against what was seen since."""

import time
from typing import TYPE_CHECKING, Final

from probe.engine import batch_of
from probe.gateway import state
from probe.gateway.state import GatewayError
from probe.gateway.verdict import Gateway
from probe.journal import WARNING, Journal
from probe.values import AbsolutePath

if TYPE_CHECKING:
    from probe._parsers import Batch, Core

TOLD: Final = 700  # seconds after which what a flow carried has been told: twice what the core cuts live flows by
OLD: Final = 300  # seconds after which a state says nothing of now


class GatewayFile:
    """The file of the configuration. It may come later, and go."""

    def __init__(self, path: AbsolutePath, core: "Core", journal: Journal) -> None:
        """Asks the core for what is to be held against it."""
        self._path, self._core, self._journal = path, core, journal
        self._gateway = Gateway()
        self._begin = int(time.time())
        self._latest = 0
        self._complained = False
        core.tell_tunnels()

    def see(self, batch: "Batch", _now: int) -> None:
        """Associations on the wire."""
        if associations := batch.associations:
            self._gateway.see(associations)

    def look(self, now: int) -> "Batch":
        """What is to be judged of the state that is there now; nothing if it is the one of the last time, or old."""
        try:
            [latest] = state.load(self._path.resolve())[-1:]
            if latest.time < now - OLD:
                raise GatewayError(f"{self._path}: {now - latest.time} s old; is transitproof-gateway running?")
            if latest.time > self._latest:
                self._gateway.learn(latest)
                self._core.protect(self._gateway.protected(), host=True)
        except ValueError as error:  # also an empty file, and more policies than the core looks for
            if not self._complained:
                self._journal.say(WARNING, "gateway_unread", str(error))
            self._complained = True
            return batch_of((), now)
        self._complained = False
        if latest.time <= self._latest:
            return batch_of((), now)
        self._latest = latest.time
        found = self._gateway.observations(self._begin, now - TOLD)
        return batch_of(found, latest.time)

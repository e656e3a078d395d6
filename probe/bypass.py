"""Long flows that the kernel counts for the agent, where it is permitted to have that (docs/agent.md, The bypass)."""

from typing import TYPE_CHECKING, Final

from probe import health, journal
from probe.journal import Journal

if TYPE_CHECKING:
    from probe._parsers import Core, Live

EVENT: Final = "bypass_off"


class Bypass:
    """Between core and rings: which flows are settled, and what was counted of them below."""

    def __init__(self, live: "Live", journal: Journal, *, wanted: bool) -> None:
        """Attaches the filters, which takes CAP_BPF, so before rights are dropped; without it that is said."""
        self._live, self._journal = live, journal
        self._flows: int | None = 0 if wanted and self._attach() else None

    def _attach(self) -> bool:
        try:
            self._live.bypass()
        except OSError as error:
            self._say(f"{error.strerror}; every packet is read; CAP_BPF would let the kernel count long flows")
            return False
        return True

    def begin(self, core: "Core") -> None:
        """From now on the core's settled flows go below."""
        if self._flows is not None:
            core.bypass()

    def collect(self, core: "Core") -> None:
        """Give the core what the kernel counted since the last time."""
        if self._flows is None:
            return
        try:
            self._flows = core.collect(self._live)
        except PermissionError:
            self._flows = None
            self._say("this kernel (before Linux 5.19) takes no flows without rights; every packet is read")

    def counters(self) -> health.Bypass | None:
        """Flows below now, packets and bytes so far; None where every packet is read."""
        return None if self._flows is None else health.Bypass(self._flows, *(self._live.bypassed or (0, 0)))

    def _say(self, why: str) -> None:
        self._journal.say(journal.INFO, EVENT, why)

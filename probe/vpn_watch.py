"""Declared connections (probe.vpn) for the live agent: held again and again against the tunnels of the last minutes."""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from probe.engine import batch_of
from probe.tunnels import Tunnels, add
from probe.vpn import Vpn, observations

if TYPE_CHECKING:
    from probe._parsers import Batch, Core
    from probe.model import Facts

PERIOD: Final = 660  # seconds looked back: of flows that go on the core tells every 300
MAX_LINES: Final = 8 << 20  # bytes kept: some 16,000 tunnels


class VpnWatch:
    """The connections, and what was told of tunnels lately."""

    def __init__(self, vpns: Sequence[Vpn], core: "Core", now: int) -> None:
        """Asks the core for what is to be held against them."""
        self._vpns = vpns
        self._since = now
        self._told: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        core.tell_tunnels()

    def see(self, batch: "Batch", now: int) -> None:
        """What flows came to so far."""
        lines = batch.so_far
        if lines and self._bytes + len(lines) <= MAX_LINES:
            self._told.append((now, lines))
            self._bytes += len(lines)
        while self._told and self._told[0][0] < now - PERIOD:
            self._bytes -= len(self._told.popleft()[1])

    def look(self, now: int) -> "Batch":
        """What is to be judged; nothing before everything that goes on has been told once."""
        seen: list[tuple[str, Facts]] = []
        if now - self._since >= PERIOD:
            tunnels: Tunnels = {}
            for _, lines in self._told:
                add(tunnels, lines)
            seen = observations(self._vpns, tunnels)
        return batch_of(seen, now)

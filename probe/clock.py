"""What the capture thread goes by: when it is time again, and whether somebody set the clock."""

import time
from typing import Final

from probe.model import NANOSECONDS

TOLERATED: Final = 2.0  # seconds by which the clock must be off to have been set: chrony and ntpd slew less


class Every:
    """Whether it is time again."""

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds, self._last = seconds, now

    def __call__(self, now: float) -> bool:
        """At most once in so many seconds."""
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True

    def rest(self, until: float) -> None:
        """Not again before `until`."""
        self._last = max(self._last, until - self._seconds)


class Clock:
    """The clock of the host, held against one that nobody sets."""

    def __init__(self) -> None:
        self._start = boot()
        self._before = time.time_ns(), self._start

    def elapsed(self) -> float:
        """Seconds since the beginning, whatever the clock says."""
        return boot() - self._start

    def was_set_by(self) -> int:
        """By how many ns since the last look; 0 if it was not."""
        before, self._before = self._before, (time.time_ns(), boot())
        return jumped(*self._before, before, TOLERATED)


def boot() -> float:
    """Seconds by a clock that nobody sets and that goes on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def jumped(time: int, elapsed: float, before: tuple[int, float], tolerated: float) -> int:
    """By how many ns the clock was set between two looks at it and at one that is never set; 0 if it was not."""
    by = (time - before[0]) - int((elapsed - before[1]) * NANOSECONDS)
    return by if abs(by) > tolerated * NANOSECONDS else 0

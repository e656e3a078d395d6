"""How fast, how long to wait after a failure, and how often to speak of it. Pure: time is an argument."""

import random
from typing import Final

FIRST_WAIT: Final = 1.0  # seconds
LONGEST_WAIT: Final = 300.0
BURST: Final = 0.2  # seconds' worth at once: with it a second still stays below what AWS IoT Core allows
SPOKEN_AGAIN: Final = 600.0  # seconds after which an end that is still down is mentioned once more


class Bucket:
    """Tokens that come back at a rate, up to what BURST brings."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._most = self._tokens = rate * BURST
        self._then = now

    def wait(self, tokens: float, now: float) -> float:
        """Take so many; gives the seconds to wait before using them. More than the bucket holds is a debt."""
        self._tokens = min(self._most, self._tokens + max(0.0, now - self._then) * self._rate)
        self._then = now
        self._tokens -= tokens
        return max(0.0, -self._tokens / self._rate)


class Pace:
    """Envelopes and bytes a second, below what the other side allows."""

    def __init__(self, envelopes: float | None, size: float | None, now: float) -> None:
        self._envelopes = None if envelopes is None else Bucket(envelopes, now)
        self._size = None if size is None else Bucket(size, now)

    def wait(self, size: int, now: float) -> float:
        """Seconds to wait before an envelope of this size."""
        return max(
            0.0 if self._envelopes is None else self._envelopes.wait(1, now),
            0.0 if self._size is None else self._size.wait(size, now),
        )


class Backoff:
    """Waits that double, each shortened by chance, so that a thousand probes do not come back in the same second."""

    def __init__(self, first: float = FIRST_WAIT, longest: float = LONGEST_WAIT) -> None:
        self._first, self._longest = first, longest
        self._tries = 0

    def next(self) -> float:
        """Seconds to wait before the next try."""
        full = min(self._longest, self._first * float(1 << min(self._tries, 30)))
        self._tries += 1
        return full * random.uniform(0.5, 1)  # noqa: S311 - no secret

    def reset(self) -> None:
        """It works again."""
        self._tries = 0


class Circuit:
    """What is said of an end: when it breaks, when the reason changes, now and then while it lasts, when it is over."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._reason = ""
        self._since = self._spoken = 0.0
        self._tries = 0

    def failed(self, reason: str, wait: float, waiting: int, now: float) -> str | None:
        """The line to say, if one is due."""
        self._tries += 1
        if not self._reason:
            self._since = now
        due = reason != self._reason or now - self._spoken >= SPOKEN_AGAIN
        if not due:
            return None
        self._reason, self._spoken = reason, now
        return (
            f"<4>event=publish_down end={self._name} tries={self._tries} waiting={waiting}: {reason};"
            f" again in {wait:.1f} s, and from then on without a word"
        )

    def works(self, now: float) -> str | None:
        """The line to say, if it had failed."""
        if not self._reason:
            return None
        line = f"<5>event=publish_up end={self._name} tries={self._tries} after={now - self._since:.0f}s"
        self._reason, self._tries = "", 0
        return line

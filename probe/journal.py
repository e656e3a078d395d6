"""What the agent tells its operator: lines on standard error, one event each, `event=drops packets=3: why`.

In the journal the priority stands in front (sd-daemon(3)) and the journal adds the time; elsewhere the line has its
own. An event that comes again and again is told a few times a minute; the next line says how many were left out.
"""

import contextlib
import datetime as dt
import os
import re
import sys
import threading
import time
from typing import Final

ERROR: Final = 3
WARNING: Final = 4
NOTICE: Final = 5
INFO: Final = 6
BURST: Final = 5  # lines of one event in a period: what happened stays visible, and a scan fills no disk
PERIOD: Final = 60.0  # seconds
_PLAIN: Final = re.compile(r"[!-~]+")


class Journal:
    """Tells events, each name so often in a period at most. For all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, int]] = {}
        self.suppressed: dict[str, int] = {}
        """Lines not told so far, by event."""
        self._unsaid: dict[str, int] = {}

    def say(self, priority: int, event: str, text: str = "", **values: object) -> None:
        """One event; names of events are stable, values are numbers and words."""
        now = time.monotonic()
        with self._lock:
            since, count = self._told.get(event, (now, 0))
            if now - since >= PERIOD:
                since, count = now, 0
            self._told[event] = (since, count + 1)
            if count >= BURST:
                self.suppressed[event] = self.suppressed.get(event, 0) + 1
                self._unsaid[event] = self._unsaid.get(event, 0) + 1
                return
            if unsaid := self._unsaid.pop(event, 0):
                values["suppressed"] = unsaid
        words = "".join(f" {name}={_word(value)}" for name, value in values.items())
        line = f"event={event}{words}{': ' if text else ''}{text}".replace("\n", " ")
        front = f"<{priority}>" if "JOURNAL_STREAM" in os.environ else f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ} "
        with contextlib.suppress(OSError, ValueError):
            print(front + line, file=sys.stderr, flush=True)  # noqa: T201


def _word(value: object) -> str:
    """As it is if it is one word of ASCII, else in quotes."""
    text = str(value)
    if _PLAIN.fullmatch(text) and '"' not in text:
        return text
    return '"' + text.encode("unicode_escape").decode().replace('"', '\\"') + '"'

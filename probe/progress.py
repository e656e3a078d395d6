"""The progress bar on standard error: shown on a terminal, for files that take a moment, gone when they are done."""

import time
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from probe._parsers import Capture

DELAY: Final = 0.5  # seconds before the bar appears: small files do not flicker
INTERVAL: Final = 0.1  # seconds between two pictures
WIDTH: Final = 24


class Progress:
    """Draws on `stream` unless that is None. The clock here is for the picture only."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream if stream is not None and stream.isatty() else None
        self._file = ""
        self._begin = self._drawn = time.monotonic()
        self._visible = False

    def __call__(self, file: str, capture: "Capture") -> None:
        """To be called after each batch."""
        if self._stream is None:
            return
        now = time.monotonic()
        if file != self._file:
            self._file, self._begin = file, now
        if now - self._begin < DELAY or now - self._drawn < INTERVAL:
            return
        self._drawn = now
        self._stream.write("\r\x1b[2K" + line(file, capture.position, capture.size, now - self._begin))
        self._stream.flush()
        self._visible = True

    def close(self) -> None:
        """Take the bar away."""
        if self._stream is not None and self._visible:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._visible = False


def line(file: str, position: int, size: int | None, seconds: float) -> str:
    """One picture of the bar."""
    rate = position / seconds if seconds > 0 else 0.0
    speed = f"{rate / 1e6:.0f} MB/s"
    if not size:
        return f"{file}  {position / 1e6:.0f} MB  {speed}"
    share = min(position / size, 1.0)
    filled = round(share * WIDTH)
    left = (size - position) / rate if rate else 0.0
    return f"{file}  {'━' * filled}{'╌' * (WIDTH - filled)} {share:4.0%}  {speed}  {_duration(left)} left"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(round(seconds), 0), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

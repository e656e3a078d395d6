"""What a terminal can show: width, colour, and text from the network made harmless.

Colour follows --color, then NO_COLOR (no-color.org), then whether the output is a terminal.
"""

import os
import shutil
import textwrap
from collections.abc import Iterable
from typing import Final, Literal, TextIO

from msgspec import Struct

ColorChoice = Literal["auto", "always", "never"]

MIN_WIDTH: Final = 60
MAX_WIDTH: Final = 110  # longer lines are hard to read
_CODES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "alarm": "1;31",
    "good": "1;32",
}


class Style(Struct, frozen=True):
    """How to draw."""

    width: int = 80
    color: bool = False
    unicode: bool = True

    def paint(self, text: str, code: str) -> str:
        """The text in a colour, if colours are wanted."""
        return f"\x1b[{_CODES[code]}m{text}\x1b[0m" if self.color and text else text

    def wrap(self, text: str, indent: int) -> list[str]:
        """Lines that fit behind an indent, cut from cleaned text."""
        return textwrap.wrap(clean(text), max(self.width - indent, 20), break_on_hyphens=False) or [""]

    def flow(self, parts: Iterable[str], indent: int) -> list[str]:
        """Lines of parts with dots between them, broken between parts where that is possible."""
        between = self.sign(" · ", ", ")
        lines: list[str] = []
        for part in parts:
            joined = f"{lines[-1]}{between}{clean(part)}" if lines else clean(part)
            if lines and len(joined) <= self.width - indent:
                lines[-1] = joined
            else:
                lines += self.wrap(part, indent)
        return lines

    def bar(self, share: float, width: int, code: str) -> str:
        """A horizontal bar of `share` (0 to 1); what is not zero is always visible."""
        halves = min(max(round(share * width * 2), 1 if share > 0 else 0), width * 2)
        full, half = divmod(halves, 2)
        if not self.unicode:
            return "#" * (full + half) + "." * (width - full - half)
        return self.paint("━" * full + "╸" * half, code) + self.paint("─" * (width - full - half), "dim")

    def sign(self, unicode: str, ascii_: str) -> str:
        """A sign, or what stands for it where the encoding has none."""
        return unicode if self.unicode else ascii_


def style_for(stream: TextIO, choice: ColorChoice = "auto") -> Style:
    """The style that fits the stream."""
    terminal = stream.isatty()
    auto = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size((80, 24)).columns if terminal or "COLUMNS" in os.environ else 80
    return Style(
        width=min(max(width, MIN_WIDTH), MAX_WIDTH),
        color=choice == "always" or (choice == "auto" and auto),
        unicode="utf" in (stream.encoding or "").lower(),
    )


def clean(text: str) -> str:
    """Names come from the network: control characters and escape sequences in them must not reach the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def size(count: float) -> str:
    """Bytes in decimal units: 1.2 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """1 flow, 2 flows, 12,000 flows."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"

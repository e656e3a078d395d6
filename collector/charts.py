"""Charts as SVG text: drawn on the server, values readable on hover and, beside each chart, as a table."""

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from collector.queries import CLASSES

WIDTH: Final = 720
HEIGHT: Final = 180
LEFT: Final = 40  # with the scale
RIGHT: Final = 8
TOP: Final = 12
LANES: Final = 6  # of marks that would lie on each other; more of them share the last one
BOTTOM: Final = 22
NAMES: Final = {
    "tls": "TLS",
    "ipsec": "IPsec",
    "encrypted": "Otherwise encrypted",
    "plaintext": "Plaintext",
    "unknown": "Unknown",
}


def size(count: float) -> str:
    """Bytes in words: 1.2 MB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} PB"


def readable(text: str) -> str:
    """Without bidirectional and control characters."""
    return (
        text if text.isprintable() else "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)
    )


def bands(slots: Sequence[dict[str, Any]], step: int) -> str:
    """Bytes of each class over time, as shares of each step stacked to the whole height."""
    if not slots:
        return ""
    first, last = slots[0]["start"], slots[-1]["start"]
    steps = (last - first) // step + 1
    width = (WIDTH - LEFT - RIGHT) / steps
    whole = HEIGHT - BOTTOM - TOP
    parts = [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{share} %</text>'
        for share in (0, 50, 100)
        for y in (TOP + whole * (1 - share / 100),)
    ]
    for slot in slots:
        total = sum(slot[name] for name in CLASSES)
        when = dt.datetime.fromtimestamp(slot["start"], dt.UTC).strftime("%d %b %H:%M" if step < 86_400 else "%d %b")
        x = LEFT + (slot["start"] - first) // step * width
        y = float(HEIGHT - BOTTOM)
        for name in CLASSES:
            if not total or not slot[name]:
                continue
            height = slot[name] / total * whole
            y -= height
            told = f"{when}: {NAMES[name]} {size(slot[name])}, {slot[name] / total:.1%}"
            parts.append(
                f'<rect class="c-{name}" x="{x:.1f}" y="{y:.1f}" width="{max(width - 1, 1):.1f}" height="{height:.1f}">'
                f"<title>{escape(told)}</title></rect>"
            )
    right = LEFT + steps * width
    ends = ((LEFT, "start", first), (right, "end", last)) if steps > 1 else ((LEFT, "start", first),)
    for x, anchor, start in ends:
        text = dt.datetime.fromtimestamp(start, dt.UTC).strftime("%d %b %H:%M")
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{text}</text>')
    return _svg("chart", HEIGHT, "Share of bytes by class over time", parts)


def bar(classes: dict[str, dict[str, int]]) -> str:
    """One bar of shares."""
    total = sum(row["bytes"] for row in classes.values())
    if not total:
        return ""
    parts, x = [], 0.0
    for name in CLASSES:
        width = classes[name]["bytes"] / total * WIDTH
        if width:
            told = f"{NAMES[name]}: {size(classes[name]['bytes'])}, {classes[name]['bytes'] / total:.1%}"
            box = f'x="{x:.1f}" y="0" width="{width:.1f}" height="20"'
            parts.append(f'<rect class="c-{name}" {box}><title>{escape(told)}</title></rect>')
        x += width
    return _svg("bar", 20, "Share of bytes by class", parts, ' preserveAspectRatio="none"')


def expiry(rows: Sequence[dict[str, Any]], now: float, days: int = 90) -> str:
    """When certificates end: one mark for each, from a week ago over the next days, stacked where it is tight."""
    begin, span = now - 86_400 * 7, 86_400.0 * (days + 7)
    room = WIDTH - 2 * RIGHT

    def at(when: float) -> float:
        return RIGHT + (when - begin) / span * room

    bottom = 18 + LANES * 14
    marks, free = [], [float("-inf")] * LANES
    for row in sorted((row for row in rows if row["not_after"] is not None), key=lambda row: float(row["not_after"])):
        ends = row["not_after"]
        if not begin <= ends <= begin + span:
            continue
        x = at(ends)
        lane = next((number for number, taken in enumerate(free) if x - taken >= 13), LANES - 1)
        free[lane] = x
        kind = "fail" if ends < now else "warn" if ends < now + 86_400 * 14 else "ok"
        told = f"{row['subject']}: {dt.datetime.fromtimestamp(ends, dt.UTC):%Y-%m-%d}"
        y = bottom - 10 - lane * 14
        marks.append(
            f'<circle class="m-{kind}" cx="{x:.1f}" cy="{y}" r="6"><title>{escape(readable(told))}</title></circle>'
        )
    if not marks:
        return ""
    parts = [f'<line x1="{RIGHT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>']
    for day in (0, 30, 60, 90):
        if day <= days:
            x, anchor = at(now + 86_400 * day), "end" if day == days else "start" if not day else "middle"
            words = "today" if not day else f"in {day} days"
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{bottom + 4}"/>')
            parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="{anchor}">{words}</text>')
    return _svg("chart", bottom + 24, "When certificates end", [*parts, *marks])


def _svg(kind: str, height: int, label: str, parts: list[str], more: str = "") -> str:
    start = f'<svg class="{kind}" viewBox="0 0 {WIDTH} {height}"{more} role="img" aria-label="{label}">'
    return f"{start}{''.join(parts)}</svg>"

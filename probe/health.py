"""What the agent says of itself: counters as they stand, and the health record of an interval.

`measure` looks at this process; all else is arithmetic on what it is given.
"""

import resource
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from probe.model import rfc3339

_STATM: Final = Path("/proc/self/statm")


class Interface(Struct, frozen=True):
    """A ring's counters since it was opened."""

    name: str
    present: bool
    packets: int
    drops: int
    freezes: int
    copies: int


class Bypass(Struct, frozen=True):
    """What the kernel counts instead of copying it; part of all other counters."""

    flows: int
    """Counted there now."""
    packets: int
    bytes: int


class Counters(Struct, frozen=True, kw_only=True):
    """Everything that is counted, at one moment."""

    time: int
    """ns since the epoch, by the clock."""
    elapsed: float
    """Seconds since the start, by a clock that is never set."""
    interfaces: tuple[Interface, ...]
    totals: dict[str, Any]
    """Of the core."""
    limits: dict[str, int]
    """All of core, engine and reports."""
    open_flows: int
    max_flows: int
    memory: int
    """Bytes resident."""
    cpu: float
    """Seconds of processor, user and system."""
    bypass: Bypass | None = None
    """None where there is none."""
    sink: dict[str, int] = {}
    events: dict[str, int] = {}
    """What happened to the agent: clock_jumps, reloads, reloads_refused, state_saved, state_unsaved."""

    @property
    def drops(self) -> dict[str, int]:
        """By interface."""
        return {ring.name: ring.drops for ring in self.interfaces}


def measure() -> tuple[int, float]:
    """Memory in bytes and processor time in seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    try:
        resident = int(_STATM.read_text().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        resident = used.ru_maxrss * 1024
    return resident, used.ru_utime + used.ru_stime


def missed(now: Counters, before: Counters) -> dict[str, Any]:
    """What is in no record, since `before`: packets dropped by interface, limits hit, headers unreadable; no zeroes."""
    parts = {
        "drops": since(now.drops, before.drops),
        "limits": since(now.limits, before.limits),
        "malformed": since(now.totals["malformed"], before.totals["malformed"]),
    }
    return {name: counts for name, counts in parts.items() if counts}


def since(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """By how much counters grew; no zeroes."""
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def record(now: Counters, before: Counters) -> dict[str, Any]:
    """The health record: counters of the run, rates and what was missed since `before`."""
    seconds = now.elapsed - before.elapsed
    rate = 1 / seconds if seconds > 0 else 0.0
    return {
        "type": "health",
        "time": rfc3339(now.time),
        "uptime": round(now.elapsed, 3),
        "interval": round(seconds, 3),
        "missed": missed(now, before),
        "rates": {
            "packets": round((now.totals["packets"] - before.totals["packets"]) * rate, 3),
            "bytes": round((now.totals["bytes"] - before.totals["bytes"]) * rate, 3),
            "cpu": round((now.cpu - before.cpu) * rate, 4),
        },
        "packets": now.totals["packets"],
        "bytes": now.totals["bytes"],
        "flows": {"open": now.open_flows, "most": now.max_flows, "ended": now.totals["flows"]},
        "interfaces": [
            {
                "name": ring.name,
                "present": ring.present,
                "packets": ring.packets,
                "drops": ring.drops,
                "freezes": ring.freezes,
                "copies": ring.copies,
            }
            for ring in now.interfaces
        ],
        "bypass": now.bypass,
        "memory": now.memory,
        "cpu": round(now.cpu, 3),
        "sink": now.sink,
        "events": now.events,
    }


def status(now: Counters, findings: int) -> str:
    """One line for people."""
    parts = []
    for ring in now.interfaces:
        state = "" if ring.present else " (gone)"
        parts.append(f"{ring.name}{state}: {ring.packets} packets, {ring.drops} dropped, {ring.freezes} freezes")
    return "; ".join([*parts, f"{now.open_flows} flows, {findings} findings, {now.memory >> 20} MiB"])

"""From the costs of single runs to the figures of the table.

Machines are noisy, and rounds are interleaved: a program is compared with the limit within one round, and the median
over the rounds counts. Start-up (the cost of a capture that holds nothing) is taken off both.
"""

import os
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from measure import Usage

LIMIT = "limit"
PROBE = "transitproof"

FILE_HEADER = 24
RECORD_HEADER = 16

# The kernel counts CPU time of short runs coarsely; less than this is not a measurement.
LEAST_CPU_SECONDS = 1e-4


@dataclass(frozen=True, slots=True)
class Workload:
    """A capture and what it holds."""

    name: str
    path: Path
    packets: int
    flows: int
    bytes: int

    @property
    def wire_bytes(self) -> int:
        """Frames only, without what the file format adds."""
        return self.bytes - FILE_HEADER - RECORD_HEADER * self.packets


@dataclass(slots=True)
class Series:
    """All runs of one program on one workload, one entry a round."""

    startup_seconds: float
    runs: list[Usage] = field(default_factory=list)
    instructions_per_packet: float | None = None

    def cpu_seconds(self) -> list[float]:
        """Of each round, without start-up."""
        return [max(LEAST_CPU_SECONDS, usage.cpu_seconds - self.startup_seconds) for usage in self.runs]


@dataclass(frozen=True, slots=True)
class Figures:
    """One line of the table."""

    program: str
    packets_per_cpu_second: float
    gbit_per_cpu_second: float
    flows_per_cpu_second: float
    peak_bytes: int
    startup_cpu_seconds: float
    share_of_limit: float
    instructions_per_packet: float | None


def figures(program: str, workload: Workload, series: Series, limit: Series) -> Figures:
    """Medians over the rounds, the share of the limit taken within each."""
    seconds = series.cpu_seconds()
    usual = median(seconds)
    shares = [least / taken for least, taken in zip(limit.cpu_seconds(), seconds, strict=True)]
    return Figures(
        program=program,
        packets_per_cpu_second=workload.packets / usual,
        gbit_per_cpu_second=workload.wire_bytes * 8 / 1e9 / usual,
        flows_per_cpu_second=workload.flows / usual,
        peak_bytes=max(usage.peak_bytes for usage in series.runs),
        startup_cpu_seconds=series.startup_seconds,
        share_of_limit=median(shares),
        instructions_per_packet=series.instructions_per_packet,
    )


def table(workload: Workload, lines: list[Figures]) -> str:
    """Markdown, as it can stand in a report."""
    counted = any(line.instructions_per_packet for line in lines)
    what = "handshakes/s" if workload.name == "handshakes" else "flows/s"
    head = ["program", "M packets/s", "Gbit/s", what, "peak MB", "share of limit", "start-up s"]
    rows = [head + (["instructions/packet"] if counted else [])]
    for line in lines:
        row = [
            line.program,
            f"{line.packets_per_cpu_second / 1e6:.2f}",
            f"{line.gbit_per_cpu_second:.1f}",
            f"{line.flows_per_cpu_second:,.0f}",
            f"{line.peak_bytes / 1e6:.0f}",
            f"{line.share_of_limit:.3f}",
            f"{line.startup_cpu_seconds:.2f}",
        ]
        if counted:
            row.append(f"{line.instructions_per_packet:,.0f}" if line.instructions_per_packet else "")
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    text = "\n".join("| " + " | ".join(_aligned(row, widths)) + " |" for row in rows)
    return f"**{workload.name}**: {workload.packets:,} packets, {workload.flows:,} flows\n\n{text}\n"


def _aligned(row: list[str], widths: list[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]


def machine() -> dict[str, Any]:
    """Where this was measured."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in _read("/proc/cpuinfo").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    system = next(
        (
            line.split("=", 1)[1].strip('"')
            for line in _read("/etc/os-release").splitlines()
            if line.startswith("PRETTY")
        ),
        platform.system(),
    )
    cores = len(os.sched_getaffinity(0))
    return {"cpu": model, "cores": cores, "system": system, "kernel": platform.release(), "load": os.getloadavg()[0]}


def as_json(workload: Workload, lines: list[Figures]) -> dict[str, Any]:
    """The same for a program to read."""
    return {
        "packets": workload.packets,
        "flows": workload.flows,
        "wire_bytes": workload.wire_bytes,
        "programs": [asdict(line) for line in lines],
    }


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""

"""What a DNS query costs in the detector alone, with its answer where that is judged: the workload with and without.

The program is parsers/dns/examples/cost.rs. Cold is the capture once, as it comes; warm are its first messages over and
over, as many in all. Reading the frames costs the same with and without, so the difference is the detector's.
"""

import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import measure

ROOT = Path(__file__).parent.parent
WARM_MESSAGES = "4096"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one query."""

    nanoseconds: float
    least_nanoseconds: float
    """Of the best round: others use the machine too."""
    instructions: float | None


def build() -> str:
    """In the release profile that the core has."""
    command = ["cargo", "build", "--quiet", "--release", "--package", "transitproof-dns", "--example", "cost"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return str(ROOT / target / "release" / "examples" / "cost")


def cost(program: str, capture: Path, rounds: int, warm: tuple[str, ...], *, count: bool) -> Cost:
    """With and without in turn."""
    walk, score = ((program, mode, str(capture), *warm) for mode in ("walk", "score"))
    queries = int(subprocess.run(walk, check=True, capture_output=True, text=True).stdout)
    seconds = [measure.run(score).cpu_seconds - measure.run(walk).cpu_seconds for _ in range(rounds)]
    nanoseconds = [second / queries * 1e9 for second in seconds]
    instructions = (measure.instructions(score) - measure.instructions(walk)) / queries if count else None
    return Cost(median(nanoseconds), min(nanoseconds), instructions)


def measured(capture: Path, rounds: int, *, count: bool) -> dict[str, Any]:
    """Both, as they stand in the JSON file. Instructions are counted if wanted, which takes minutes."""
    program = build()
    cold = cost(program, capture, rounds, (), count=count)
    warm = cost(program, capture, rounds, (WARM_MESSAGES,), count=count)
    return {"cold": asdict(cold), "warm": asdict(warm)}


def line(costs: dict[str, Any]) -> str:
    """For people."""

    def told(name: str, each: dict[str, float | None]) -> str:
        counted = each["instructions"]
        more = f", {counted:,.0f} instructions" if counted else ""
        return f"{each['nanoseconds']:.0f} ns {name} (best {each['least_nanoseconds']:.0f}{more})"

    return "DNS detector, CPU time a query: " + "; ".join(told(name, each) for name, each in costs.items()) + "\n"

"""`make bench`: what a replay costs per packet, next to the physical limit, and to peers where they are installed.

Makes the captures that are missing, builds the limit, runs every program on every capture in turn, several times
over, and prints a table. README.md says how to read it.
"""

import argparse
import json
import os
import shlex
import struct
import subprocess
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import detector
import measure
import peers
from results import LIMIT, PROBE, Figures, Series, Workload, as_json, figures, machine, table

HERE = Path(__file__).parent.absolute()
ROOT = HERE.parent
DATA = HERE / "data"

WORKLOADS = ("mix", "small", "handshakes", "dns")
FULL_SCALE = 1.0
QUICK_SCALE = 0.1

# Valgrind is about fifty times slower than the machine itself, and counts the same at any size.
CALLGRIND_SCALE = 0.01

NOTHING = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)

Commands = dict[str, tuple[str, ...]]


def progress(text: str) -> None:
    """One line of what is going on, overwritten by the next on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def load_workloads(names: list[str], scale: float) -> list[Workload]:
    """The captures of one scale; those that are missing or cut short are made first."""
    directory = DATA / f"scale-{scale:g}"
    manifest_path = directory / "manifest.json"
    if missing := [name for name in names if not _is_whole(directory / f"{name}.pcap", _manifest(manifest_path), name)]:
        if lacking := [module for module in ("numpy", "cryptography") if find_spec(module) is None]:
            sys.exit(
                f"making captures needs {' and '.join(lacking)}: {sys.executable} -m pip install {' '.join(lacking)}"
            )
        sys.stderr.write(f"making {', '.join(missing)} in {directory}\n")
        recordings = str(DATA / "recordings.json")
        command = [sys.executable, "-m", "workloads", str(directory), *missing, "--scale", f"{scale:g}"]
        subprocess.run([*command, "--recordings", recordings], cwd=HERE, check=True)
    manifest = _manifest(manifest_path)
    return [
        Workload(
            name, directory / f"{name}.pcap", **{key: manifest[name][key] for key in ("packets", "flows", "bytes")}
        )
        for name in names
    ]


def _manifest(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _is_whole(path: Path, manifest: dict[str, Any], name: str) -> bool:
    return name in manifest and path.exists() and path.stat().st_size == manifest[name]["bytes"]


def build_limit() -> tuple[str, ...]:
    """The limit program, built in the release profile that the probe's core has."""
    progress("building the limit")
    subprocess.run(["cargo", "build", "--quiet", "--release", "--package", "transitproof-limit"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return (str(ROOT / target / "release" / "transitproof-limit"),)


def startup_costs(commands: Commands, rounds: int) -> dict[str, float]:
    """CPU seconds of each program on a capture without packets."""
    empty = DATA / "empty.pcap"
    empty.parent.mkdir(parents=True, exist_ok=True)
    empty.write_bytes(NOTHING)
    costs = {}
    for program, command in commands.items():
        progress(f"start-up of {program}")
        runs = [measure.run((*command, str(empty))) for _ in range(rounds)]
        costs[program] = median(usage.cpu_seconds for usage in runs)
    return costs


def compare(workload: Workload, commands: Commands, startup: dict[str, float], rounds: int) -> dict[str, Series]:
    """Every program in every round, so that a loaded minute falls on all of them."""
    series = {program: Series(startup[program]) for program in commands}
    # Into the page cache, and not into the first program's figures.
    measure.run((*commands[LIMIT], str(workload.path)))
    for number in range(rounds):
        for program, command in commands.items():
            progress(f"{workload.name}: {program}, round {number + 1} of {rounds}")
            series[program].runs.append(measure.run((*command, str(workload.path))))
    return series


def count_instructions(workload: Workload, series: dict[str, Series], commands: Commands) -> None:
    """Add instructions per packet of the limit and of the probe, without those of their start-up."""
    for program in (LIMIT, PROBE):
        progress(f"{workload.name}: {program} under callgrind")
        idle = measure.instructions((*commands[program], str(DATA / "empty.pcap")))
        busy = measure.instructions((*commands[program], str(workload.path)))
        series[program].instructions_per_packet = (busy - idle) / workload.packets


def default_probe() -> str:
    """The command that was installed beside this interpreter."""
    return f"{shlex.quote(str(Path(sys.executable).with_name('transitproof')))} replay --format jsonl"


def parse_arguments() -> argparse.Namespace:
    """The options, checked as far as that can be done before the work."""
    parser = argparse.ArgumentParser(description="Measure transitproof replay against the physical limit.")
    parser.add_argument(
        "--probe", default=default_probe(), help="command to measure; the file is appended (%(default)s)"
    )
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), metavar="NAME")
    parser.add_argument("--rounds", type=int, default=3, help="times that each program runs (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="captures of a tenth of the size")
    parser.add_argument(
        "--peers", action="store_true", help=f"also run what is installed of {', '.join(peers.COMMANDS)}"
    )
    parser.add_argument("--callgrind", action="store_true", help="also count instructions per packet with valgrind")
    parser.add_argument("--json", type=Path, default=HERE / "results.json", metavar="FILE", help="(%(default)s)")
    arguments = parser.parse_args()
    arguments.probe = measure.absolute(shlex.split(arguments.probe))
    if not Path(arguments.probe[0]).exists():
        parser.error(f"{arguments.probe[0]} is not there: run `make demo` once, or give --probe")
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    if arguments.callgrind and not measure.has_callgrind():
        parser.error("--callgrind needs valgrind: apt-get install valgrind")
    return arguments


def measure_all(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print a table for each workload; all of it as one JSON object."""
    scale = QUICK_SCALE if arguments.quick else FULL_SCALE
    workloads = load_workloads(arguments.workload, scale)
    small = load_workloads(arguments.workload, CALLGRIND_SCALE) if arguments.callgrind else []
    commands: Commands = {LIMIT: build_limit(), PROBE: arguments.probe}
    if arguments.peers:
        commands |= peers.installed()
    startup = startup_costs(commands, arguments.rounds)
    measured: dict[str, Any] = {}
    for index, workload in enumerate(workloads):
        series = compare(workload, commands, startup, arguments.rounds)
        if small:
            count_instructions(small[index], series, commands)
        lines: list[Figures] = [figures(program, workload, series[program], series[LIMIT]) for program in commands]
        progress("")
        print(table(workload, lines), flush=True)
        measured[workload.name] = as_json(workload, lines)
        if workload.name == "dns":
            progress("dns: the detector")
            costs = detector.measured(workload.path, arguments.rounds, count=arguments.callgrind)
            progress("")
            print(detector.line(costs), flush=True)
            measured[workload.name]["detector"] = costs
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return {"when": when, "machine": machine(), "scale": scale, "rounds": arguments.rounds, "workloads": measured}


def main() -> int:
    """Exit code 0 when everything ran, 1 when a program failed, 2 on wrong usage, 130 when interrupted."""
    arguments = parse_arguments()
    try:
        outcome = measure_all(arguments)
    except (measure.RunFailedError, subprocess.CalledProcessError) as error:
        progress("")
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        progress("")
        return 130
    arguments.json.write_text(json.dumps(outcome, indent=1) + "\n")
    sys.stderr.write(f"per second of CPU time, start-up excluded; written to {arguments.json}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What many concurrent flows cost: time per packet and memory from 10 k flows to 1 M, and a SYN flood of 10 M.

    .venv/bin/python benchmarks/growth.py

The time per packet is that of four million packets of flows drawn at random: a replay without them, of the flows'
openings and records alone, is taken off. The limit program, which does not look ahead, shows what the machine does to
a table of that size. The captures (2 GB) are kept in `data/growth/`.
"""

import argparse
import shlex
import subprocess
import sys
from statistics import median

import measure
from run import DATA, HERE, build_limit, default_probe

FLOWS = (10_000, 100_000, 1_000_000)
PACKETS = 4_000_000
FLOOD = 10_000_000
MB = 1 << 20


def capture(flows: int, packets: int, *options: str) -> str:
    """The path of a capture, made when it is missing."""
    path = DATA / "growth" / f"{flows}-{packets}{''.join(options)}.pcap"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        command = [sys.executable, "-m", "workloads.concurrent", str(unfinished), str(flows), str(packets), *options]
        subprocess.run(command, cwd=HERE, check=True)
        unfinished.rename(path)
    return str(path)


def per_packet(command: tuple[str, ...], flows: int, rounds: int) -> float:
    """Nanoseconds of CPU time that one more packet costs while so many flows are open."""
    costs = []
    for _ in range(rounds):
        busy, idle = (measure.run((*command, capture(flows, packets))).cpu_seconds for packets in (PACKETS, 0))
        costs.append((busy - idle) / PACKETS * 1e9)
    return median(costs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure growth from 10,000 to 1,000,000 concurrent flows.")
    parser.add_argument("--probe", default=default_probe(), help="command to measure (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="the median of these counts (%(default)s)")
    arguments = parser.parse_args()
    probe = tuple(measure.absolute(shlex.split(arguments.probe)))
    limit = build_limit()
    print("| flows at once | ns/packet | limit ns/packet | peak MB | bytes/flow |\n|---:|---:|---:|---:|---:|")
    floor = 0
    for flows in FLOWS:
        cost, physical = (per_packet(command, flows, arguments.rounds) for command in (probe, limit))
        peak = measure.run((*probe, capture(flows, 0))).peak_bytes
        floor = floor or peak
        each = f"{(peak - floor) / (flows - FLOWS[0]):.0f}" if flows > FLOWS[0] else ""
        print(f"| {flows:,} | {cost:.0f} | {physical:.0f} | {peak / MB:.0f} | {each} |", flush=True)
    flood = measure.run((*probe, capture(FLOOD, 0, "--flood")))
    print(f"| SYN flood, {FLOOD:,} | {flood.cpu_seconds / FLOOD * 1e9:.0f} | | {flood.peak_bytes / MB:.0f} | |")


if __name__ == "__main__":
    main()

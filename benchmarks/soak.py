"""`make soak`: a day's load in 20 minutes. Memory has to stay flat; sender, kernel and agent have to count the same.

The same wire as `make bench-live`. Ends with exit code 1 and the reasons if anything is wrong.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import live

SAMPLE: Final = 10.0  # seconds between looks at the memory
PER_CALL: Final = 50  # packets that the sender sends at a time, so that it can sleep
GROWTH: Final = 0.05  # of the memory between the two last thirds: the table's chunks and the allocator's are coarse
LAST_WORD: Final = 60.0  # seconds for the agent to end


def watch(agent: "subprocess.Popen[bytes]", sender: "subprocess.Popen[str]") -> list[int]:
    """Bytes resident, again and again while the sender sends."""
    seen = []
    while sender.poll() is None and agent.poll() is None:
        seen.append(live.memory(agent.pid, "VmRSS"))
        time.sleep(SAMPLE)
    return seen


def records(path: Path, kind: str) -> list[dict[str, Any]]:
    """Of one type, in their order."""
    with path.open("rb") as lines:
        found = (json.loads(line) for line in lines if line.startswith(b'{"type":"%s"' % kind.encode()))
        return list(found)


def wrong(sent: int, memory: list[int], out: Path) -> list[str]:
    """What should not be, each in a line."""
    health, rollups = records(out, "health"), records(out, "rollup")
    ring = health[-1]["interfaces"][0]
    problems = []
    if ring["packets"] != sent:
        problems.append(f"{sent} packets were sent, the kernel counted {ring['packets']}")
    if health[-1]["packets"] + ring["drops"] != ring["packets"]:
        problems.append(
            f"the agent read {health[-1]['packets']} of {ring['packets']}, of which {ring['drops']} were dropped"
        )
    said = sum(rollup["missed"].get("drops", {}).get(live.IN, 0) for rollup in rollups)
    if said != ring["drops"]:
        problems.append(f"{ring['drops']} were dropped, rollups tell of {said}")
    if (in_rollups := sum(rollup["packets"] for rollup in rollups)) != health[-1]["packets"]:
        problems.append(f"rollups have {in_rollups} packets, the agent {health[-1]['packets']}")
    third = len(memory) // 3
    middle, last = max(memory[third : 2 * third]), max(memory[2 * third :])
    if last > middle * (1 + GROWTH):
        problems.append(f"memory grew from {middle / 1e6:.1f} to {last / 1e6:.1f} MB in the last third")
    return problems


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser(description="The agent under load for long.")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=int, default=100_000, help="packets a second")
    parser.add_argument("--capture", type=Path, default=live.HERE / "data" / "scale-0.1" / "mix.pcap")
    parser.add_argument("--no-bypass", action="store_true", help="have every packet read")
    options = parser.parse_args()
    if not options.capture.exists():
        sys.exit(f"{options.capture} is missing: make bench makes it")
    with tempfile.TemporaryDirectory(prefix="tp-soak-") as name, live.wire():
        folder, out = Path(name), Path(name) / "out"
        program = live.programs(folder)["transitproof" if options.no_bypass else "transitproof with bypass"]
        loops = max(1, round(options.rate * options.minutes * 60 / live.packets_in(options.capture)))
        with out.open("wb") as output:
            command = ["ip", "netns", "exec", live.RECEIVE, *program.command]
            agent = subprocess.Popen(command, stdout=output, stderr=sys.stderr, cwd=folder)
        try:
            live.listens(program, agent, out)
            send = f"ip netns exec {live.SEND} tcpreplay -i {live.OUT} -K --loop={loops} --pps={options.rate}"
            command = [*send.split(), f"--pps-multi={PER_CALL}", str(options.capture)]
            sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                memory = watch(agent, sender)
                said = sender.communicate()[0]
            finally:
                if sender.poll() is None:
                    sender.kill()
                    sender.wait()
            time.sleep(live.SETTLE)
            cpu = live.used(agent.pid)
            agent.send_signal(signal.SIGTERM)
            agent.wait(LAST_WORD)
        finally:
            if agent.poll() is None:
                agent.kill()
                agent.wait()
        sent = live.sent(said)
        problems = wrong(sent.packets, memory, out)
        last = records(out, "health")[-1]
        sys.stdout.write(
            f"{sent.packets} packets in {sent.seconds:.0f} s, {sent.bytes * 8 / sent.seconds / 1e9:.2f} Gbit/s; "
            f"{last['interfaces'][0]['drops']} dropped; {last['flows']['ended']} flows ended; {cpu:.1f} CPU s; "
            f"memory {memory[0] / 1e6:.0f}, at most {max(memory) / 1e6:.0f}, at last {memory[-1] / 1e6:.0f} MB; "
            f"bypass {last['bypass']}; reports {out.stat().st_size / 1e3:.0f} kB\n"
        )
    for problem in problems:
        sys.stderr.write(f"wrong: {problem}\n")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

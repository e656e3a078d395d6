"""`make bench-live`: how many packets the agent takes from an interface without losing one, and what they cost.

A veth pair between two namespaces of its own, tcpreplay (held in memory, on processor 0) at one end, one program at a
time (on processor 1) at the other. Root, tcpreplay and tcpdump are wanted; mercury, ndpiReader and suricata take part
where they are installed. The figures count the program's own processor time: what the kernel does for a packet before
the program sees it is the sender's here, on a real card the interrupt's. README.md says how to read the table.
"""

import argparse
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent.absolute()
ROOT: Final = HERE.parent
SEND, RECEIVE = f"tpbs{os.getpid()}", f"tpbr{os.getpid()}"
OUT, IN = "vtx", "vrx"
SECONDS: Final = 6.0  # of each run
SETTLE: Final = 2.5  # seconds after the last packet: blocks are handed over, the kernel's counts collected
TOP: Final = 0  # as a rate: whatever the sender can
RATES: Final = (100_000, 200_000, 300_000, TOP)
PATIENCE: Final = 30.0  # seconds for a program to say that it listens

BULK_FLOWS: Final = 16
BULK_SEGMENTS: Final = 6000  # of each flow
SEGMENT: Final = bytes(1448)


@dataclass
class Program:
    """How one is run, and where it says what it took."""

    command: tuple[str, ...]
    processed: str
    """Regular expression for the packets that it counted, on either output."""
    dropped: str | None = None
    ready: str = "listening on"
    warm: float = 1.0
    """Seconds after it said so."""
    stop: signal.Signals | None = signal.SIGINT
    environment: dict[str, str] = field(default_factory=dict)


def programs(folder: Path) -> dict[str, Program]:
    """All that are here."""
    found = {}
    limit = ROOT / "target" / "release" / "transitproof-limit"
    if limit.exists():
        found["ring floor"] = Program(
            (str(limit), "--live", IN), r'"packets": (\d+)', r'"drops": (\d+)', "ready", stop=None
        )
    found["tcpdump -w /dev/null"] = Program(
        ("tcpdump", "-n", "-i", IN, "-w", "/dev/null"), r"(\d+) packets captured", r"(\d+) packets dropped by kernel"
    )
    found["tcpdump -B 64M"] = Program(
        ("tcpdump", "-n", "-i", IN, "-B", "65536", "-w", "/dev/null"),
        r"(\d+) packets captured",
        r"(\d+) packets dropped by kernel",
    )
    for name, command, processed, dropped in (
        (
            "mercury",
            f"-c {IN} -t 1 -b 0.01 -u root -f m.json -v --metadata --dns-json --certs-json --reassembly",
            r"(\d+) packets captured",
            r"(\d+) packets dropped",
        ),
        ("ndpiReader", f"-i {IN}", r"IP packets:\s+(\d+)", r"[Dd]rop\w*:?\s+(\d+)"),
        (
            "suricata",
            f"--af-packet={IN} -S /dev/null -l . --runmode single",
            rf"{IN}: packets: (\d+)",
            rf"{IN}: packets: \d+, drops: (\d+)",
        ),
    ):
        if shutil.which(name):
            found[name] = Program((name, *command.split()), processed, dropped, "", warm=8)
    for bypass in (False, True):
        path = folder / f"bypass-{bypass}.toml"
        path.write_text(
            f'[capture]\ninterfaces = ["{IN}"]\nbypass = {str(bypass).lower()}\n[identity]\nid = "bench"\nec2 = "no"\n'
        )
        found["transitproof with bypass" if bypass else "transitproof"] = Program(
            (str(ROOT / ".venv/bin/transitproof"), "run", "--config", str(path)),
            r'"type":"health".*?"packets":(\d+),"bytes"',
            r'"drops":(\d+),"freezes"',
            '"type":"state"',
            stop=signal.SIGTERM,
        )
    return found


def bulk(path: Path) -> None:
    """A capture of a few long downloads over HTTP: what backups, images and video are to a gateway."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        flows = [_download(number) for number in range(BULK_FLOWS)]
        for frames in zip(*flows, strict=True):
            for frame in frames:
                file.write(struct.pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame)


def _download(number: int) -> Iterator[bytes]:
    client, server, port = bytes((10, 1, 0, number)), bytes((10, 2, 0, number)), 40_000 + number
    syn, ack, fin = 0x02, 0x10, 0x11
    request = b"GET /image HTTP/1.1\r\nHost: bulk.example\r\n\r\n"
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {BULK_SEGMENTS * len(SEGMENT)}\r\n\r\n".encode()
    up, down = 1, 1

    def frame(flags: int, data: bytes, *, to_server: bool) -> bytes:
        ends = (client, server) if to_server else (server, client)
        ports = (port, 80) if to_server else (80, port)
        seq, acknowledged = (up, down) if to_server else (down, up)
        tcp = struct.pack(">HHIIBBHHH", *ports, seq, acknowledged, 0x50, flags, 65535, 0, 0)
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0, *ends)
        return bytes(12) + b"\x08\x00" + ip + tcp + data

    yield frame(syn, b"", to_server=True)
    yield frame(syn | ack, b"", to_server=False)
    yield frame(ack, request, to_server=True)
    up += len(request)
    yield frame(ack, answer, to_server=False)
    down += len(answer)
    for segment in range(BULK_SEGMENTS):
        yield frame(ack, SEGMENT, to_server=False)
        down += len(SEGMENT)
        if segment % 2:
            yield frame(ack, b"", to_server=True)
    yield frame(fin, b"", to_server=False)
    yield frame(fin, b"", to_server=True)


def shell(command: str) -> subprocess.CompletedProcess[str]:
    """A command that has to succeed."""
    return subprocess.run(command.split(), check=True, capture_output=True, text=True)


@contextmanager
def wire() -> Iterator[None]:
    """The two namespaces and what joins them."""
    try:
        for name in (SEND, RECEIVE):
            shell(f"ip netns add {name}")
            shell(f"ip netns exec {name} sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
        shell(f"ip link add {OUT} netns {SEND} mtu 9000 type veth peer name {IN} netns {RECEIVE} mtu 9000")
        for name, interface in ((SEND, OUT), (RECEIVE, IN)):
            shell(f"ip -n {name} link set {interface} arp off up")
        yield
    finally:
        for name in (SEND, RECEIVE):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def used(pid: int) -> float:
    """Processor seconds of a process so far, to the nanosecond (proc_pid_schedstat)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def memory(pid: int, what: str) -> int:
    """`VmRSS` or `VmHWM` in bytes."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0


def packets_in(path: Path) -> int:
    """How many frames a little-endian pcap has."""
    count, at, size = 0, 24, path.stat().st_size
    with path.open("rb") as file:
        while at + 16 <= size:
            file.seek(at + 8)
            at += 16 + int.from_bytes(file.read(4), "little")
            count += 1
    return count


@dataclass(frozen=True)
class Sent:
    """What the sender says."""

    packets: int
    bytes: int
    seconds: float


def sent(said: str) -> Sent:
    """From the last lines of tcpreplay."""
    actual = re.search(r"Actual: (\d+) packets \((\d+) bytes\) sent in ([\d.]+) seconds", said)
    if actual is None:
        sys.exit(f"tcpreplay said: {said}")
    return Sent(int(actual[1]), int(actual[2]), float(actual[3]))


def listens(program: Program, process: "subprocess.Popen[bytes]", said: Path) -> None:
    """Wait until it does."""
    until = time.monotonic() + PATIENCE
    while program.ready not in said.read_text(errors="replace"):
        if time.monotonic() > until or process.poll() is not None:
            sys.exit(f"{' '.join(program.command)} said: {said.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
    time.sleep(program.warm)


def trial(program: Program, capture: Path, held: int, rate: int, folder: Path) -> dict[str, Any]:
    """One program, one capture, one rate."""
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["ip", "netns", "exec", RECEIVE, "taskset", "-c", "1", *program.command],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, **program.environment},
        )
    try:
        listens(program, process, said)
        idle, before = memory(process.pid, "VmRSS"), used(process.pid)
        loops = max(1, round((rate or 400_000) * SECONDS / held))
        speed = f"--pps={rate}" if rate else "--topspeed"
        send = f"ip netns exec {SEND} taskset -c 0 tcpreplay -i {OUT} -K --loop={loops} {speed} {capture}"
        load = sent(shell(send).stdout)
        time.sleep(SETTLE if program.stop else 0.5)
        cpu, peak = used(process.pid) - before, memory(process.pid, "VmHWM")
        if program.stop:
            process.send_signal(program.stop)
        process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    text = said.read_text(errors="replace")
    processed = re.findall(program.processed, text)
    if not processed:
        sys.exit(f"{' '.join(program.command)} said: {text[-2000:]}")
    drops = re.findall(program.dropped, text) if program.dropped else []
    return {
        "rate": rate,
        "sent": load.packets,
        "pps": load.packets / load.seconds,
        "gbit": load.bytes * 8 / load.seconds / 1e9,
        "processed": int(processed[-1]),
        "drops": int(drops[-1]) if drops else None,
        "cpu": cpu,
        "per_cpu_second": load.packets / cpu if cpu else float("inf"),
        "cpu_per_gb": cpu / (load.bytes / 1e9),
        "idle": idle,
        "peak": peak,
    }


_HEAD: Final = (
    "| workload | program | loss-free up to (packets/s) | at top speed: packets/s | lost | packets per CPU second "
    "| CPU s per GB | memory idle / peak (MB) |"
)


def table(rows: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    """Markdown."""
    lines = [_HEAD, "|---|---|---|---|---|---|---|---|"]
    for (workload, program), trials in rows.items():
        free = [run["pps"] for run in trials if run["processed"] >= run["sent"]]
        top = trials[-1]
        lost = max(0.0, 1 - top["processed"] / top["sent"])
        lines.append(
            f"| {workload} | {program} | {max(free, default=0):,.0f} | {top['pps']:,.0f} ({top['gbit']:.1f} Gbit/s) "
            f"| {lost:.2%} | {top['per_cpu_second'] / 1e6:.2f} M | {top['cpu_per_gb']:.3f} "
            f"| {top['idle'] / 1e6:.0f} / {top['peak'] / 1e6:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """The whole table, or what was asked for."""
    parser = argparse.ArgumentParser(description="Live capture on a veth pair, next to tcpdump and peers.")
    parser.add_argument("--workloads", default="mix,small,bulk")
    parser.add_argument("--only", help="programs, with commas between")
    parser.add_argument("--rates", help=f"packets a second; 0 is top speed, and last (default: {RATES})")
    parser.add_argument("--scale", default="0.1", help="of the captures of `make bench`")
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    if os.geteuid() != 0 or (missing := [one for one in ("tcpreplay", "tcpdump", "ip") if not shutil.which(one)]):
        sys.exit(f"wants root and {', '.join(missing if os.geteuid() == 0 else ['sudo'])}")
    rates = [int(rate) for rate in options.rates.split(",")] if options.rates else list(RATES)
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="tp-bench-") as name, wire():
        folder = Path(name)
        found = programs(folder)
        for workload in options.workloads.split(","):
            capture = HERE / "data" / f"scale-{options.scale}" / f"{workload}.pcap"
            if workload == "bulk":
                capture = folder / "bulk.pcap"
                bulk(capture)
            if not capture.exists():
                sys.exit(f"{capture} is missing: make bench makes it")
            held = packets_in(capture)
            for program in options.only.split(",") if options.only else found:
                for rate in rates:
                    run = trial(found[program], capture, held, rate, folder)
                    rows.setdefault((workload, program), []).append(run)
                    sys.stderr.write(f"{workload} {program}: {json.dumps(run)}\n")
    if options.json:
        options.json.write_text(json.dumps([{"of": of, "runs": runs} for of, runs in rows.items()], indent=1))
    sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What a broker costs the live agent's capture: one that is there, one that is gone, one that is silent.

    sudo .venv/bin/python benchmarks/broker.py [SECONDS] [PACKETS-PER-SECOND]

Two namespaces; at one end test captures are played from a raw socket at a steady rate, at the other the agent reports
every second to a Mosquitto on its own loopback. `lost` is the kernel's count of what its ring had no room for. Reports
that cannot be sent wait in the spool: the last column. Needs root, mosquitto and iproute2.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import dpkt

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from live.wire import INTERFACE, NOBODY, Wire, laid, until  # noqa: E402
from publish.broker import free_port, needed  # noqa: E402

CAPTURES = ("http.pcap", "tls12.pcap", "cert_expired.pcap", "cert_weak_key.pcap", "http_logins.pcap", "dns.pcap")
ROUNDS = 3
PLAY = """
import socket, sys, time
seconds, rate, *frames = float(sys.argv[1]), float(sys.argv[2]), *map(bytes.fromhex, sys.stdin.read().split())
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[3], 0))
sent, begun = 0, time.monotonic()
while (now := time.monotonic() - begun) < seconds:
    while sent < now * rate:
        out.send(frames[sent % len(frames)])
        sent += 1
    time.sleep(0.002)
print(sent)
"""


def frames() -> str:
    """Those of some test captures, in hexadecimal digits."""
    found = []
    for name in CAPTURES:
        path = ROOT / "tests" / "pcaps" / name
        if path.exists():
            with path.open("rb") as file:
                found += [frame.hex() for _, frame in dpkt.pcap.Reader(file)]
    return "\n".join(found)


def used(pid: int) -> float:
    """Processor seconds of a process so far (proc_pid_schedstat)."""
    return sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def measured(prepare: Callable[[Wire, int], None], seconds: float, rate: float) -> str:
    """One run: a line of the table."""
    with laid() as wire:
        port, config, spool = free_port(), wire.folder / "agent.toml", wire.folder / "spool"
        spool.mkdir()
        shutil.chown(spool, int(NOBODY), int(NOBODY))
        prepare(wire, port)
        config.write_text(
            f'[capture]\ninterfaces = ["{INTERFACE}"]\n[rollup]\ninterval = "1s"\n[output]\nstdout = "reports"\n'
            f'[identity]\nid = "bench"\nec2 = "no"\n[spool]\ndirectory = "{spool}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\nplain = true\n'
        )
        config.chmod(0o644)
        agent = wire.agent("--config", str(config))
        agent.hears("READY=1", 60)
        before = used(agent.process.pid)
        play = [sys.executable, "-c", PLAY, str(seconds), str(rate), INTERFACE]
        sent = int(wire.talk(*play, input=frames()).stdout)
        time.sleep(1.5)
        cpu = used(agent.process.pid) - before
        agent.process.send_signal(signal.SIGTERM)
        agent.process.wait(60)
        health: dict[str, Any] = [one for one in map(_json, agent.output().splitlines()) if one["type"] == "health"][-1]
        ends = {name: count for name, count in health.get("sink", {}).items() if name in {"mqtt_sent", "mqtt_waiting"}}
        took = health["packets"]
        lost = sent - took
        return f"{sent:>9,} sent · {took:>9,} taken · {lost} lost · {took / cpu:>9,.0f} packets/CPU s · {ends}"


def _json(line: bytes) -> dict[str, Any]:
    import msgspec

    return msgspec.json.decode(line)  # type: ignore[no-any-return]


def there(wire: Wire, port: int) -> None:
    """A broker that takes everything."""
    _broker(wire, port)


def gone(_wire: Wire, _port: int) -> None:
    """Nobody listens."""


def silent(wire: Wire, port: int) -> None:
    """One that is stopped: connections are made, and nothing is answered."""
    _broker(wire, port).send_signal(signal.SIGSTOP)


def _broker(wire: Wire, port: int) -> "Popen[bytes]":
    config = wire.folder / "mosquitto.conf"
    config.write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n")
    program = needed("mosquitto", "mosquitto")
    process = wire.start(wire.server, program, "-c", str(config), stdout=DEVNULL, stderr=DEVNULL, stdin=DEVNULL)
    until(lambda: wire.listens(port), "a broker")
    return process


def main() -> None:
    if os.geteuid() != 0:
        sys.exit("network namespaces need root: sudo .venv/bin/python benchmarks/broker.py")
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 20_000.0
    for number in range(1, ROUNDS + 1):
        for prepare in (there, gone, silent):
            print(f"{number}  broker {prepare.__name__:7}{measured(prepare, seconds, rate)}", flush=True)


if __name__ == "__main__":
    main()

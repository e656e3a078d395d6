#!/usr/bin/env python3
"""Reports a second through spool and broker, and what a dead broker costs the engine.

    .venv/bin/python benchmarks/publish.py [REPORTS]

A real Mosquitto on loopback with the shipped configuration (TLS, client certificate, ACL) and mosquitto_sub as the
collector; a report is one finding of 350 bytes or so. Needs the Debian packages mosquitto and mosquitto-clients.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1])]

from publish.broker import Mosquitto, Receiver, running, until  # noqa: E402
from publish.probes import Probe, numbers, report, tables  # noqa: E402

FLUSH = 100  # reports: the agent flushes after each batch


def _through(folder: Path, broker: Mosquitto, receiver: Receiver, count: int, *, signed: bool) -> str:
    """From the first put until the last report is in the collector's file."""
    wanted = tables(broker, folder / "spool")
    if signed:
        wanted["publish"] = {"signing_key": _key(folder)}
    begun = time.perf_counter()
    probe = Probe(wanted)
    for first in range(0, count, FLUSH):
        probe.say(first, FLUSH)
    stored = time.perf_counter() - begun
    assert probe.drained(600)
    confirmed = time.perf_counter() - begun
    last = f'"n":{count - 1},'.encode()
    until(lambda: last in receiver.path.read_bytes()[-4000:], "the last report arrives")
    arrived = time.perf_counter() - begun
    probe.close()
    assert numbers(receiver.reports())[-count:] == list(range(count))
    rates = [f"{count / seconds:,.0f}" for seconds in (stored, confirmed, arrived)]
    return "{} on the disk · {} confirmed · {} at the collector".format(*rates)


def _key(folder: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path = folder / "signing.key"
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(path)


def _calls(folder: Path, broker: Mosquitto, name: str, count: int) -> str:
    """What put and flush take of the engine's thread, per batch of FLUSH."""
    probe = Probe(tables(broker, folder / name))
    times = []
    for first in range(0, count, FLUSH):
        begun = time.perf_counter()
        for number in range(first, first + FLUSH):
            probe.sink.put("rollup", report(number))
        probe.sink.flush()
        times.append(time.perf_counter() - begun)
        time.sleep(0.002)
    probe.close()
    times.sort()
    middle, most = statistics.median(times), times[int(len(times) * 0.99)]
    return f"median {middle * 1e3:.2f} ms · 99 % below {most * 1e3:.2f} ms · longest {times[-1] * 1e3:.2f} ms"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as place:
        for name in ("unsigned", "signed"):
            folder = Path(place) / name
            folder.mkdir()
            with running(folder) as (broker, receiver):
                print(f"{name:10}{_through(folder, broker, receiver, count, signed=name == 'signed')}   reports/s")
        folder = Path(place) / "engine"
        folder.mkdir()
        with running(folder) as (broker, _):
            print(f"engine, broker there  {_calls(folder, broker, 'there', count // 5)} for {FLUSH} reports")
            broker.kill()
            print(f"engine, broker dead   {_calls(folder, broker, 'dead', count // 5)} for {FLUSH} reports")


if __name__ == "__main__":
    main()

"""A probe of the demo: `CONFIG` as of `transitproof publish`; replays captures of tests/pcaps as if they were live.

Each round reads some captures through the same engine as everything else, moves the times of what it says to now, and
publishes findings, certificates, a rollup and the probe's health, as the agent does.
"""

import datetime as dt
import itertools
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from probe.engine import Engine
from probe.model import rfc3339
from probe.policy.load import load as policies
from probe.postures import Postures
from probe.publish import settings
from probe.publish.sink import Published
from probe.replay import Replay
from probe.trust.store import Store

if TYPE_CHECKING:
    from probe._parsers import Batch

CAPTURES: Final = Path(__file__).parents[2] / "tests/pcaps"
PAUSE: Final = 5.0  # seconds between rounds; at first less, so that the page soon has everything on it
FIRST: Final = 0.3
MOST_PAIRS: Final = 256  # of a rollup, as the agent has them
POLICIES: Final = (
    "rfc9325",
    "rfc8247",
    "rfc8221",
    "pci-dss-4.0.1",
    "bsi-tr-02102-2",
    "pq-readiness",
    "nist-sp-800-52r2",
)
ROUNDS: Final = {
    "gateway": (
        ("showcase.pcapng", "tls12_mutual.pcap", "ipsec/v2_rsa.pcap", "ike2_weak.pcap", "tls13_mlkem.pcap"),
        ("tls12_ecdhe_rsa.pcap", "tls12_h2.pcap", "quic.pcap", "ipsec/v2_child_rekey.pcap", "ssh.pcap"),
        ("tls13.pcap", "tls13_h2.pcap", "wireguard.pcap", "ipsec/v2_chacha.pcap"),
    ),
    "mirror": (
        ("tls10.pcap", "cert_expired.pcap", "cert_unknown_root.pcap", "cert_weak_key.pcap", "tunnels/iodine_txt.pcap"),
        ("tls12_ecdhe_rsa.pcap", "starttls_smtp.pcap", "starttls_imap.pcap", "postgresql.pcap", "ldap.pcap"),
        ("tls12_dhe.pcap", "tls13.pcap", "ftp.pcap", "http_redirect.pcap", "tls12_static_rsa.pcap"),
    ),
}


def main(path: str) -> None:
    """Until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    configured = settings.load(path)
    sink = Published(configured, lambda line: print(line, file=sys.stderr, flush=True))
    sink.start()
    begun, postures = time.time_ns(), Postures()
    try:
        sink.put("state", encode({"type": "state", "time": rfc3339(begun), "online": True}))
        rounds = ROUNDS[configured.probe]
        for number, captures in enumerate(itertools.cycle(rounds)):
            for record in report(captures, postures):
                sink.put(record["type"], encode(record))
            health = {"type": "health", "time": rfc3339(time.time_ns()), "uptime": (time.time_ns() - begun) / 1e9}
            sink.put("health", encode(health | {"missed": {}}))
            sink.flush()
            if stop.wait(PAUSE if number >= len(rounds) else FIRST):
                break
    finally:
        sink.close()


encode: Final = msgspec.json.encode


class Watching(Engine):
    """Also sees how endpoints protect what they carry, as the agent does."""

    def __init__(self, postures: Postures) -> None:
        super().__init__(policies(POLICIES), Store((str(CAPTURES / "pki/root.pem"),)))
        self._postures = postures

    def feed(self, batch: "Batch", source: str) -> bytes:
        """As the engine's."""
        self._postures.see(batch.sightings())
        return super().feed(batch, source)


def report(captures: Iterable[str], postures: Postures) -> Iterator[dict[str, Any]]:
    """What the agent would say of this traffic, if it were seen now. `postures`: what is known of places."""
    run = Replay([str(CAPTURES / name) for name in captures], Watching(postures))
    run.core.stay_live()  # so that it counts for rollups
    decode, now = msgspec.json.Decoder().decode_lines, time.time_ns()
    opened = 0
    for record in (record for chunk in run.chunks() for record in decode(chunk)):
        if record["type"] == "finding":
            opened += 1
            yield moved(record, now, "last_seen", "first_seen", "first_alert")
        elif record["type"] == "tunnel":
            yield moved(record, now, "end", "start")
        elif record["type"] == "certificate" and "subject" in record:
            yield record
    totals, seen = msgspec.json.decode(run.core.totals()), postures.take()
    rollup = {"type": "rollup", "start": rfc3339(now - 60 * 10**9), "end": rfc3339(now), "missed": {}}
    rollup |= {name: totals[name] for name in ("packets", "bytes", "flows", "by_class")}
    rollup |= {"observations": {"new": seen.new, "changed": seen.changed}, "changes": seen.changes}
    rollup["findings"] = {"opened": opened, "opened_uids": [], "resolved_uids": []}
    yield rollup | msgspec.json.decode(run.core.rollup(MOST_PAIRS))


def moved(record: dict[str, Any], now: int, last: str, *others: str) -> dict[str, Any]:
    """Its last time is now, and the others are as far from it as they were."""
    end = dt.datetime.fromisoformat(record[last])
    ago = {name: end - dt.datetime.fromisoformat(record[name]) for name in (last, *others) if name in record}
    return record | {name: rfc3339(now - int(by.total_seconds() * 1e9)) for name, by in ago.items()}


if __name__ == "__main__":
    main(sys.argv[1])

"""A disk that fills up: nothing that was acknowledged is lost without being counted, and it goes on by itself."""

import contextlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from .broker import running, until
from .probes import Probe, tables

DISK = 6 << 20
REPORTS = 30_000


@contextlib.contextmanager
def disk(path: Path, size: int) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("a small disk is a tmpfs: mounting needs root")
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_while_the_broker_is_away(tmp_path: Path) -> None:
    """Reports for some 10 MB, room for 6: the rollups go first, and every one is counted."""
    with disk(tmp_path / "spool", DISK), running(tmp_path) as (broker, receiver):
        broker.kill()
        probe = Probe(tables(broker, tmp_path / "spool"))
        for first in range(0, REPORTS, 100):
            probe.say(first, 100, "finding" if first % 1000 == 0 else "rollup")
        before = probe.sink.counters()
        assert before["mqtt_put"] == REPORTS
        broker.start()

        def stored() -> bool:
            probe.sink.flush()
            return not probe.sink.counters()["mqtt_pending"]

        until(stored, "the disk has room again")
        assert probe.drained(60), probe.said
        counters = probe.sink.counters()
        drops = probe.sink.outlets[0].spool.drops()
        probe.close()
        lost = Counter({kind: sum(counts.get(kind, 0) for counts in drops.values()) for kind in ("finding", "rollup")})
        print(drops, before, probe.said)
        assert lost["rollup"]
        assert counters["mqtt_sent"] + counters["mqtt_lost"] == REPORTS
        until(lambda: len(receiver.reports()) == counters["mqtt_sent"], "all that is left arrives")
        got = Counter(one["type"] for one in receiver.reports())
        assert got + lost == Counter({"finding": REPORTS // 10, "rollup": REPORTS * 9 // 10})
        assert not lost["finding"], "a finding went while there were rollups"
        assert sum("spool_stuck" in line for line in probe.said) <= 5, probe.said


def test_a_full_disk_from_the_beginning(tmp_path: Path) -> None:
    """Somebody else has filled it: reports wait in memory; once there is room they are stored and sent."""
    with disk(tmp_path / "spool", DISK), running(tmp_path) as (broker, receiver):
        probe = Probe(tables(broker, tmp_path / "spool"))
        with contextlib.suppress(OSError), (tmp_path / "spool" / "other").open("wb", buffering=0) as other:
            while other.write(b"x" * 65_536):
                pass
        for first in range(0, 10_000, 100):
            probe.say(first, 100)
        (tmp_path / "spool" / "other").unlink()
        probe.sink.flush()
        assert not probe.sink.counters()["mqtt_pending"]
        assert probe.drained(60), probe.said
        counters = probe.sink.counters()
        probe.close()
        assert counters["mqtt_sent"] + counters["mqtt_lost"] == 10_000
        until(lambda: len(receiver.reports()) == counters["mqtt_sent"], "all that is left arrives")

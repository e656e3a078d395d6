#!/usr/bin/env python3
"""Reports a second into a store, batch by batch as the collector does, and how fast old traffic is added up.

    .venv/bin/python benchmarks/collector.py [URL] [BATCHES]

URL as in the collector's configuration; a new SQLite file without one. A batch is 40 envelopes of 50 findings from 50
probes; traffic is 100 pairs a minute of each for BATCHES minutes. The database should not know these probes yet.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "collector"), str(Path(__file__).parents[1])]

from fleet import NOW, finding, message  # noqa: E402

from collector.store.retention import DAY, Kept  # noqa: E402
from collector.store.store import Store  # noqa: E402
from collector.times import rfc3339  # noqa: E402

ENVELOPES, ITEMS, PROBES, PAIRS = 40, 50, 50, 100
BEGUN = NOW - NOW % 3600


def _findings(count: int, *, later: float) -> Iterator[list[object]]:
    """New ones, and with `later` seconds the same again, as probes say them while they go on."""

    def one(number: int) -> object:
        probe, seq = number % PROBES, number // PROBES
        seen = rfc3339(NOW + later)
        told = (
            finding(f"{probe}-{seq}-{n}", endpoint=f"10.{probe}.{n}.7:443/tcp", last_seen=seen) for n in range(ITEMS)
        )
        return message(*told, by=f"p{probe}", seq=seq + (1_000_000 if later else 0))

    for batch in range(count):
        yield [one(batch * ENVELOPES + number) for number in range(ENVELOPES)]


def _rollups(count: int) -> Iterator[list[object]]:
    for minute in range(count):
        start = BEGUN + minute * 60
        told = {"start": rfc3339(start), "end": rfc3339(start + 60)}
        pairs = [
            {"endpoint": f"10.0.{n}.7:443/tcp", "peer": "10.0.0.9", "class": "tls", "flows": 2, "bytes": [100, 200]}
            for n in range(PAIRS)
        ]
        yield [
            message(told | {"pairs": pairs}, kind="rollup", by=f"p{probe}", seq=2_000_000 + minute)
            for probe in range(PROBES)
        ]


def _timed(what: str, work: Callable[[], int]) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    count = work()
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(f"  {what}: {count / wall:,.0f} a second, {count:,} in {wall:.1f} s, {cpu:.1f} s CPU here", flush=True)


def main() -> None:
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/collector.db"
        store = Store(url)
        print(url.partition(":")[0])
        for what, batches in (
            ("new findings", list(_findings(count, later=0.0))),
            ("the same findings again", list(_findings(count, later=600.0))),
        ):
            _timed(what, lambda batches=batches: sum(store.write(batch, NOW).items for batch in batches))  # type: ignore[misc]
        rollups = list(_rollups(count))
        _timed("rows of traffic", lambda: sum(store.write(batch, NOW).items * PAIRS for batch in rollups))  # type: ignore[arg-type, misc]
        kept = Kept(2 * DAY, 400 * DAY)
        _timed("rows added up", lambda: store.keep_house(NOW + 3 * DAY, kept) and count * PROBES * PAIRS)
        store.close()


if __name__ == "__main__":
    main()

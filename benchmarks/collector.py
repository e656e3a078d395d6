#!/usr/bin/env python3
"""Reports a second into a store, batch by batch as the collector does.

    .venv/bin/python benchmarks/collector.py [URL] [BATCHES]

URL as in the collector's configuration; a new SQLite file without one. A batch is 40 envelopes of 50 findings from 50
probes; the database must be empty.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "collector"), str(Path(__file__).parents[1])]

from fleet import NOW, finding, message  # noqa: E402

from collector.store.store import Store  # noqa: E402

ENVELOPES, ITEMS, PROBES = 40, 50, 50


def _batches(count: int) -> list[list[object]]:
    def one(number: int) -> object:
        probe, seq = number % PROBES, number // PROBES
        told = (finding(f"{probe}-{seq}-{n}", endpoint=f"10.{probe}.{n}.7:443/tcp") for n in range(ITEMS))
        return message(*told, by=f"p{probe}", seq=seq)

    return [[one(batch * ENVELOPES + number) for number in range(ENVELOPES)] for batch in range(count)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/collector.db"
        store, batches = Store(url), _batches(int(sys.argv[2]) if len(sys.argv) > 2 else 50)
        begun, cpu = time.perf_counter(), time.process_time()
        items = sum(store.write(batch, NOW).items for batch in batches)  # type: ignore[arg-type]
        wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
        store.close()
    print(f"{url.partition(':')[0]}: {items / wall:,.0f} items/s, {items:,} in {wall:.1f} s, {cpu:.1f} s CPU here")


if __name__ == "__main__":
    main()

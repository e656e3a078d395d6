#!/usr/bin/env python3
"""What each judgement of the fleet costs over a large store, as `collector_pages.py --keep FOLDER` has left it.

    .venv/bin/python benchmarks/collector_rounds.py URL

Each in a process of its own: processor time, time by the clock, and the most memory, with what importing takes.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

sys.path.insert(0, str(Path(__file__).parents[1]))

from collector.fleet import exposure, renewals, rounds, shared_prime, sums
from collector.store.retention import Kept
from collector.store.store import Store

DAY = 86_400.0


def works(now: float) -> dict[str, Callable[[Store], object]]:
    """By name."""

    def judged(check: rounds.Check) -> Callable[[Store], object]:
        def work(store: Store) -> object:
            with store.reading() as connection:
                found = rounds.worst(check.CHECK, check.judge(check.read(connection, now)))
            return rounds.keep(store, check.CHECK, found, now)

        return work

    def read(question: Callable[[Connection], object]) -> Callable[[Store], object]:
        def work(store: Store) -> object:
            with store.reading() as connection:
                return question(connection)

        return work

    return {
        "nothing": lambda _store: 0,
        **{check.CHECK: judged(check) for check in rounds.CHECKS},
        "moduli compared": shared_prime.compare,
        "shares, the first time": lambda store: sums.reckon(store, now),
        "shares, again": lambda store: sums.reckon(store, now + 61),
        "exposures": read(lambda connection: len(exposure.added_up(exposure.read(connection)))),
        "forecast": read(lambda connection: renewals.forecast(connection, now)["valid"]),
        "house kept": lambda store: store.keep_house(now, Kept(2 * DAY, 400 * DAY)),
        "house kept again": lambda store: store.keep_house(now + 601, Kept(2 * DAY, 400 * DAY)),
    }


def _measured(url: str, name: str, now: float) -> None:
    store = Store(url)
    wall = time.perf_counter()
    told = works(now)[name](store)
    wall = time.perf_counter() - wall
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(f"| {name} | {cpu:.1f} | {wall:.1f} | {used[0].ru_maxrss // 1024} | {told} |", flush=True)
    store.close()


def main() -> int:
    url, now = sys.argv[1], time.time()
    print("| what | CPU s | s | most MB | result |\n|---|---:|---:|---:|---:|")
    for name in sys.argv[2:] or works(now):
        one = multiprocessing.get_context("spawn").Process(target=_measured, args=(url, name, now))
        one.start()
        one.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A batch before it is written: up to where a stream's numbers came, and rows that one statement can take. Pure."""

from collections import defaultdict
from typing import Any, Final

from sqlalchemy import Table

from collector.messages import is_whole
from collector.store import places
from collector.store.rows import Row
from collector.store.tables import (
    certificates,
    clients,
    early,
    findings,
    postures,
    probes,
    received,
    sightings,
    streams,
    traffic,
    tunnels,
)

WINDOW: Final = 10_000  # sequence numbers that may be outstanding in one stream; older gaps are given up and counted
KEYS: Final[dict[Table, tuple[str, ...]]] = {
    probes: ("site", "probe"),
    streams: ("probe_id", "boot_id"),
    received: ("stream_id", "seq", "part"),
    findings: ("probe_id", "uid"),
    early: ("probe_id", "uid"),
    sightings: places.SIGHTING_KEYS,
    certificates: ("sha256",),
    tunnels: ("probe_id", "peers"),
    traffic: ("probe_id", "start", "span", "endpoint", "class"),
    postures: places.POSTURE_KEYS,
    clients: places.CLIENT_KEYS,
}


def swept(numbers: set[tuple[int, str]], low: int, high: int) -> tuple[int, int, int]:
    """Up to where all came, the highest that came, and how many were given up on the way."""
    parts: dict[int, set[str]] = defaultdict(set)
    for seq, part in numbers:
        parts[seq].add(part)
    high, given_up = max([high, *parts]), 0
    for seq in sorted(parts):
        whole, late = is_whole(parts[seq]), high - seq >= WINDOW
        if not (seq == low + 1 and whole) and not late:
            break
        given_up += seq - low - 1 + (not whole)
        low = seq
    return low, high, given_up


def turns(table: Table, told: list[Row]) -> list[list[Row]]:
    """Rows of one key cannot go in one statement: the second of each goes in the next, and so on."""
    keys, turns, met = KEYS[table], list[list[Row]](), dict[tuple[Any, ...], int]()
    for row in told:
        key = tuple(row[name] for name in keys)
        turn = met.get(key, 0)
        met[key] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(row)
    return turns


def summed(told: list[Row]) -> list[list[Row]]:
    """Counts of one key added up."""
    sums: dict[tuple[Any, ...], Row] = {}
    for row in told:
        key = tuple(row[name] for name in KEYS[traffic])
        known = sums.setdefault(key, row | {"flows": 0, "bytes": 0})
        known["flows"] += row["flows"]
        known["bytes"] += row["bytes"]
    return [list(sums.values())]

"""What was not seen: part of every answer, because an empty list of findings proves nothing by itself."""

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from collector import probe_states
from collector.store.tables import FLEET, aside, probes, streams


def coverage(connection: Connection, now: float) -> dict[str, Any]:
    """Probes by how they are, reports that are missing or were lost, packets that were missed, messages kept aside.

    Where a probe saw only one direction, or a flow not from its start, its findings say so in their evidence.
    """
    words = {"up": 0, "silent": 0, "gone": 0}
    lost = missed = dropping = 0
    reasons: dict[str, int] = {}
    p = probes.c
    told_of = select(p.online, p.last_seen, p.missed, p.drops, p.health).where(p.site != FLEET)
    for row in connection.execute(told_of).mappings():
        words[probe_states.word(row, now)] += 1
        missed += row["missed"]
        lost += sum(probe_states.lost(msgspec.json.decode(row["drops"])).values())
        health = msgspec.json.decode(row["health"])
        told = flat(health.get("missed") if isinstance(health, dict) else None)
        dropping += bool(told)
        for reason, count in told.items():
            reasons[reason] = reasons.get(reason, 0) + count
    outstanding = connection.execute(select(func.coalesce(func.sum(streams.c.high - streams.c.low), 0))).scalar_one()
    return {
        "probes": words,
        "missed_envelopes": missed,
        "outstanding_envelopes": int(outstanding),
        "lost_reports": lost,
        "probes_that_miss_packets": dropping,
        "missed_packets": dict(sorted(reasons.items())),
        "kept_aside": connection.execute(select(func.count()).select_from(aside)).scalar_one(),
    }


def flat(missed: object) -> dict[str, int]:
    """`missed` of a health or rollup record (drops by interface, limits, malformed) by its first word, summed up."""
    if not isinstance(missed, dict):
        return {}
    told = {str(why)[:40]: _sum(value) for why, value in missed.items()}
    return {why: count for why, count in told.items() if count}


def _sum(value: object) -> int:
    if isinstance(value, dict):
        return sum(_sum(one) for one in value.values())
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

"""fleet.probe_health: a probe went silent, or misses packets

Meaning: `observed.how` is
silent (nothing was heard of it for five minutes, and it did not say goodbye) ·
drops (its last health record says that packets were missed: no room in its ring, a bound that was hit).

Evidence: the time of its last word here, and what it says of itself (inferred).

Why it matters: what passes there is not seen. An empty list of findings proves nothing for that place and time.

How to fix: silent: look at its host, its network and the broker (`systemctl status transitproof`). drops: give its
ring more memory, let the kernel count judged bulk (docs/agent.md), or give it a processor more.

Reference: PCI DSS 4.0.1 requirement 10.7 (failures of critical security controls are detected and reported).
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, select

from collector import probe_states
from collector.export.coverage import flat
from collector.fleet.verdict import Row, Verdict
from collector.store.tables import FLEET, probes

CHECK: Final = "fleet.probe_health"
TURN: Final = 500  # probes of one question: their health records are some 2 MB at worst


def read(connection: Connection, now: float) -> Iterator[Row]:
    """Every probe, with how it is."""
    p, after = probes.c, 0
    told = select(p.id, p.site, p.probe, p.online, p.last_seen, p.health).where(p.site != FLEET).order_by(p.id)
    while some := connection.execute(told.where(p.id > after).limit(TURN)).mappings().all():
        for row in some:
            yield {**row, "health": json.loads(row["health"]), "word": probe_states.word(row, now)}
        after = some[-1]["id"]


def judge(rows: Iterable[Row]) -> Iterator[Verdict]:
    """One verdict for each thing that is wrong with a probe."""
    for row in rows:
        told = flat(row["health"].get("missed") if isinstance(row["health"], dict) else None)
        if row["word"] == "silent":
            yield _verdict(row, "silent", "A probe went silent", "Look at its host, its network and the broker.", {})
        elif told and row["word"] == "up":
            what = "Give its ring more memory, or let the kernel count judged bulk."
            yield _verdict(row, "drops", "A probe misses packets", what, {"missed": told})


def _verdict(row: Row, how: str, title: str, remediation: str, more: Row) -> Verdict:
    who = f"{row['site']}/{row['probe']}"
    return Verdict(
        check=CHECK,
        severity="medium" if how == "silent" else "low",
        title=f"{title}: {who}",
        endpoint=who,
        observed={"how": how, "probe": who, **more},
        key=[how, row["site"], row["probe"]],
        remediation=remediation,
        first_seen=row["last_seen"],
        last_seen=row["last_seen"],
    )

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

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from collector import queries
from collector.export.coverage import flat
from collector.fleet.verdict import Row, Verdict

CHECK: Final = "fleet.probe_health"
MAX_PROBES: Final = 100_000  # some 200 MB of health records at worst


def read(connection: Connection, now: float) -> list[Row]:
    """Every probe, with how it is."""
    return queries.every_probe(connection, now, MAX_PROBES)


def judge(rows: Iterable[Row]) -> list[Verdict]:
    """One verdict for each thing that is wrong with a probe."""
    verdicts = []
    for row in rows:
        told = flat(row["health"].get("missed") if isinstance(row["health"], dict) else None)
        if row["word"] == "silent":
            verdicts.append(
                _verdict(row, "silent", "A probe went silent", "Look at its host, its network and the broker.", {})
            )
        elif told and row["word"] == "up":
            what = "Give its ring more memory, or let the kernel count judged bulk."
            verdicts.append(_verdict(row, "drops", "A probe misses packets", what, {"missed": told}))
    return verdicts


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

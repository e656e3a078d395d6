"""fleet.both_ends: two probes see the same flows, and not the same protection

Meaning: for a client and an endpoint one probe reports a class (plaintext, say) that another one never did in the
time in which both saw them. `observed.seen` has what each of them saw.

Evidence: the pairs in rollups of both probes, while their times overlap (inferred). Class unknown says nothing, and
does not count.

Why it matters: something between the two takes the protection off, or puts it on: a load balancer or proxy that ends
TLS, a tunnel that covers only a part of the way. On one of the parts the data is less protected than the other probe
says.

How to fix: protect the part that is not (TLS to the backend, a tunnel from host to host); where the two are the ends
of a tunnel, that is what it is for: acknowledge the finding.

Reference: NIST SP 800-207 section 2.1, tenet 2: all communication is secured regardless of network location.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, func, select, tuple_

from collector.fleet.verdict import MOST, Row, Verdict, some
from collector.store.tables import clients, probes

CHECK: Final = "fleet.both_ends"
MAX_ROWS: Final = 50_000  # some 20 MB
RECENT: Final = 7 * 86_400.0  # seconds for which a pair speaks of now


def read(connection: Connection, now: float) -> list[Row]:
    """What each probe saw of pairs that several probes know, if they do not agree."""
    c = clients.c
    recent = (c.last_seen >= now - RECENT) & (c["class"] != "unknown")
    several = (func.count(c.probe_id.distinct()) > 1) & (func.count(c["class"].distinct()) > 1)
    pairs = select(c.endpoint, c.peer).where(recent).group_by(c.endpoint, c.peer).having(several)
    some_pairs = pairs.order_by(c.endpoint, c.peer).limit(MOST)
    columns = (c.endpoint, c.peer, c["class"], c.flows, c.bytes, c.first_seen, c.last_seen)
    statement = (
        select(*columns, probes.c.site, probes.c.probe)
        .join(probes, probes.c.id == c.probe_id)
        .where(recent, tuple_(c.endpoint, c.peer).in_(some_pairs))
        .order_by(c.endpoint, c.peer, probes.c.site, probes.c.probe, c["class"])
    )
    return [dict(row) for row in connection.execute(statement.limit(MAX_ROWS)).mappings()]


def judge(rows: Iterable[Row]) -> list[Verdict]:
    """One verdict for each endpoint."""
    pairs: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        pairs[row["endpoint"]][row["peer"]].append(row)
    verdicts = []
    for endpoint, peers in pairs.items():
        odd = {peer: those for peer, those in peers.items() if _differ(those)}
        if odd:
            verdicts.append(_judged(endpoint, odd))
    return verdicts


def _differ(rows: list[Row]) -> bool:
    """Whether a class was seen by one while another one saw the pair too, and never so."""
    by_probe: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_probe[row["site"], row["probe"]].append(row)
    for probe, those in by_probe.items():
        for other, theirs in by_probe.items():
            begin, end = min(row["first_seen"] for row in theirs), max(row["last_seen"] for row in theirs)
            known = {row["class"] for row in theirs}
            if probe != other and any(
                row["class"] not in known and row["last_seen"] >= begin and row["first_seen"] <= end for row in those
            ):
                return True
    return False


def _judged(endpoint: str, odd: dict[str, list[Row]]) -> Verdict:
    rows = [row for those in odd.values() for row in those]
    classes = {row["class"] for row in rows}
    return Verdict(
        check=CHECK,
        severity="high" if "plaintext" in classes else "medium",
        title=f"Seen as {' and as '.join(sorted(classes))}, depending on where one looks",
        endpoint=endpoint,
        observed={
            "classes": sorted(classes),
            "peers": some(set(odd)),
            "seen": some({f"{row['site']}/{row['probe']}: {row['class']}" for row in rows}),
            "bytes": sum(int(row["bytes"]) for row in rows),
        },
        key=[endpoint],
        remediation="Protect the part of the way on which it is not, or acknowledge what is meant to be so.",
        first_seen=min(row["first_seen"] for row in rows),
        last_seen=max(row["last_seen"] for row in rows),
        count=sum(int(row["flows"]) for row in rows),
    )

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
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Final

from sqlalchemy import Connection, func, literal, select, tuple_

from collector.fleet.verdict import Row, Verdict, some
from collector.store.tables import clients, probes

CHECK: Final = "fleet.both_ends"
PAIRS: Final = 500  # of one question
MAX_ROWS: Final = 20_000  # of one question, some 8 MB
MAX_PEERS: Final = 1_000  # of one verdict
MAX_PROBES: Final = 64  # that see one pair, compared with each other
RECENT: Final = 7 * 86_400.0  # seconds for which a pair speaks of now


def read(connection: Connection, now: float) -> Iterator[Row]:
    """What each probe saw of pairs that several probes know, if they do not agree; by endpoint and peer."""
    c = clients.c
    several = (func.count(c.probe_id.distinct()) > 1) & (func.count(c["class"].distinct()) > 1)
    pairs = select(c.endpoint, c.peer).where(c["class"] != "unknown").group_by(c.endpoint, c.peer).having(several)
    pairs = pairs.order_by(c.endpoint, c.peer).limit(PAIRS)
    columns = (c.endpoint, c.peer, c["class"], c.flows, c.bytes, c.first_seen, c.last_seen)
    told = (
        select(*columns, probes.c.site, probes.c.probe)
        .join(probes, probes.c.id == c.probe_id)
        .where(c.last_seen >= now - RECENT, c["class"] != "unknown")
        .order_by(c.endpoint, c.peer, probes.c.site, probes.c.probe, c["class"])
    )
    after = ("", "")
    while True:  # from pair to pair in an index: all of them at once would be a table in memory
        some_pairs = connection.execute(pairs.where(tuple_(c.endpoint, c.peer) > tuple_(*map(literal, after)))).all()
        if not some_pairs:
            return
        where = tuple_(c.endpoint, c.peer).in_([tuple(pair) for pair in some_pairs])
        yield from map(dict, connection.execute(told.where(where).limit(MAX_ROWS)).mappings())
        after = tuple(some_pairs[-1])


def judge(rows: Iterable[Row]) -> Iterator[Verdict]:
    """One verdict for each endpoint. `rows`: by endpoint and peer."""
    for endpoint, those in groupby(rows, lambda row: str(row["endpoint"])):
        peers = ((peer, list(seen)) for peer, seen in groupby(those, lambda row: str(row["peer"])))
        odd = dict(islice(((peer, seen) for peer, seen in peers if _differ(seen)), MAX_PEERS))
        if odd:
            yield _judged(endpoint, odd)


def _differ(rows: list[Row]) -> bool:
    """Whether a class was seen by one while another one saw the pair too, and never so."""
    by_probe: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_probe[row["site"], row["probe"]].append(row)
    compared = dict(islice(by_probe.items(), MAX_PROBES))
    for probe, those in compared.items():
        for other, theirs in compared.items():
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

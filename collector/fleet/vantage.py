"""fleet.vantage: probes see different certificates for one name

Meaning: of two probes, each sees a certificate for the name that the other one does not. `observed.how` is
interception (at the same endpoint, with other keys, from different issuers) ·
issuers (at different endpoints, from different issuers) ·
half_rolled (from the same issuer: a renewal that has not reached every server, or every probe).

Evidence: the latest certificate that each probe saw for the name at each endpoint (inferred). TLS 1.3 hides
certificates, so probes that saw none say nothing.

Why it matters: a middlebox or an attacker on the way of one of them reads and can change all that passes. A
deployment that stopped half-way ends with clients that meet an expired certificate.

How to fix: find what stands between the two places if nobody put it there on purpose; else finish the deployment.

Reference: RFC 9325 section 6; Durumeric et al., "The Security Impact of HTTPS Interception", NDSS 2017.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, func, select

from collector.fleet.verdict import MOST, Row, Verdict, some
from collector.store.tables import certificates, probes, sightings

CHECK: Final = "fleet.vantage"
MAX_ROWS: Final = 50_000  # sightings, some 20 MB
RECENT: Final = 30 * 86_400.0  # seconds for which a sighting speaks of now


def read(connection: Connection, now: float) -> list[Row]:
    """Sightings of certificates that are valid, for names that several probes know with several certificates."""
    s, c = sightings.c, certificates.c
    recent = (s.name != "") & (s.last_seen >= now - RECENT)
    several = (func.count(s.probe_id.distinct()) > 1) & (func.count(s.sha256.distinct()) > 1)
    names = select(s.name).where(recent).group_by(s.name).having(several).order_by(s.name).limit(MOST)
    columns = (s.name, s.endpoint, s.sha256, s.first_seen, s.last_seen, c.issuer, c.spki_sha256)
    statement = (
        select(*columns, probes.c.site, probes.c.probe)
        .join(certificates, c.sha256 == s.sha256)
        .join(probes, probes.c.id == s.probe_id)
        .where(recent, s.name.in_(names), c.ca.is_(False), c.not_after >= now)
        .order_by(s.name, s.last_seen.desc(), s.first_seen.desc(), s.sha256)
    )
    return [dict(row) for row in connection.execute(statement.limit(MAX_ROWS)).mappings()]


def judge(rows: Iterable[Row]) -> list[Verdict]:
    """One verdict for each name."""
    names: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        names[row["name"]].append(row)
    return [verdict for name, those in names.items() for verdict in _judged(name, those)]


def _judged(name: str, rows: list[Row]) -> list[Verdict]:
    """`rows`: the latest first."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    latest: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        seen[row["site"], row["probe"]].add(row["sha256"])
        latest.setdefault((row["site"], row["probe"], row["endpoint"]), row)
    odd = [
        (one, other)
        for one in latest.values()
        for other in latest.values()
        if one["sha256"] < other["sha256"]
        and one["sha256"] not in seen[other["site"], other["probe"]]
        and other["sha256"] not in seen[one["site"], one["probe"]]
    ]
    if not odd:
        return []
    how, severity = min((_how(*pair) for pair in odd), key=lambda told: ("high", "medium", "low").index(told[1]))
    those = [one for pair in odd for one in pair if _how(*pair)[0] == how]
    places = {f"{one['site']}/{one['probe']}: {one['sha256'][:16]} at {one['endpoint']}" for one in those}
    titles = {
        "interception": "Certificates from different issuers at one endpoint",
        "issuers": "Certificates from different issuers at different endpoints",
        "half_rolled": "A new certificate that not every place has",
    }
    return [
        Verdict(
            check=CHECK,
            severity=severity,
            title=f"{titles[how]}, depending on where one looks: {name}",
            endpoint=min(one["endpoint"] for one in those),
            name=name,
            observed={
                "how": how,
                "certificates": some({one["sha256"] for one in those}),
                "issuers": some({one["issuer"] for one in those}),
                "seen": some(places),
            },
            key=[name],
            remediation="Find what stands between the two places, or finish the deployment.",
            first_seen=min(one["first_seen"] for one in those),
            last_seen=max(one["last_seen"] for one in those),
            count=len(places),
        )
    ]


def _how(one: Row, other: Row) -> tuple[str, str]:
    """What this pair comes to, and its severity."""
    if one["issuer"] == other["issuer"]:
        return "half_rolled", "low"
    if one["endpoint"] == other["endpoint"] and one["spki_sha256"] != other["spki_sha256"]:
        return "interception", "high"
    return "issuers", "medium"

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
from collections.abc import Iterable, Iterator
from itertools import combinations, groupby, islice
from typing import Final

from sqlalchemy import Connection, func, select
from sqlalchemy import text as sql

from collector.fleet.verdict import Row, Verdict, some
from collector.store.tables import certificates, probes, sightings

CHECK: Final = "fleet.vantage"
NAMES: Final = 500  # of one question
MAX_ROWS: Final = 20_000  # sightings of one question, some 10 MB
MAX_CERTIFICATES: Final = 64  # of one name, that are compared with each other
RECENT: Final = 30 * 86_400.0  # seconds for which a sighting speaks of now


def read(connection: Connection, now: float) -> Iterator[Row]:
    """Sightings of valid certificates, by name: of names that several probes know with several certificates."""
    s, c = sightings.c, certificates.c
    several = (func.count(s.probe_id.distinct()) > 1) & (func.count(s.sha256.distinct()) > 1)
    columns = (s.name, s.endpoint, s.sha256, s.first_seen, s.last_seen, c.issuer, c.spki_sha256)
    shown = (
        select(*columns, probes.c.site, probes.c.probe)
        .join(certificates, c.sha256 == s.sha256)
        .join(probes, probes.c.id == s.probe_id)
        .where(s.last_seen >= now - RECENT, c.ca.is_(False), c.not_after >= now)
        .order_by(s.name, s.last_seen.desc(), s.first_seen.desc(), s.sha256)
    )
    after = ""
    while True:  # from name to name in an index: all of them at once would be a table in memory
        following = select(s.name).where(sql("name <> ''"), s.name > after).group_by(s.name).having(several)
        names = list(connection.execute(following.order_by(s.name).limit(NAMES)).scalars())
        if not names:
            return
        found = connection.execute(shown.where(sql("sightings.name <> ''"), s.name.in_(names)).limit(MAX_ROWS))
        yield from map(dict, found.mappings())
        after = names[-1]


def judge(rows: Iterable[Row]) -> Iterator[Verdict]:
    """One verdict for each name. `rows`: by name, and the latest first."""
    for name, those in groupby(rows, lambda row: str(row["name"])):
        yield from _judged(name, those)


def _judged(name: str, rows: Iterable[Row]) -> Iterator[Verdict]:
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    latest: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        seen[row["site"], row["probe"]].add(row["sha256"])
        latest.setdefault((row["site"], row["probe"], row["endpoint"]), row)
    by_certificate: dict[str, list[Row]] = defaultdict(list)
    for row in latest.values():
        by_certificate[row["sha256"]].append(row)

    def without(one: str, other: str) -> list[Row]:
        return [row for row in by_certificate[one] if other not in seen[row["site"], row["probe"]]]

    pairs = combinations(sorted(islice(by_certificate, MAX_CERTIFICATES)), 2)
    odd = [(here, there) for one, other in pairs if (here := without(one, other)) and (there := without(other, one))]
    if not odd:
        return
    how, severity = min((_how(*pair) for pair in odd), key=lambda told: ("high", "medium", "low").index(told[1]))
    those = [row for pair in odd if _how(*pair)[0] == how for rows in pair for row in rows]
    places = {f"{one['site']}/{one['probe']}: {one['sha256'][:16]} at {one['endpoint']}" for one in those}
    titles = {
        "interception": "Certificates from different issuers at one endpoint",
        "issuers": "Certificates from different issuers at different endpoints",
        "half_rolled": "A new certificate that not every place has",
    }
    yield Verdict(
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


def _how(here: list[Row], there: list[Row]) -> tuple[str, str]:
    """What two certificates come to that each were seen by some alone, and its severity."""
    one, other = here[0], there[0]
    if one["issuer"] == other["issuer"]:
        return "half_rolled", "low"
    if one["spki_sha256"] != other["spki_sha256"] and {row["endpoint"] for row in here} & {
        row["endpoint"] for row in there
    }:
        return "interception", "high"
    return "issuers", "medium"

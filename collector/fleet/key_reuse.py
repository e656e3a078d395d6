"""fleet.key_reuse: one key in certificates for different names, or renewed and kept at several endpoints

Meaning: certificates that different probes saw have the same public key. `observed.how` is
certificates (their names have nothing in common) · renewal (they have, and the key is at several endpoints).
One certificate on many servers is not reported: that is how load is balanced.

Evidence: SHA-256 of the SubjectPublicKeyInfo in certificates as probes reported them, and where they were shown
(inferred).

Why it matters: who takes the key from one of the servers has the sessions of all of them, and a renewal that keeps
the key does not end that.

How to fix: make a new key for each certificate and each service.

Reference: NIST SP 800-57 part 1 section 5.3 (cryptoperiods); Brinkmann et al., "ALPACA", USENIX Security 2021.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Final

from sqlalchemy import Boolean, Connection, literal_column, select

from collector.fleet.verdict import MOST, SHOWN, Row, Verdict, some
from collector.store.tables import certificates, keys, sightings

CHECK: Final = "fleet.key_reuse"
MAX_ROWS: Final = 20_000  # certificates with their places, some 20 MB


def read(connection: Connection, _now: float) -> list[Row]:
    """Certificates of servers that share a key, each with each of its places (`endpoint` is None without any)."""
    c, s = certificates.c, sightings.c
    servers = (c.ca.is_(False)) & (c.spki_sha256 != "")
    k = keys.c
    several = literal_column("certificates > 1", Boolean)  # as the index has it
    shared = select(k.spki_sha256).where(several).order_by(k.certificates.desc(), k.spki_sha256.desc()).limit(MOST)
    columns = (c.sha256, c.spki_sha256, c.subject, c.record, c.first_seen, c.last_seen, s.endpoint)
    statement = (
        select(*columns).outerjoin(sightings, s.sha256 == c.sha256).distinct().where(servers, c.spki_sha256.in_(shared))
    )
    found = connection.execute(statement.order_by(c.spki_sha256, c.first_seen, c.sha256).limit(MAX_ROWS))
    return [dict(row) for row in found.mappings()]


def judge(rows: Iterable[Row]) -> list[Verdict]:
    """One verdict for each key."""
    by_key: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row["spki_sha256"]].append(row)
    return [verdict for key, those in by_key.items() for verdict in _judged(key, those)]


def _judged(key: str, rows: list[Row]) -> list[Verdict]:
    named = {row["sha256"]: _names(row) for row in rows}
    endpoints = {row["endpoint"] for row in rows} - {None}
    apart = any(not one & other for one, other in combinations(list(named.values())[:SHOWN], 2))
    if not apart and len(endpoints) < 2:
        return []  # a renewal at one place: its probe reports that
    observed = {
        "how": "certificates" if apart else "renewal",
        "spki_sha256": key,
        "certificates": some(set(named)),
        "names": some(set().union(*named.values())),
        "endpoints": some(endpoints),
    }
    several = f"{len(named)} certificates at {len(endpoints)} endpoint{'' if len(endpoints) == 1 else 's'}"
    return [
        Verdict(
            check=CHECK,
            severity="medium" if apart and len(endpoints) > 1 else "low",
            title=f"One key {'for different names' if apart else 'kept on renewal'}: {several}",
            endpoint=min(endpoints, default="(not told)"),
            observed=observed,
            key=[key],
            remediation="Make a new key for each certificate and each service.",
            first_seen=min(row["first_seen"] for row in rows),
            last_seen=max(row["last_seen"] for row in rows),
            count=len(named),
        )
    ]


def _names(row: Row) -> frozenset[str]:
    sans = json.loads(row["record"]).get("sans")
    told = [one for one in sans if isinstance(one, str)] if isinstance(sans, list) else []
    return frozenset(told[:SHOWN] or [row["subject"]])

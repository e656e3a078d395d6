"""fleet.shared_prime: two RSA keys have a prime in common

Meaning: the moduli of two different public keys have a common factor of 128 bits or more, and none divides the other.
`observed.bits` is the size of that factor; the factor itself is neither told nor kept.

Evidence: the moduli of all certificates of servers that probes reported, compared with each other (inferred). At most
131,072 keys, the latest; TLS 1.3 hides certificates, so keys that no probe could see are not among them.

Why it matters: whoever has both public keys has both private keys, in a moment and without any attack on the servers.
Such keys are made by devices that have no entropy when they first start.

How to fix: replace both keys now, made on a machine with a seeded random number generator; take the old ones as known
to others, and look for siblings: the same device, image or firmware makes more of them.

Reference: Heninger et al., "Mining Your Ps and Qs", USENIX Security 2012; Bernstein, "How to find smooth parts of
integers" (2004).
"""

import contextlib
import logging
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Connection, false, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from collector.fleet.batch_gcd import BATCH
from collector.fleet.verdict import MOST, Row, Verdict, some
from collector.store import retention
from collector.store.store import Store
from collector.store.tables import certificates, moduli, primes, sightings

CHECK: Final = "fleet.shared_prime"
MAX_MODULI: Final = 131_072  # the latest, with which new ones are compared: a file of 75 MB
PATIENCE: Final = 1800.0  # seconds for one comparison
MAX_ROWS: Final = 20_000  # pairs with their certificates and places, some 10 MB
EVERY: Final = 60.0  # seconds between two looks for new moduli
_KEY: Final = "compared_moduli"
_LOOK: Final = 0.2  # seconds between looks at the one who compares
_LOG: Final = logging.getLogger("collector")
_PROGRAM: Final = (sys.executable, "-m", "collector.fleet.batch_gcd")


def reckon(store: Store, now: float, stopped: Callable[[], bool] = lambda: False) -> int:
    """`compare`, if it is due and no other collector does it. Raises StoreError."""
    with store.changing() as connection:
        if not retention.is_due(connection, now, _KEY, EVERY):
            return 0
    return compare(store, stopped)


def compare(store: Store, stopped: Callable[[], bool] = lambda: False) -> int:
    """Compare moduli that are new, at most BATCH; how many pairs have a prime in common. Raises StoreError."""
    m = moduli.c
    columns = select(m.spki_sha256, m.modulus)
    with tempfile.TemporaryFile("w+") as told:
        with store.reading() as connection:
            new = connection.execute(columns.where(m.compared == false()).order_by(m.seen).limit(BATCH)).all()
            if not new:
                return 0
            told.writelines(f"{key} {modulus}\n" for key, modulus in new)
            told.write("\n")
            known = columns.where(m.compared == true()).order_by(m.seen.desc()).limit(MAX_MODULI)
            for key, modulus in connection.execute(known.execution_options(yield_per=BATCH)):
                told.write(f"{key} {modulus}\n")
        told.seek(0)
        pairs = _pairs(told.fileno(), stopped)
    if pairs is None:
        return 0
    with store.changing() as connection:
        for key, _ in new:
            connection.execute(update(moduli).where(m.spki_sha256 == key).values(compared=True))
        for row in pairs:
            with contextlib.suppress(IntegrityError), connection.begin_nested():
                connection.execute(insert(primes).values(**row))
    return len(pairs)


def _pairs(told: int, stopped: Callable[[], bool]) -> list[Row] | None:
    """Rows of table `primes`; None if it did not come to an end. In a process of its own, which takes a processor."""
    with tempfile.TemporaryFile("w+") as found:
        with subprocess.Popen(_PROGRAM, stdin=told, stdout=found, stderr=subprocess.DEVNULL) as process:
            for _ in range(round(PATIENCE / _LOOK)):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_LOOK)
                    break
                if stopped():
                    break
            process.kill()
        if process.returncode:
            if not stopped():
                _LOG.warning("moduli of RSA keys could not be compared; they are tried again")
            return None
        found.seek(0)
        lines = (line.split() for line in found)
        return [{"spki_sha256": min(pair), "other": max(pair), "bits": int(bits)} for *pair, bits in lines]


def read(connection: Connection, _now: float) -> list[Row]:
    """Pairs, each with each certificate of each of the two keys, and with each of its places."""
    c, s, p = certificates.c, sightings.c, primes.c
    pairs = select(p.spki_sha256, p.other, p.bits).order_by(p.spki_sha256, p.other).limit(MOST).subquery()
    either = (c.spki_sha256 == pairs.c.spki_sha256) | (c.spki_sha256 == pairs.c.other)
    columns = (c.sha256, c.subject, c.spki_sha256.label("key"), c.first_seen, c.last_seen, s.endpoint)
    statement = select(pairs, *columns).join(certificates, either).outerjoin(sightings, s.sha256 == c.sha256)
    order = statement.order_by(pairs.c.spki_sha256, pairs.c.other, c.sha256, s.endpoint).limit(MAX_ROWS)
    return [dict(row) for row in connection.execute(order).mappings()]


def judge(rows: Iterable[Row]) -> list[Verdict]:
    """One verdict for each pair."""
    pairs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        pairs[row["spki_sha256"], row["other"]].append(row)
    return [_judged(pair, those) for pair, those in pairs.items()]


def _judged(pair: tuple[str, str], rows: list[Row]) -> Verdict:
    endpoints = {row["endpoint"] for row in rows} - {None}
    subjects = {row["subject"] for row in rows}
    return Verdict(
        check=CHECK,
        severity="critical",
        title=f"RSA keys with a prime in common: anybody can have both private keys ({', '.join(some(subjects)[:2])})",
        endpoint=min(endpoints, default="(not told)"),
        observed={
            "keys": list(pair),
            "bits": rows[0]["bits"],
            "certificates": some({row["sha256"] for row in rows}),
            "subjects": some(subjects),
            "endpoints": some(endpoints),
        },
        key=list(pair),
        remediation="Replace both keys now, made on a machine with a seeded random number generator.",
        first_seen=min(row["first_seen"] for row in rows),
        last_seen=max(row["last_seen"] for row in rows),
        count=len({row["sha256"] for row in rows}),
    )

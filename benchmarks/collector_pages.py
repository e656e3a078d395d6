#!/usr/bin/env python3
"""Every page of the collector over a large store: how long it takes, and how much memory the collector has.

    .venv/bin/python benchmarks/collector_pages.py [--findings N] [--certificates N] [--url URL] [--keep FOLDER]

Makes the store (SQLite in a temporary folder, or the empty database that URL names), starts `transitproof collect` on
it and asks each page ROUNDS times over HTTP. Everything made in a temporary folder goes at the end.
"""

import argparse
import contextlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
from sqlalchemy import Connection, Engine, create_engine, text

sys.path.insert(0, str(Path(__file__).parents[1]))

from collector.fleet import shared_prime
from collector.fleet.batch_gcd import BATCH
from collector.store import counting
from collector.store.store import Store
from collector.store.tables import metadata

ROUNDS = 30
MODULI = shared_prime.MAX_MODULI + BATCH
PROBES, SITES, CHECKS, DAY = 1000, 20, 60, 86_400
HEAVY = ("findings", "certificates", "sightings", "traffic", "postures", "clients")
RECORD = (
    '"type":"finding","evidence":{"class":"observed","flows":["1:hc0ZIMHRHLybabgxC59GGOXp6ds="],"frames":[]},"remediation":"'
    + "x" * 420
    + '"}'
)

# `i` counts rows; the arithmetic spreads them. 8 in 10 findings are to be looked at, a hundredth is of the last day.
FINDINGS = """
INSERT INTO findings (probe_id, uid, check_id, status, severity, policy, rule, title, endpoint, name, first_seen, last_seen,
                      sightings, record, workflow, until, note, changed)
SELECT {div} + 1, {hash}, CASE WHEN i % 60 < 5 THEN 'ike.check' || (i % 60) WHEN i % 60 < 7 THEN 'dns.tunnel' WHEN i % 60 = 59 THEN 'pq.exposure' ELSE 'tls.check' || (i % 60) END,
       CASE WHEN i % 20 < 16 THEN 'fail' WHEN i % 20 < 19 THEN 'not_observable' ELSE 'pass' END,
       (i / 7) % 5, CASE i % 4 WHEN 0 THEN '' WHEN 1 THEN 'nist-sp-800-52r2' WHEN 2 THEN 'rfc9325' ELSE 'pci-dss-4' END, 'RULE-' || (i % 60),
       'Title of what is wrong, number ' || (i % 60) || ' of sixty', {endpoint}, 'host' || (i % {endpoints}) || '.example',
       {now} - (i * 7919) % 8640000, {now} - (i * 7919) % 8640000 + 60, 3,
       CASE WHEN i % 60 = 59 THEN '{{"bytes":' || (i % 100000) || ',' WHEN i % 60 IN (5, 6) THEN '{{"domain":"d' || (i % 4999) || '.example","client":"10.0.0.' || (i % 250) || '",' ELSE '{{' END || '{record}',
       CASE WHEN (i / 3) % 100 < 70 THEN 'open' WHEN (i / 3) % 100 < 90 THEN 'resolved' WHEN (i / 3) % 100 < 98 THEN 'acknowledged' ELSE 'suppressed' END,
       CASE WHEN (i / 3) % 100 >= 98 THEN {now} + 8640000 END, '', {now} - (i * 7919) % 8640000 + 60
FROM {numbers}"""
CERTIFICATES = """
INSERT INTO certificates (sha256, subject, issuer, not_before, not_after, spki_sha256, ca, record, first_seen, last_seen)
SELECT {hash}, 'CN=host' || i || '.example', 'CN=Issuing CA ' || (i % 50), {now} - 8640000, {now} + (i * 7919) % 34560000 - 864000,
       'key' || (i * 98 / 100), {false}, '{{' || '{record}', {now} - 8640000, {now} FROM {numbers}"""
SIGHTINGS = """
INSERT INTO sightings (sha256, probe_id, endpoint, name, first_seen, last_seen)
SELECT {hash}, i % 1000 + 1, {endpoint}, 'host' || (i * 98 / 100) || '.example', {now} - 8640000, {now} - i % 864000 FROM {numbers}"""
# One certificate in ten is seen by another probe too.
SEEN_AGAIN = SIGHTINGS.replace("i % 1000 + 1", "(i + 500) % 1000 + 1") + " WHERE i % 10 = 0"
TRAFFIC = """
INSERT INTO traffic (probe_id, start, span, endpoint, class, flows, bytes)
SELECT i / 5 % 1000 + 1, {hour} - (i / 5000) * 3600, 3600, '', {class_}, 10, 1000 FROM {numbers}"""
CARRIED = """
INSERT INTO traffic (probe_id, start, span, endpoint, class, flows, bytes)
SELECT i % 1000 + 1, {hour} - (i / 20000) * 3600, 3600, {carrier}, CASE WHEN i % 100 = 0 THEN 'ipsec' ELSE 'tls' END, 10, 1000 FROM {numbers}"""
POSTURES = """
INSERT INTO postures (probe_id, endpoint, name, digest, facts, first_seen, last_seen)
SELECT i % 1000 + 1, {endpoint}, '', 'd' || (i % 200), '{{"protocol":"tls","tls.version":"TLSv1.' || (i % 4) || '","tls.suite":"TLS_AES_' || (i % 50) || '"}}',
       {now}, {now} FROM {numbers}"""
CLIENTS = """
INSERT INTO clients (probe_id, endpoint, peer, class, flows, bytes, first_seen, last_seen)
SELECT i % 1000 + 1, {endpoint}, '10.9.' || (i % 250) || '.' || (i % 11), 'tls', 3, 4000, {now}, {now} FROM {numbers}"""
# One pair in ten is seen at its other end too, one in a thousand of them with other eyes.
OTHER_ENDS = (
    CLIENTS.replace("i % 1000 + 1", "(i + 500) % 1000 + 1").replace(
        "'tls', 3", "CASE WHEN i % 1000 = 0 THEN 'plaintext' ELSE 'tls' END, 3"
    )
    + " WHERE i % 10 = 0"
)


def fill(engine: Engine, findings: int, certificates: int, now: int) -> None:
    """Set by set, without triggers and indexes, which are made afterwards as a collector makes them."""
    is_sqlite = engine.dialect.name == "sqlite"
    endpoints = max(findings // 10, 1)
    words = {
        "now": now, "hour": now // 3600 * 3600, "record": RECORD, "endpoints": endpoints, "false": "0" if is_sqlite else "false",
        "div": f"i / {max(findings // PROBES, 1)}",
        "hash": "printf('%08x%024x', (i * 2654435761) & 0xffffffff, i)" if is_sqlite else "lpad(to_hex((i * 2654435761) & 4294967295), 8, '0') || lpad(to_hex(i), 24, '0')",
        "endpoint": f"CASE WHEN i % {endpoints} % 100 = 3 THEN '192.0.2.' || (i % {endpoints}) || '<->198.51.100.7/esp' ELSE '10.' || (i % {endpoints}) || '.7:443/tcp' END",
        "carrier": "'10.' || (i % 20000) || '.7:443/tcp'",
        "class_": "CASE i % 5 WHEN 0 THEN 'tls' WHEN 1 THEN 'ipsec' WHEN 2 THEN 'encrypted' WHEN 3 THEN 'plaintext' ELSE 'unknown' END",
    }  # fmt: skip
    sets = (
        (FINDINGS, findings), (CERTIFICATES, certificates), (SIGHTINGS, certificates), (SEEN_AGAIN, certificates),
        (TRAFFIC, 5 * PROBES * 24 * 32), (CARRIED, 20_000 * 48), (POSTURES, findings // 20), (CLIENTS, findings // 10), (OTHER_ENDS, findings // 10),
    )  # fmt: skip
    with engine.begin() as connection:
        for trigger in [
            f"{of}_{event}"
            for of in ("findings", "traffic", "certificates")
            for event in ("insert", "update", "delete")
        ]:
            table = "" if is_sqlite else f" ON {trigger.partition('_')[0]}"
            connection.execute(text(f"DROP TRIGGER {trigger}{table}"))
        connection.execute(text("DELETE FROM meta WHERE key = 'triggers'"))
        for table in HEAVY:
            for index in metadata.tables[table].indexes:
                index.drop(connection)
        rows = (
            f"({n + 1}, 's{n % SITES}', 'p{n}', '0.1', 'b1', true, {now}, {now + DAY}, 0, '{{}}', '{{}}', '{{}}')"
            for n in range(PROBES)
        )
        connection.execute(
            text(
                "INSERT INTO probes (id, site, probe, version, boot_id, online, first_seen, last_seen, missed, drops, health, state) VALUES "
                + ", ".join(rows).replace(":", "\\:")
            )
        )
        if not is_sqlite:
            connection.execute(text("SELECT setval('probes_id_seq', (SELECT max(id) FROM probes))"))
    for statement, count in sets:
        begun = time.perf_counter()
        series = (
            f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}) SELECT i FROM n"
        )
        numbers = f"({series})" if is_sqlite else f"generate_series(0, {count - 1}\\:\\:bigint) AS n(i)"
        with engine.begin() as connection:
            filled = statement.format(
                **{name: str(value).replace(":", "\\:") for name, value in words.items()}, numbers=numbers
            )
            connection.execute(text(filled.replace("{{", "{").replace("}}", "}")))
        _say(f"{statement.split()[2]}: {count:,} rows in {time.perf_counter() - begun:.0f} s")
    _moduli(engine, min(certificates, MODULI), now)
    begun = time.perf_counter()
    with engine.begin() as connection:
        for table in HEAVY:
            for index in metadata.tables[table].indexes:
                index.create(connection)
    _say(f"indexes in {time.perf_counter() - begun:.0f} s")
    begun = time.perf_counter()
    with engine.begin() as connection:
        counting.recount(connection)
        counting.install(connection)
    _say(f"counts in {time.perf_counter() - begun:.0f} s")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if not is_sqlite else "PRAGMA wal_checkpoint(TRUNCATE)"))


def _moduli(engine: Engine, count: int, now: int) -> None:
    """Numbers as long as moduli of RSA with 2048 bits. All but the last BATCH were compared before."""
    chance, begun = random.Random(2), time.perf_counter()
    with engine.begin() as connection:
        for first in range(0, count, BATCH):
            told = [
                {"key": f"key{n}", "modulus": f"{chance.getrandbits(2048) | 1 << 2047 | 1:0512x}", "seen": now - count + n,
                 "compared": n < count - BATCH}
                for n in range(first, min(first + BATCH, count))
            ]  # fmt: skip
            connection.execute(text("INSERT INTO moduli VALUES (:key, :modulus, :seen, :compared)"), told)
    _say(f"moduli: {count:,} rows in {time.perf_counter() - begun:.0f} s")


def pages(connection: Connection, chance: random.Random) -> dict[str, list[str]]:
    """Addresses by what they are called, several where it matters which."""
    uids = list(connection.execute(text("SELECT uid FROM findings LIMIT 1000")).scalars())
    shas = list(connection.execute(text("SELECT sha256 FROM certificates LIMIT 1000")).scalars())
    places = list(connection.execute(text("SELECT endpoint FROM endpoints LIMIT 3000")).scalars())

    def some(prefix: str, names: list[str]) -> list[str]:
        return [prefix + quote(name) for name in chance.sample(names, min(ROUNDS, len(names)))]

    lists = (
        "/", "/findings", "/findings?severity=critical", "/findings?check=tls.check44", "/findings?policy=rfc9325", "/findings?site=s7", "/findings?site=nowhere",
        "/findings?workflow=resolved", "/findings?workflow=resolved&policy=rfc9325", "/findings?workflow=all", "/findings?workflow=suppressed&check=tls.check44", "/findings?text=number+44",
        "/findings?text=nowhere", "/endpoints", "/endpoints?text=host77", "/endpoints?text=nowhere", "/certificates", "/certificates?text=host77",
        "/tunnels", "/dns", "/standards", "/standards?as_of=2030-01-01", "/probes", "/alerts", "/exports", "/metrics", "/api/v1/summary",
        "/api/v1/findings?limit=500", "/api/v1/findings?limit=500&format=csv", "/api/v1/endpoints?limit=500", "/api/v1/certificates?limit=500",
    )  # fmt: skip
    found = {name: [name] * ROUNDS for name in lists}
    return found | {
        "/findings/UID": some("/findings/", uids),
        "/endpoints/ENDPOINT": some("/endpoints/", places),
        "/certificates/SHA256": some("/certificates/", shas),
    }


def measure(client: httpx.Client, name: str, addresses: list[str], pid: int) -> float:
    """p95 in ms; prints the line of the table."""
    times, before = [], _cpu(pid)
    for address in addresses:
        answer, took = _ask(client, address)
        times.append(took)
        if answer.status_code != 200:
            _say(f"{name}: {answer.status_code}")
    times.sort()
    p95 = times[int(len(times) * 0.95) - 1] if len(times) > 1 else times[0]
    cpu = (_cpu(pid) - before) / len(times)
    print(f"| `{name}` | {cpu:.0f} | {times[len(times) // 2]:.0f} | {p95:.0f} | {times[-1]:.0f} |", flush=True)
    return p95


def _ask(client: httpx.Client, address: str, **parameters: str) -> tuple[httpx.Response, float]:
    """The answer and its milliseconds. A collector that is asked too quickly says so, and is waited for."""
    while True:
        begun = time.perf_counter()
        answer = client.get(address, params=parameters or None)
        took = (time.perf_counter() - begun) * 1000
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return answer, took
        time.sleep(float(answer.headers["Retry-After"]))


def _cpu(pid: int) -> float:
    """Milliseconds of processor that the collector has used: what others do on the machine is not in it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def deep(client: httpx.Client) -> float:
    """Page after page of all findings."""
    times, after = [], ""
    for _ in range(200):
        answer, took = _ask(client, "/api/v1/findings", limit="500", after=after, workflow="all")
        after = answer.json()["next"]
        times.append(took)
    times.sort()
    print(f"| 200 pages of 500 rows, one behind the other | | {times[100]:.0f} | {times[189]:.0f} | {times[-1]:.0f} |")
    return times[189]


@contextlib.contextmanager
def collector(url: str, folder: Path) -> Iterator[tuple[str, int]]:
    """The real program; its address and process."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        listen = "{}:{}".format(*chosen.getsockname())
    (folder / "bench.toml").write_text(f'[store]\nurl = "{url}"\n[web]\nlisten = "{listen}"\n')
    command = [str(Path(sys.executable).parent / "transitproof"), "collect", "--config", str(folder / "bench.toml")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(folder / "log").open("w"))
    try:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://{listen}/healthz")
                break
            time.sleep(0.1)
        yield f"http://{listen}", process.pid
    finally:
        process.terminate()
        process.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=10_000_000)
    parser.add_argument("--certificates", type=int, default=1_000_000)
    parser.add_argument("--url", help="an empty database; it is left full")
    parser.add_argument("--keep", help="a folder for the SQLite file, used again if it is there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tp-bench-") as temporary:
        folder = Path(asked.keep or temporary)
        folder.mkdir(exist_ok=True)
        url = asked.url or f"sqlite:///{folder}/collector.db"
        Store(url).close()
        engine = create_engine(url)
        with engine.connect() as connection:
            full = connection.execute(text("SELECT 1 FROM findings LIMIT 1")).first()
        if full is None:
            fill(engine, asked.findings, asked.certificates, int(time.time()))
        with engine.connect() as connection:
            addresses = pages(connection, random.Random(1))
        engine.dispose()
        print("| page | CPU ms | p50 ms | p95 ms | most ms |\n|---|---:|---:|---:|---:|")
        with collector(url, Path(temporary)) as (address, pid), httpx.Client(base_url=address, timeout=120) as client:
            client.get("/")
            worst = max([*(measure(client, name, some, pid) for name, some in addresses.items()), deep(client)])
            peak = next(
                line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")
            )
        print(f"\nslowest p95 {worst:.0f} ms; memory of the collector at most {int(peak.split()[1]) // 1024} MB")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())

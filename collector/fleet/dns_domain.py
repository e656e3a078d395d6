"""fleet.dns_domain: several hosts ask in the same odd way for names below one domain

Meaning: findings of dns.tunnel, dns.beacon or dns.random_names about one registered domain, with more than one
client.

Evidence: those findings, whichever probes they are from (inferred). Behind a resolver that all share, probes see the
resolver as the only client.

Why it matters: one host may have an odd program; several with the same domain are an outbreak, or a service of which
somebody should know.

How to fix: look at all of the hosts listed, not only at one; block the domain at the resolvers if nobody knows it.

Reference: MITRE ATT&CK T1071.004 (application layer protocol: DNS), T1572 (protocol tunneling).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, select

from collector.fleet.verdict import Row, Verdict, some
from collector.queries import is_open
from collector.store.rows import SEVERITIES
from collector.store.tables import findings

CHECK: Final = "fleet.dns_domain"
ABOUT: Final = ("dns.tunnel", "dns.beacon", "dns.random_names")
MAX_ROWS: Final = 7_000  # findings of each of these, the worst first, then the latest; together some 40 MB


def read(connection: Connection, _now: float) -> Iterator[Row]:
    """Open findings about a domain."""
    f = findings.c
    columns = (f.check_id, f.severity, f.endpoint, f.record, f.first_seen, f.last_seen)
    for check in ABOUT:  # one by one: each is a part of an index, in its order
        latest = select(*columns).where(f.check_id == check, is_open())
        order = latest.order_by(f.severity.desc(), f.last_seen.desc(), f.uid.desc(), f.probe_id.desc())
        yield from map(dict, connection.execute(order.limit(MAX_ROWS)).mappings())


def judge(rows: Iterable[Row]) -> list[Verdict]:
    """One verdict for each domain."""
    domains: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        record = json.loads(row["record"])
        domain, client = record.get("domain"), record.get("client")
        if isinstance(domain, str) and isinstance(client, str) and domain and client:
            domains[domain[:255]].append({**row, "client": client[:64]})
    return [_judged(domain, those) for domain, those in domains.items() if len({row["client"] for row in those}) > 1]


def _judged(domain: str, rows: list[Row]) -> Verdict:
    clients = {row["client"] for row in rows}
    return Verdict(
        check=CHECK,
        severity=SEVERITIES[max(row["severity"] for row in rows)],
        title=f"{len(clients)} hosts ask in the same odd way for names below {domain}",
        endpoint=min(row["endpoint"] for row in rows),
        name=domain,
        observed={
            "domain": domain,
            "clients": some(clients),
            "checks": sorted({row["check_id"] for row in rows}),
            "resolvers": some({row["endpoint"] for row in rows}),
        },
        key=[domain],
        remediation="Look at all of these hosts; block the domain at the resolvers if nobody knows it.",
        first_seen=min(row["first_seen"] for row in rows),
        last_seen=max(row["last_seen"] for row in rows),
        count=len(clients),
    )

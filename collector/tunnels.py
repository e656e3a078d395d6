"""What pages ask of tunnels: pairs of peers as their probes told of them last, and places where IPsec was spoken."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, desc, func, or_, select

from collector.queries import DAY, MAX_PAGE, Row, open_now
from collector.store.tables import findings, probes, traffic, tunnels

CHECKS: Final = ("ike", "esp", "ipsec", "ah", "vpn")


def pairs(connection: Connection, now: float, limit: int = MAX_PAGE) -> list[Row]:
    """Pairs of peers, the worst open findings first: what was negotiated, what went through, for how long."""
    statement = (
        select(tunnels, probes.c.site, probes.c.probe)
        .join(probes, probes.c.id == tunnels.c.probe_id)
        .order_by(desc(tunnels.c.last_seen))
        .limit(limit)
    )
    found = [dict(row) for row in connection.execute(statement).mappings()]
    against = _against(connection, now, {row["peers"] for row in found})
    rows = [_pair(row, against.get(row["peers"], (0, -1))) for row in found]
    return sorted(rows, key=lambda row: (-row["worst"], -row["last_seen"], row["peers"]))


def _against(connection: Connection, now: float, wanted: set[str]) -> dict[str, tuple[int, int]]:
    """Open findings and the worst severity, by peers in the order of text."""
    statement = (
        select(findings.c.endpoint, func.count(), func.max(findings.c.severity))
        .where(open_now(now), findings.c.endpoint.like("%<->%"))
        .group_by(findings.c.endpoint)
        .limit(MAX_PAGE * 4)
    )
    told: dict[str, tuple[int, int]] = {}
    for endpoint, count, worst in connection.execute(statement):
        peers = "<->".join(sorted(endpoint.rpartition("/")[0].split("<->")))
        if peers in wanted:
            before = told.get(peers, (0, -1))
            told[peers] = (before[0] + count, max(before[1], worst))
    return told


def _pair(row: Row, against: tuple[int, int]) -> Row:
    record = json.loads(row["record"])
    return {
        **{name: row[name] for name in ("site", "probe", "bytes", "first_seen", "last_seen")},
        "peers": row["peers"],
        "between": [str(peer) for peer in record.get("peers", [])],
        "ike": _ike(_object(record.get("ike"))),
        "esp": _esp(_object(record.get("esp")), _object(record.get("ah"))),
        "open": against[0],
        "worst": against[1],
    }


def _ike(ike: Mapping[str, Any]) -> str:
    """As in the table of a replay; empty if none was seen."""
    if not ike:
        return ""
    chosen = _object(ike.get("chosen"))
    bits = f"-{chosen['key_length']}" if chosen.get("key_length") else ""
    encr = f"{str(chosen.get('encr', '')).removeprefix('ENCR_')}{bits}"
    return _words(f"v{ike.get('version', '?')}", ike.get("mode"), encr, chosen.get("ke"), ike.get("authentication"))


def _esp(esp: Mapping[str, Any], ah: Mapping[str, Any]) -> str:
    if not esp:
        return "AH" if ah else ""
    word = "ESP without encryption" if esp.get("null_encryption") else "ESP"
    sent = esp.get("packets")
    one_way = isinstance(sent, list) and len(sent) == 2 and 0 in sent
    return _words(word, esp.get("inferred_cipher"), "one way" if one_way else "")


def _words(*parts: object) -> str:
    return " ".join(str(part) for part in parts if part)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def places(connection: Connection, now: float, limit: int = MAX_PAGE) -> list[Row]:
    """Endpoints of IPsec with their traffic of the last day and their open findings."""
    c = traffic.c
    carried = (
        select(
            c.endpoint,
            func.sum(c.bytes).label("bytes"),
            func.sum(c.flows).label("flows"),
            func.min(c.start).label("start"),
        )
        .where(c["class"] == "ipsec", c.endpoint != "", c.start >= int(now - DAY))
        .group_by(c.endpoint)
        .order_by(desc("bytes"))
        .limit(limit)
    )
    rows = {row["endpoint"]: {**row, "open": 0, "worst": -1} for row in connection.execute(carried).mappings()}
    area = or_(*(findings.c.check_id.like(f"{name}.%") for name in CHECKS))
    found = select(findings.c.endpoint, func.count().label("open"), func.max(findings.c.severity).label("worst"))
    for row in connection.execute(
        found.where(area, open_now(now)).group_by(findings.c.endpoint).limit(limit)
    ).mappings():
        rows.setdefault(row["endpoint"], {"endpoint": row["endpoint"], "bytes": 0, "flows": 0, "start": None}).update(
            row
        )
    return sorted(rows.values(), key=lambda row: (-row["worst"], -int(row["bytes"]), row["endpoint"]))

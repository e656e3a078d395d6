"""What pages ask of tunnels: pairs of peers as their probes told of them last, and places where IPsec was spoken."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Double, cast, desc, func, select
from sqlalchemy import text as sql

from collector.paging import MAX_PAGE, Row
from collector.queries import DAY, ranked
from collector.store.tables import endpoints, hours, probes, tunnels


def pairs(connection: Connection, limit: int = MAX_PAGE) -> list[Row]:
    """Pairs of peers, the worst open findings first: what was negotiated, what went through, for how long."""
    statement = (
        select(tunnels, probes.c.site, probes.c.probe)
        .join(probes, probes.c.id == tunnels.c.probe_id)
        .order_by(desc(tunnels.c.last_seen))
        .limit(limit)
    )
    found = [dict(row) for row in connection.execute(statement).mappings()]
    against = _against(connection, {row["peers"] for row in found})
    rows = [_pair(row, against.get(row["peers"], (0, -1))) for row in found]
    return sorted(rows, key=lambda row: (-row["worst"], -row["last_seen"], row["peers"]))


def _against(connection: Connection, wanted: set[str]) -> dict[str, tuple[int, int]]:
    """Open findings and the worst severity, by peers in the order of text."""
    told: dict[str, tuple[int, int]] = {}
    for row in _objected(connection, MAX_PAGE * 4):
        peers = "<->".join(sorted(row["endpoint"].rpartition("/")[0].split("<->")))
        if peers in wanted:
            before = told.get(peers, (0, -1))
            told[peers] = (before[0] + row["open"], max(before[1], row["worst"]))
    return told


def _objected(connection: Connection, limit: int) -> list[Row]:
    """Endpoints with open findings of IPsec, the worst first."""
    e = endpoints.c
    statement = select(e.endpoint, e.ipsec, e.rank).where(sql("ipsec > 0"))
    rows = connection.execute(statement.order_by(e.rank, e.endpoint).limit(limit))
    return [{"endpoint": endpoint, "open": count, "worst": ranked(rank)[0]} for endpoint, count, rank in rows]


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
    h = hours.c
    sums = (func.sum(cast(column, Double)).label(column.name) for column in (h.bytes, h.flows))
    carried = (
        select(h.endpoint, *sums, func.min(h.start).label("start"))
        .where(sql("class = 'ipsec'"), h.endpoint != "", h.start >= int(now - DAY) // 3600 * 3600)
        .group_by(h.endpoint)
        .order_by(desc("bytes"))
        .limit(limit)
    )
    rows = {row["endpoint"]: {**row, "open": 0, "worst": -1} for row in connection.execute(carried).mappings()}
    for row in _objected(connection, limit):
        empty = {"bytes": 0, "flows": 0, "start": None}
        rows.setdefault(row["endpoint"], {"endpoint": row["endpoint"], **empty}).update(row)
    return sorted(rows.values(), key=lambda row: (-row["worst"], -int(row["bytes"]), row["endpoint"]))

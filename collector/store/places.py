"""What rollups say of places: how endpoints protect what they carry (postures), and who uses them (clients). Pure.

Postures and certificates shown come with a rollup's `changes`, clients with its `pairs` (docs/records.md).
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from collector.store.rows import whole

SIGHTING_KEYS: Final = ("sha256", "probe_id", "endpoint", "name")
POSTURE_KEYS: Final = ("probe_id", "endpoint", "name", "digest")
CLIENT_KEYS: Final = ("probe_id", "endpoint", "peer", "class")
MAX_FACTS: Final = 32  # of a posture; probes tell 14
_SHOWN: Final = (str, int, bool)

Row = dict[str, Any]


def postures(probe: int, item: Row, when: float) -> list[Row]:
    """One row for each place and what it does now. `when`: the interval's end."""
    rows = {}
    for change in _dicts(item.get("changes")):
        endpoint, name, facts = change.get("endpoint"), change.get("name"), _facts(change.get("after"))
        if not isinstance(endpoint, str) or not endpoint or not facts:
            continue
        text = json.dumps(facts, sort_keys=True, separators=(",", ":")).replace("\\u0000", "\\ufffd")
        row = {
            "probe_id": probe,
            "endpoint": _short(endpoint, 200),
            "name": _short(name, 255) if isinstance(name, str) else "",
            "digest": hashlib.sha256(text.encode()).hexdigest()[:32],
            "facts": text,
            "first_seen": when,
            "last_seen": when,
        }
        rows[tuple(row[key] for key in POSTURE_KEYS)] = row
    return list(rows.values())


def shown(probe: int, item: Row, when: float) -> list[Row]:
    """Of table `sightings`: which certificate a place showed that it had not shown before."""
    rows = {}
    for change in _dicts(item.get("changes")):
        endpoint, name, sha256 = change.get("endpoint"), change.get("name"), change.get("certificate")
        if isinstance(endpoint, str) and endpoint and isinstance(sha256, str) and sha256:
            row = {
                "sha256": _short(sha256, 64),
                "probe_id": probe,
                "endpoint": _short(endpoint, 200),
                "name": _short(name, 255) if isinstance(name, str) else "",
                "first_seen": when,
                "last_seen": when,
            }
            rows[tuple(row[key] for key in SIGHTING_KEYS)] = row
    return list(rows.values())


def clients(probe: int, item: Row, when: float) -> list[Row]:
    """One row for each pair that is a client and what it uses."""
    rows: dict[tuple[Any, ...], Row] = {}
    for pair in _dicts(item.get("pairs")):
        endpoint, peer, carried = pair.get("endpoint"), pair.get("peer"), pair.get("bytes")
        if not (isinstance(endpoint, str) and endpoint and isinstance(peer, str) and isinstance(carried, list)):
            continue
        key = (probe, _short(endpoint, 200), _short(peer, 64), _short(str(pair.get("class", "")), 20))
        empty = {"flows": 0, "bytes": 0, "first_seen": when, "last_seen": when}
        row = rows.setdefault(key, {**dict(zip(CLIENT_KEYS, key, strict=True)), **empty})
        row["flows"] += whole(pair.get("flows"))
        row["bytes"] += sum(map(whole, carried))
    return list(rows.values())


def _facts(after: object) -> Row:
    if not isinstance(after, dict):
        return {}
    kept = [(name, value) for name, value in after.items() if isinstance(value, _SHOWN)]
    return {
        _short(name, 40): _short(value, 200) if isinstance(value, str) else value for name, value in kept[:MAX_FACTS]
    }


def _dicts(value: object) -> Iterator[Row]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _short(text: str, most: int) -> str:
    return text.replace("\0", "\ufffd")[:most]

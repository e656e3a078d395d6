"""Items of envelopes as rows of tables. Pure: an item becomes a row, or None if it lacks what its kind must have."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from collector.times import seconds

SEVERITIES: Final = ("info", "low", "medium", "high", "critical")
DAY: Final = 86_400
MOST: Final = 1 << 48  # of anything that is counted in one report: 37 terabit a second for a minute
MAX_RESOLVED: Final = 10_000  # findings that one rollup may end: more than a host has
MAX_LATE: Final = 86_400.0  # seconds after which an envelope no longer says that its probe is alive
MAX_FUTURE: Final = 86_400.0  # seconds that a probe's clock may be ahead before its times are held back

_MODULUS: Final = re.compile(r"(?:[0-9a-f]{2}){64,2048}")  # of 512 bits to the 16,384 with which OpenSSL works

Row = dict[str, Any]
Item = dict[str, Any]


def finding(probe: int, item: Item, now: float) -> Row | None:
    """Of table `findings`."""
    uid, severity = text(item, "uid", 64), item.get("severity")
    if not (uid and isinstance(item.get("check"), str) and severity in SEVERITIES):
        return None
    last = _time(item.get("last_seen"), now)
    resolved = item.get("resolved") is True or item.get("status") == "pass"
    return {
        "probe_id": probe,
        "uid": uid,
        "check_id": text(item, "check", 80),
        "status": text(item, "status", 20),
        "severity": SEVERITIES.index(severity),
        "policy": text(item, "policy", 80),
        "rule": text(item, "rule", 80),
        "title": text(item, "title", 500),
        "endpoint": text(item, "endpoint", 200),
        "name": text(item, "name", 255),
        "first_seen": min(_time(item.get("first_seen"), now), last),
        "last_seen": last,
        "sightings": whole(item.get("count")),
        "record": dump(item),
        "workflow": "resolved" if resolved else "open",
        "note": "",
        "changed": now,
    }


def sighting(item: Item, row: Row) -> Row | None:
    """Of table `sightings`, from a finding and its row: one about a certificate says where it was shown."""
    observed = item.get("observed")
    sha256 = text(observed, "sha256", 64) if isinstance(observed, dict) else ""
    if not sha256:
        return None
    told = {name: row[name] for name in ("probe_id", "endpoint", "name", "first_seen", "last_seen")}
    return {"sha256": sha256, **told}


def certificate(_probe: int, item: Item, now: float) -> Row | None:
    """Of table `certificates`."""
    sha256 = text(item, "sha256", 64)
    if not sha256:
        return None
    return {
        "sha256": sha256,
        "subject": text(item, "subject", 1000),
        "issuer": text(item, "issuer", 1000),
        "not_before": seconds(item.get("not_before"), 0.0) or None,
        "not_after": seconds(item.get("not_after"), 0.0) or None,
        "spki_sha256": text(item, "spki_sha256", 64),
        "ca": item.get("ca") is True,
        "record": dump(item),
        "first_seen": _time(item.get("first_seen"), now),
        "last_seen": _time(item.get("last_seen"), now),
    }


def modulus(item: Item, row: Row) -> Row | None:
    """Of table `moduli`, from a certificate and its row: the modulus of a server's RSA key."""
    told = item.get("key_modulus")
    if row["ca"] or not row["spki_sha256"] or not isinstance(told, str) or not _MODULUS.fullmatch(told):
        return None
    return {"spki_sha256": row["spki_sha256"], "modulus": told, "seen": row["last_seen"], "compared": False}


def tunnel(probe: int, item: Item, now: float) -> Row | None:
    """Of table `tunnels`."""
    peers, carried = item.get("peers"), item.get("bytes")
    if not (isinstance(peers, list) and len(peers) == 2 and all(isinstance(peer, str) for peer in peers)):
        return None
    return {
        "probe_id": probe,
        "peers": text({"": "<->".join(sorted(peers))}, "", 200),
        "bytes": sum(map(whole, carried)) if isinstance(carried, list) else 0,
        "record": dump(item),
        "first_seen": _time(item.get("start"), now),
        "last_seen": _time(item.get("end"), now),
    }


def traffic(probe: int, item: Item, now: float) -> Iterator[Row]:
    """Of table `traffic`, from a rollup."""
    start = _time(item.get("start"), now)
    span = min(max(1, round(_time(item.get("end"), now) - start)), DAY)
    for endpoint, name, flows, size in _carried(item):
        yield {
            "probe_id": probe,
            "start": int(start),
            "span": span,
            "endpoint": endpoint,
            "class": name[:20],
            "flows": flows,
            "bytes": size,
        }


def ended(item: Item, now: float) -> float:
    """When the interval of a rollup ended."""
    return _time(item.get("end"), now)


def resolved(item: Item) -> list[str]:
    """The uids of findings that a rollup says are over, at most MAX_RESOLVED."""
    told = item.get("findings")
    uids = told.get("resolved_uids") if isinstance(told, dict) else None
    return [text({"": uid}, "", 64) for uid in uids[:MAX_RESOLVED]] if isinstance(uids, list) else []


def _carried(item: dict[str, Any]) -> Iterator[tuple[str, str, int, int]]:
    """Endpoint ("" for the whole host), class, flows and bytes of a rollup."""
    classes = item.get("by_class")
    for name, counts in classes.items() if isinstance(classes, dict) else ():
        if isinstance(counts, dict):
            yield "", name, whole(counts.get("flows")), whole(counts.get("bytes"))
    pairs = item.get("pairs")
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and isinstance(pair.get("bytes"), list):
            size = sum(whole(count) for count in pair["bytes"])
            yield text(pair, "endpoint", 200), text(pair, "class", 20), whole(pair.get("flows")), size


def text(item: dict[str, Any], name: str, most: int) -> str:
    """A member that is text, cut."""
    value = item.get(name)
    # PostgreSQL has no NUL in text.
    return value.replace("\0", "\ufffd")[:most] if isinstance(value, str) else ""


def whole(value: object) -> int:
    """A count, 0 for what is none, held at MOST."""
    return min(max(value, 0), MOST) if isinstance(value, int) and not isinstance(value, bool) else 0


def dump(value: object) -> str:
    """As JSON text that every engine takes."""
    return encoded(value).replace("\\u0000", "\\ufffd")  # PostgreSQL has no NUL in text


def encoded(value: object) -> str:
    """As JSON text."""
    try:
        return msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, OverflowError):  # lone surrogates, numbers of more than 64 bits: a tenth as fast
        return json.dumps(value, separators=(",", ":"))


def _time(told: object, now: float) -> float:
    """A probe's time; one that has not come yet is held back, so that it cannot block what comes after it."""
    return min(seconds(told, now), now + MAX_FUTURE)


Reader = Callable[[int, Item, float], Row | None]

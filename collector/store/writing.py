"""Batches of messages into the tables, one transaction each: all of a batch is kept, or none."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Table, and_, case, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from collector.messages import Aside, Envelope, State, is_whole
from collector.store.tables import aside, certificates, findings, probes, received, sightings, streams, traffic, tunnels
from collector.times import seconds

SEVERITIES: Final = ("info", "low", "medium", "high", "critical")
WINDOW: Final = 10_000  # sequence numbers that may be outstanding in one stream; older gaps are given up and counted
MAX_ASIDE: Final = 10_000  # messages kept aside; the oldest go first
DAY: Final = 86_400  # seconds
MAX_FUTURE: Final = 86_400.0  # seconds that a probe's clock may be ahead before its times are held back
_WORDS: Final = ("open", "acknowledged", "suppressed", "resolved")


class Account(Struct):
    """What became of a batch."""

    envelopes: int = 0
    items: int = 0
    duplicates: int = 0
    states: int = 0
    aside: int = 0
    refused: int = 0
    """Items without what their kind must have; their envelope is kept aside too."""


class Writer:
    """Applies batches. One at a time: SQLite has one writer, PostgreSQL locks the probe's row."""

    def __init__(self, connection: Connection, now: float) -> None:
        self._connection, self._now = connection, now
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        self.account = Account()

    def apply(self, messages: Iterable[Envelope | State | Aside]) -> Account:
        """All of them, in their order."""
        for message in messages:
            match message:
                case Envelope():
                    self._envelope(message)
                case State():
                    self._state(message)
                case Aside():
                    self._aside(message)
        return self.account

    def _envelope(self, envelope: Envelope) -> None:
        probe = self._probe(envelope.probe.site, envelope.probe.id, envelope.probe.version, envelope)
        if not self._is_new(probe, envelope):
            self.account.duplicates += 1
            return
        self.account.envelopes += 1
        keep = {
            "finding": self._findings,
            "certificate": self._certificates,
            "rollup": self._rollups,
            "tunnel": self._tunnels,
        }
        if envelope.kind == "health":
            self._health(probe, envelope.items)
        elif envelope.kind in keep:  # flows and summaries are for other readers of the broker
            keep[envelope.kind](probe, envelope.items)
        self.account.items += len(envelope.items)

    def _probe(self, site: str, name: str, version: str, envelope: Envelope | None) -> int:
        """Its number; makes or renews its row, which also makes collectors take turns for one probe."""
        row = {"site": site, "probe": name, "first_seen": self._now, "last_seen": self._now}
        renewed: dict[str, Any] = {"last_seen": self._now}
        if envelope is not None:
            told = {"version": version[:40], "boot_id": envelope.boot_id[:64], "drops": _dump(envelope.drops)}
            row |= told
            renewed |= told
        statement = self._dialect.insert(probes).values(**row)
        statement = statement.on_conflict_do_update(index_elements=["site", "probe"], set_=renewed)
        return int(self._connection.execute(statement.returning(probes.c.id)).scalar_one())

    def _is_new(self, probe: int, envelope: Envelope) -> bool:
        """Whether this sequence number was not met before in this boot of the probe.

        Numbers are kept only above the one up to which all came, and at most WINDOW of them.
        """
        boot, seq = envelope.boot_id[:64], envelope.seq
        statement = self._dialect.insert(streams).values(
            probe_id=probe, boot_id=boot, low=-1, high=-1, last_seen=self._now
        )
        self._connection.execute(statement.on_conflict_do_nothing())
        where = and_(streams.c.probe_id == probe, streams.c.boot_id == boot)
        stream = self._connection.execute(select(streams).where(where)).one()
        if seq <= stream.low:
            return False
        number = self._dialect.insert(received).values(stream_id=stream.id, seq=seq, part=envelope.part)
        if self._connection.execute(number.on_conflict_do_nothing()).rowcount == 0:
            return False
        low, high, given_up = self._swept(stream, seq)
        changed = {"low": low, "high": high, "given_up": stream.given_up + given_up, "last_seen": self._now}
        self._connection.execute(update(streams).where(streams.c.id == stream.id).values(**changed))
        if low != stream.low:
            self._connection.execute(
                delete(received).where(and_(received.c.stream_id == stream.id, received.c.seq <= low))
            )
        if given_up:
            self._connection.execute(
                update(probes).where(probes.c.id == probe).values(missed=probes.c.missed + given_up)
            )
        return True

    def _swept(self, stream: Any, seq: int) -> tuple[int, int, int]:  # noqa: ANN401 - a row of streams
        """Up to where all came, the highest that came, and how many were given up on the way."""
        low, high, given_up = stream.low, max(stream.high, seq), 0
        where = select(received.c.seq, received.c.part).where(received.c.stream_id == stream.id)
        parts: dict[int, set[str]] = {}
        for met, part in self._connection.execute(where.order_by(received.c.seq)):
            parts.setdefault(met, set()).add(part)
        for met, those in parts.items():
            whole, late = is_whole(those), high - met >= WINDOW
            if not (met == low + 1 and whole) and not late:
                break
            given_up += met - low - 1 + (not whole)
            low = met
        return low, high, given_up

    def _upsert(self, table: Table, keys: Sequence[str], rows: list[dict[str, Any]], newest: str | None = None) -> None:
        """Insert or replace; only where the row is not older than what there is, by the column `newest`."""
        if not rows:
            return
        names = list(rows[0])
        statement, parameters = self._dialect.insert(table), rows
        if self._dialect is postgresql:
            # One statement and one parameter for all rows: its drivers send rows one by one.
            source = text(f"SELECT {', '.join(names)} FROM json_populate_recordset(NULL::{table.name}, :rows)")  # noqa: S608 - names of our own columns
            statement = statement.from_select(names, source.columns(*(table.c[name] for name in names)))
            parameters = [{"rows": json.dumps(rows)}]
        values = {name: self._kept(table, name, statement) for name in names if name not in {*keys, "note"}}
        condition = None if newest is None else statement.excluded[newest] >= table.c[newest]
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=values, where=condition)
        self._connection.execute(statement, parameters)

    def _kept(self, table: Table, name: str, statement: Any) -> Any:  # noqa: ANN401 - an expression
        """What a column is after a conflict: first times stay, what people decided stays unless the finding is over."""
        old, new = table.c[name], statement.excluded[name]
        if name == "first_seen":
            return (func.min if self._dialect is sqlite else func.least)(old, new)
        if table is traffic and name in {"flows", "bytes"}:
            return old + new
        if name == "workflow":
            return case((new == "resolved", new), (old == "resolved", new), else_=old)
        return new

    def _findings(self, probe: int, items: list[dict[str, Any]]) -> None:
        rows = {}
        for item in items:
            row = self._finding(probe, item)
            if row is not None:
                rows[row["uid"]] = row  # of two in one envelope the later
        self._upsert(findings, ("probe_id", "uid"), list(rows.values()), "last_seen")
        self._see(probe, [(item, row) for item in items if (row := rows.get(str(item.get("uid")))) is not None])

    def _see(self, probe: int, told: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
        """Findings about a certificate say where it was shown."""
        rows = {}
        for item, row in told:
            observed = item.get("observed")
            sha256 = _text(observed, "sha256", 64) if isinstance(observed, dict) else ""
            if sha256:
                times = {name: row[name] for name in ("name", "first_seen", "last_seen")}
                rows[sha256, row["endpoint"]] = {
                    "sha256": sha256,
                    "probe_id": probe,
                    "endpoint": row["endpoint"],
                    **times,
                }
        self._upsert(sightings, ("sha256", "probe_id", "endpoint"), list(rows.values()))

    def _finding(self, probe: int, item: dict[str, Any]) -> dict[str, Any] | None:
        uid, check, severity = item.get("uid"), item.get("check"), item.get("severity")
        if not (isinstance(uid, str) and isinstance(check, str) and severity in SEVERITIES and uid):
            self._refuse(item, "a finding without uid, check or severity")
            return None
        last = self._time(item.get("last_seen"))
        resolved = item.get("resolved") is True or item.get("status") == "pass"
        return {
            "probe_id": probe,
            "uid": uid[:64],
            "check_id": check[:80],
            "status": _text(item, "status", 20),
            "severity": SEVERITIES.index(severity),
            "policy": _text(item, "policy", 80),
            "rule": _text(item, "rule", 80),
            "title": _text(item, "title", 500),
            "endpoint": _text(item, "endpoint", 200),
            "name": _text(item, "name", 255),
            "first_seen": min(self._time(item.get("first_seen")), last),
            "last_seen": last,
            "sightings": _whole(item.get("count")),
            "record": _dump(item),
            "workflow": "resolved" if resolved else "open",
            "note": "",
            "changed": self._now,
        }

    def _certificates(self, _probe: int, items: list[dict[str, Any]]) -> None:
        rows = {}
        for item in items:
            sha256 = item.get("sha256")
            if not isinstance(sha256, str) or not sha256:
                self._refuse(item, "a certificate without sha256")
                continue
            rows[sha256] = {
                "sha256": sha256[:64],
                "subject": _text(item, "subject", 1000),
                "issuer": _text(item, "issuer", 1000),
                "not_before": seconds(item.get("not_before"), 0.0) or None,
                "not_after": seconds(item.get("not_after"), 0.0) or None,
                "spki_sha256": _text(item, "spki_sha256", 64),
                "ca": item.get("ca") is True,
                "record": _dump(item),
                "first_seen": self._time(item.get("first_seen")),
                "last_seen": self._time(item.get("last_seen")),
            }
        self._upsert(certificates, ("sha256",), list(rows.values()))

    def _rollups(self, probe: int, items: list[dict[str, Any]]) -> None:
        """Counts add up: an envelope is taken once, and an interval may come in parts."""
        sums: dict[tuple[int, int, str, str], list[int]] = {}
        for item in items:
            start = self._time(item.get("start"))
            span = min(max(1, round(self._time(item.get("end")) - start)), DAY)
            for endpoint, name, flows, size in _carried(item):
                row = sums.setdefault((int(start), span, endpoint, name[:20]), [0, 0])
                row[0], row[1] = row[0] + flows, row[1] + size
            self._resolved(probe, item)
        keys = ("probe_id", "start", "span", "endpoint", "class")
        rows = [
            {**dict(zip(keys, (probe, *key), strict=True)), "flows": flows, "bytes": size}
            for key, (flows, size) in sums.items()
        ]
        self._upsert(traffic, keys, rows)

    def _tunnels(self, probe: int, items: list[dict[str, Any]]) -> None:
        rows = {}
        for item in items:
            peers = item.get("peers")
            if not (isinstance(peers, list) and len(peers) == 2 and all(isinstance(peer, str) for peer in peers)):
                self._refuse(item, "a tunnel without its two peers")
                continue
            both, carried = _text({"": "<->".join(sorted(peers))}, "", 200), item.get("bytes")
            rows[both] = {
                "probe_id": probe,
                "peers": both,
                "bytes": sum(map(_whole, carried)) if isinstance(carried, list) else 0,
                "record": _dump(item),
                "first_seen": self._time(item.get("start")),
                "last_seen": self._time(item.get("end")),
            }
        self._upsert(tunnels, ("probe_id", "peers"), list(rows.values()), "last_seen")

    def _resolved(self, probe: int, item: dict[str, Any]) -> None:
        """What the probe has not seen for so long that it is over."""
        told = item.get("findings")
        uids = told.get("resolved_uids") if isinstance(told, dict) else None
        if isinstance(uids, list) and uids:
            which = and_(
                findings.c.probe_id == probe, findings.c.uid.in_([uid for uid in uids if isinstance(uid, str)])
            )
            self._connection.execute(update(findings).where(which).values(workflow="resolved", changed=self._now))

    def _health(self, probe: int, items: list[dict[str, Any]]) -> None:
        if items:
            self._connection.execute(update(probes).where(probes.c.id == probe).values(health=_dump(items[-1])))

    def _state(self, state: State) -> None:
        self.account.states += 1
        probe = self._probe(state.site, state.probe, "", None)
        told = {"online": state.online, "state": _dump(state.record)}
        self._connection.execute(update(probes).where(probes.c.id == probe).values(**told))

    def _refuse(self, item: dict[str, Any], why: str) -> None:
        self.account.refused += 1
        self._aside(Aside("", _dump(item).encode(), why))

    def _aside(self, message: Aside) -> None:
        self.account.aside += 1
        row = {"received": self._now, "topic": message.topic[:1000], "why": message.why, "payload": message.payload}
        key = self._connection.execute(insert(aside).values(**row)).inserted_primary_key
        if key is not None and key[0] > MAX_ASIDE:
            self._connection.execute(delete(aside).where(aside.c.id <= key[0] - MAX_ASIDE))

    def _time(self, text: object) -> float:
        """A probe's time; one that has not come yet is held back, so that it cannot block what comes after it."""
        return min(seconds(text, self._now), self._now + MAX_FUTURE)


def _carried(item: dict[str, Any]) -> Iterator[tuple[str, str, int, int]]:
    """Endpoint ("" for the whole host), class, flows and bytes of a rollup."""
    whole = item.get("by_class")
    for name, counts in whole.items() if isinstance(whole, dict) else ():
        if isinstance(counts, dict):
            yield "", name, _whole(counts.get("flows")), _whole(counts.get("bytes"))
    pairs = item.get("pairs")
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, dict) and isinstance(pair.get("bytes"), list):
            size = sum(_whole(count) for count in pair["bytes"])
            yield _text(pair, "endpoint", 200), _text(pair, "class", 20), _whole(pair.get("flows")), size


def _text(item: dict[str, Any], name: str, most: int) -> str:
    value = item.get(name)
    # PostgreSQL has no NUL in text.
    return value.replace("\0", "\ufffd")[:most] if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return min(max(value, 0), (1 << 63) - 1) if isinstance(value, int) and not isinstance(value, bool) else 0


def _dump(value: object) -> str:
    # Escaped, so that no lone surrogate or NUL reaches an engine that refuses it.
    return json.dumps(value, separators=(",", ":")).replace("\\u0000", "\\ufffd")

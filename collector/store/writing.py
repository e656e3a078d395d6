"""Batches of messages into the tables, one transaction each: all of a batch is kept, or none.

A batch is a few statements, however many envelopes it has: what costs is the way to the database and back.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Table, and_, case, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from collector.messages import Aside, Envelope, State
from collector.store import places, rows
from collector.store.batches import KEYS, summed, swept, turns
from collector.store.merging import merged
from collector.store.rows import Row
from collector.store.tables import (
    aside,
    certificates,
    clients,
    early,
    findings,
    moduli,
    postures,
    probes,
    received,
    sightings,
    streams,
    traffic,
    tunnels,
)
from collector.times import seconds

MAX_NAMES: Final = 64  # under which one probe knows one certificate at one endpoint; beyond, the place is kept without
_ASKED: Final = 5_000  # certificates in one question
MAX_ASIDE: Final = 10_000  # messages kept aside; the oldest go first
_NEWEST: Final = frozenset({findings, tunnels})
"""Of these the newest report wins, whatever comes last."""
_READERS: Final[dict[str, tuple[Table, rows.Reader, str]]] = {
    "finding": (findings, rows.finding, "a finding without uid, check or severity"),
    "certificate": (certificates, rows.certificate, "a certificate without sha256"),
    "tunnel": (tunnels, rows.tunnel, "a tunnel without its two peers"),
}


class Account(Struct):
    """What became of a batch."""

    envelopes: int = 0
    items: int = 0
    duplicates: int = 0
    states: int = 0
    aside: int = 0
    refused: int = 0
    """Items without what their kind must have; their envelope is kept aside too."""
    names_over: int = 0
    """Sightings of certificates kept without their name, because their place has MAX_NAMES."""


class Writer:
    """Applies batches. One at a time: SQLite has one writer, PostgreSQL locks the rows of a batch's probes."""

    def __init__(self, connection: Connection, now: float) -> None:
        self._connection, self._now = connection, now
        self._dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        self._waiting: dict[Table, list[Row]] = defaultdict(list)
        self.account = Account()

    def apply(self, messages: Iterable[Envelope | State | Aside]) -> Account:
        """All of them, in their order."""
        messages = list(messages)
        numbers = self._probes(messages)
        envelopes = [(numbers[_of(one)], one) for one in messages if isinstance(one, Envelope)]
        for probe, envelope in self._new(envelopes):
            self._envelope(probe, envelope)
        self._write()
        for message in messages:
            match message:
                case State():
                    self._state(numbers[_of(message)], message)
                case Aside():
                    self._aside(message)
        return self.account

    def _probes(self, messages: Sequence[Envelope | State | Aside]) -> dict[tuple[str, str], int]:
        """The numbers of the probes that speak; makes or renews their rows, which also makes collectors take turns."""
        told: dict[tuple[str, str], Row] = {}
        for message in messages:
            if isinstance(message, Aside):
                continue
            site, probe = _of(message)
            new = {"site": site, "probe": probe, "first_seen": self._now, "last_seen": 0.0}
            row = told.setdefault((site, probe), new)
            if isinstance(message, Envelope):
                self._introduce(row, message)
            else:
                row["last_seen"] = self._now
        # In one order everywhere, so that two collectors do not wait for each other.
        for renewed in (False, True):
            self._upsert(probes, [told[key] for key in sorted(told) if ("boot_id" in told[key]) is renewed])
        columns = select(probes.c.id, probes.c.site, probes.c.probe)
        found = self._connection.execute(columns.where(probes.c.probe.in_({probe for _, probe in told})))
        return {(site, probe): number for number, site, probe in found if (site, probe) in told}

    def _introduce(self, row: Row, envelope: Envelope) -> None:
        """What an envelope says of its probe, unless a newer one has said it. One that is old is no sign of life."""
        sent = self._sent(envelope)
        row["last_seen"] = max(row["last_seen"], self._now if sent > self._now - rows.MAX_LATE else sent)
        if sent >= row.get("told", 0.0):
            row["version"], row["boot_id"] = envelope.probe.version[:40], envelope.boot_id[:64]
            row["drops"], row["told"] = rows.dump(envelope.drops), sent

    def _sent(self, envelope: Envelope) -> float:
        """When, by the clock of the probe."""
        return max(0.0, min(seconds(envelope.sent_at, self._now), self._now + rows.MAX_FUTURE))

    def _new(self, envelopes: Sequence[tuple[int, Envelope]]) -> list[tuple[int, Envelope]]:
        """Those that were not met before in their boot of the probe.

        Sequence numbers are kept only above the one up to which all came, and at most WINDOW of them.
        """
        by_stream: dict[tuple[int, str], list[Envelope]] = defaultdict(list)
        for probe, envelope in envelopes:
            by_stream[probe, envelope.boot_id[:64]].append(envelope)
        known = self._streams(by_stream)
        met = self._met([stream.id for stream in known.values()])
        fresh: list[tuple[int, Envelope]] = []
        changed = []
        for (probe, boot), those in by_stream.items():
            stream = known[probe, boot]
            before = met.get(stream.id, set())
            numbers = set(before)
            for envelope in those:
                number = (envelope.seq, envelope.part)
                if envelope.seq <= stream.low or number in numbers:
                    self.account.duplicates += 1
                    continue
                numbers.add(number)
                fresh.append((probe, envelope))
            if numbers == before:
                continue
            low, high, given_up = swept(numbers, stream.low, stream.high)
            self._remember(stream.id, before, numbers, low)
            row = {"low": low, "high": high, "given_up": stream.given_up + given_up, "last_seen": self._now}
            changed.append({"probe_id": probe, "boot_id": boot, **row})
            if given_up:
                missed = update(probes).where(probes.c.id == probe).values(missed=probes.c.missed + given_up)
                self._connection.execute(missed)
        self._upsert(streams, changed)
        order = {id(envelope): place for place, (_, envelope) in enumerate(envelopes)}
        return sorted(fresh, key=lambda one: order[id(one[1])])

    def _streams(self, wanted: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Any]:
        """The rows of streams, made where there are none."""
        begun = {"low": -1, "high": -1, "given_up": 0, "last_seen": self._now}
        told = [{"probe_id": probe, "boot_id": boot, **begun} for probe, boot in sorted(wanted)]
        self._insert(streams, told)
        of = streams.c.probe_id.in_({row["probe_id"] for row in told})
        boots = streams.c.boot_id.in_({row["boot_id"] for row in told})
        found = self._connection.execute(select(streams).where(and_(of, boots)))
        return {(row.probe_id, row.boot_id): row for row in found}

    def _met(self, numbers: list[int]) -> dict[int, set[tuple[int, str]]]:
        """Sequence numbers with their parts that came above the low end of streams."""
        met: dict[int, set[tuple[int, str]]] = defaultdict(set)
        for stream, seq, part in self._connection.execute(select(received).where(received.c.stream_id.in_(numbers))):
            met[stream].add((seq, part))
        return met

    def _remember(self, stream: int, before: set[tuple[int, str]], numbers: set[tuple[int, str]], low: int) -> None:
        """Only what came above the low end has to be remembered."""
        if any(seq <= low for seq, _ in before):
            over = and_(received.c.stream_id == stream, received.c.seq <= low)
            self._connection.execute(delete(received).where(over))
        outstanding = sorted((seq, part) for seq, part in numbers - before if seq > low)
        self._insert(received, [{"stream_id": stream, "seq": seq, "part": part} for seq, part in outstanding])

    def _envelope(self, probe: int, envelope: Envelope) -> None:
        self.account.envelopes += 1
        self.account.items += len(envelope.items)
        if envelope.kind == "rollup":
            self._rollups(probe, envelope.items)
        elif envelope.kind == "health" and envelope.items:
            told, sent = rows.dump(envelope.items[-1]), self._sent(envelope)
            newer = update(probes).where(probes.c.id == probe, probes.c.health_told <= sent)
            self._connection.execute(newer.values(health=told, health_told=sent))
        elif envelope.kind in _READERS:  # flows and summaries are for other readers of the broker
            self._items(probe, envelope)

    def _items(self, probe: int, envelope: Envelope) -> None:
        table, reader, lack = _READERS[envelope.kind]
        for item in envelope.items:
            row = reader(probe, item, self._now)
            if row is None:
                self._refuse(item, lack)
                continue
            self._waiting[table].append(row)
            if table is findings and (seen := rows.sighting(item, row)) is not None:
                self._waiting[sightings].append(seen)
            elif table is certificates and (known := rows.modulus(item, row)) is not None:
                self._waiting[moduli].append(known)

    def _rollups(self, probe: int, items: list[dict[str, Any]]) -> None:
        """Counts add up: an envelope is taken once, and an interval may come in parts."""
        for item in items:
            self._waiting[traffic] += rows.traffic(probe, item, self._now)
            when = min(seconds(item.get("end"), self._now), self._now + rows.MAX_FUTURE)
            self._waiting[postures] += places.postures(probe, item, when)
            self._waiting[sightings] += places.shown(probe, item, when)
            self._waiting[clients] += places.clients(probe, item, when)
            if uids := rows.resolved(item):
                self._write(findings)  # what was told before comes first
                self._end(probe, uids, rows.ended(item, self._now))

    def _end(self, probe: int, uids: list[str], ended: float) -> None:
        """What the probe has not seen for so long that it is over. What has not come yet will be over when it does."""
        c = findings.c
        mine = and_(c.probe_id == probe, c.uid.in_(uids))
        known = set(self._connection.execute(select(c.uid).where(mine)).scalars())
        over = {"ended": case((func.coalesce(c.ended, 0.0) > ended, c.ended), else_=ended)}
        self._connection.execute(update(findings).where(mine).values(**over))
        values = {"workflow": "resolved", "changed": self._now}
        self._connection.execute(update(findings).where(mine, c.last_seen <= ended).values(**values))
        unknown = [{"probe_id": probe, "uid": uid, "ended": ended} for uid in sorted(set(uids) - known)]
        self._upsert(early, unknown)

    def _ended_early(self, told: list[Row]) -> None:
        """Findings that a rollup has ended before they came."""
        those = {row["probe_id"] for row in told}
        found = self._connection.execute(select(early).where(early.c.probe_id.in_(those))).all()
        ends = {(probe, uid): ended for probe, uid, ended in found}
        met = set()
        for row in told:
            ended = ends.get((row["probe_id"], row["uid"]))
            row["ended"] = ended
            if ended is not None:
                met.add((row["probe_id"], row["uid"]))
                if row["last_seen"] <= ended:
                    row["workflow"] = "resolved"
        for probe, uid in sorted(met):
            self._connection.execute(delete(early).where(early.c.probe_id == probe, early.c.uid == uid))

    def _write(self, *only: Table) -> None:
        """What waits, to its tables."""
        for table in only or tuple(self._waiting):
            waiting = self._waiting.pop(table, [])
            if table is moduli:
                self._insert(moduli, waiting)
                continue
            if table is findings and waiting:
                self._ended_early(waiting)
            elif table is sightings and waiting:
                self._bound_names(waiting)
            for some in summed(waiting) if table is traffic else turns(table, waiting):
                self._upsert(table, some)

    def _bound_names(self, told: list[Row]) -> None:
        """No new names for a place that has MAX_NAMES; a batch may bring as many once more."""
        known = self._crowded({row["sha256"] for row in told if row["name"]}, {row["probe_id"] for row in told})
        met: dict[tuple[Any, ...], set[str]] = defaultdict(set)
        for row in told:
            place = row["sha256"], row["probe_id"], row["endpoint"]
            taken = known.get(place, met[place])
            if row["name"] and row["name"] not in taken:
                if len(taken) >= MAX_NAMES:
                    row["name"] = ""
                    self.account.names_over += 1
                else:
                    taken.add(row["name"])

    def _crowded(self, certificates: set[str], probes: set[int]) -> dict[tuple[Any, ...], set[str]]:
        """Places that have MAX_NAMES, with their names."""
        s = sightings.c
        place = (s.sha256, s.probe_id, s.endpoint)
        known: dict[tuple[Any, ...], set[str]] = {}
        asked = sorted(certificates)
        for first in range(0, len(asked), _ASKED):
            here = and_(s.sha256.in_(asked[first : first + _ASKED]), s.probe_id.in_(probes))
            several = select(*place).where(here).group_by(*place).having(func.count() >= MAX_NAMES)
            for full in self._connection.execute(several).all():
                one = and_(*(column == value for column, value in zip(place, full, strict=True)))
                known[tuple(full)] = set(self._connection.execute(select(s.name).where(one)).scalars())
        return known

    def _insert(self, table: Table, told: list[Row]) -> None:
        """Insert what is not there."""
        if told:
            statement, parameters = self._statement(table, told)
            self._connection.execute(statement.on_conflict_do_nothing(), parameters)

    def _upsert(self, table: Table, told: list[Row]) -> None:
        """Insert or replace; of some tables only where the row is not older than what there is."""
        if not told:
            return
        statement, parameters = self._statement(table, told)
        keys = KEYS[table]
        is_sqlite = self._dialect is sqlite
        values = merged(table, statement.excluded, [name for name in told[0] if name not in {*keys, "note"}], is_sqlite)
        condition = statement.excluded.last_seen >= table.c.last_seen if table in _NEWEST else None
        statement = statement.on_conflict_do_update(index_elements=list(keys), set_=values, where=condition)
        self._connection.execute(statement, parameters)

    def _statement(self, table: Table, told: list[Row]) -> tuple[Any, list[Row]]:
        """An insert of rows with the same members, and its parameters."""
        statement = self._dialect.insert(table)
        if self._dialect is sqlite:
            return statement, told
        # One statement and one parameter for all rows: its drivers send rows one by one.
        names = list(told[0])
        source = text(f"SELECT {', '.join(names)} FROM json_populate_recordset(NULL::{table.name}, :rows)")  # noqa: S608 - names of our own columns
        given = source.columns(*(table.c[name] for name in names)).subquery()
        return statement.from_select(names, select(given)), [{"rows": rows.encoded(told)}]

    def _state(self, probe: int, state: State) -> None:
        self.account.states += 1
        told = {"online": state.online, "state": rows.dump(state.record)}
        self._connection.execute(update(probes).where(probes.c.id == probe).values(**told))

    def _refuse(self, item: dict[str, Any], why: str) -> None:
        self.account.refused += 1
        self._aside(Aside("", rows.dump(item).encode(), why))

    def _aside(self, message: Aside) -> None:
        self.account.aside += 1
        row = {"received": self._now, "topic": message.topic[:1000], "why": message.why, "payload": message.payload}
        key = self._connection.execute(insert(aside).values(**row)).inserted_primary_key
        if key is not None and key[0] > MAX_ASIDE:
            self._connection.execute(delete(aside).where(aside.c.id <= key[0] - MAX_ASIDE))


def _of(message: Envelope | State) -> tuple[str, str]:
    """Site and probe."""
    return (message.site, message.probe) if isinstance(message, State) else (message.probe.site, message.probe.id)

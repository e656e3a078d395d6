"""The durable queue between engine and network: bounded, one file for each end.

`add` keeps reports in memory, `commit` puts them on the disk as envelopes and syncs it; a report is *acknowledged* once
`commit` has returned True after it. What was acknowledged leaves the spool only when the end has it (`sent`), or when
it had to make room, which is counted. A process that is killed, or a power cut, loses what was not acknowledged and
nothing else (tests/publish/test_crash_model.py).

Envelopes that the end has taken stay a little longer (KEPT): a broker that is killed loses what it had confirmed and
not yet passed on, so after each new connection they are sent again. Receivers drop what they have seen.

A file that is damaged is set aside under the name `….damaged`, counted, and a new one begun.
"""

import contextlib
import sqlite3
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from probe.publish.database import STRIDE, Database, Lost, row
from probe.publish.envelope import HEAD_ROOM, KINDS, MAX_PAYLOAD, Stored, packed

PENDING: Final = 1 << 19  # bytes in memory after which `add` commits by itself, and of one transaction
MAX_PENDING: Final = 8 << 20  # bytes in memory while the disk takes nothing; beyond it reports are lost
KEPT: Final = 64  # envelopes that stay after they were sent: more than a broker has in its hands at a time
KEPT_BYTES: Final = 1 << 20

_T = TypeVar("_T")


class SpoolError(Exception):
    """The spool cannot be opened; the text is one line for the operator."""


class Spool:
    """Thread-safe. The engine's thread adds and commits, the sender's reads and removes."""

    def __init__(
        self,
        path: str,
        *,
        size: int,
        payload: int = MAX_PAYLOAD,
        boot_id: str | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`size`: bytes on the disk; `payload`: the largest envelope; `boot_id`: of this start, a new one if not given.

        Raises SpoolError.
        """
        self._path, self._size, self._say = Path(path), size, say
        self._room = payload - HEAD_ROOM
        self.boot_id = boot_id or str(uuid.uuid4())
        self._seq = 0
        self._lock = threading.RLock()
        self._pending: list[tuple[str, bytes]] = []
        self._pending_size = 0
        self._full_at = PENDING
        self._lost: Lost = Counter()
        self._saved: Lost = Counter()
        self._counters = Counter(dict.fromkeys(("put", "acknowledged", "sent", "resent", "lost"), 0))
        self._kept: deque[tuple[int, int]] = deque()
        self._kept_size = 0
        self._confirmed = 0
        """What the end has: all up to this position."""
        self._cursor = 0
        self._in_hand = 0
        self._trouble = ""
        self.on_commit: Callable[[], None] = lambda: None
        self._database = self._opened()

    # --- the engine's side

    def add(self, kind: str, item: bytes) -> None:
        """Take a report. Never raises for what a disk does."""
        with self._lock:
            self._counters["put"] += 1
            if len(item) > self._room:
                self._lose("too_large", kind, 1)
                return
            self._pending.append((kind, item))
            self._pending_size += len(item)
            full = self._pending_size >= self._full_at
        if full:
            self.commit()

    def commit(self) -> bool:
        """Put on the disk what was added. True: everything added before is acknowledged."""
        with self._lock:
            if not self._pending and self._lost == self._saved:
                return True
            done = True
            while done and (self._pending or self._lost != self._saved):
                done = self._guarded(self._store) is True
            if not done:
                self._shed()
            self._full_at = self._pending_size + PENDING
        if done:
            self.on_commit()
        return done

    # --- the sender's side

    def next(self) -> Stored | None:
        """The oldest envelope that was not sent on this connection; None if there is none now."""
        with self._lock:
            while True:
                found = self._guarded(lambda: self._database.next(self._cursor))
                if found is None:
                    self._in_hand = 0
                    return None
                stored, whole = found
                if whole:
                    self._in_hand = stored.position
                    return stored
                self.lose(stored, "damaged")

    def sent(self, stored: Stored) -> None:
        """The end has it."""
        with self._lock:
            self._cursor = stored.position
            if stored.position <= self._confirmed:
                self._counters["resent"] += 1
                return
            self._confirmed = stored.position
            self._counters["sent"] += stored.count
            self._kept.append((stored.position, len(stored.body)))
            self._kept_size += len(stored.body)
            if len(self._kept) >= 2 * KEPT or self._kept_size >= 2 * KEPT_BYTES:
                self._forget(KEPT, KEPT_BYTES)

    def rewind(self) -> None:
        """A new connection: from the oldest that there is."""
        with self._lock:
            self._cursor = 0

    def forget(self) -> None:
        """Nothing that was sent need be sent again: the connection has been at rest, or was closed in order."""
        with self._lock:
            self._forget(0, 0)

    def lose(self, stored: Stored, reason: str) -> None:
        """It will never be taken."""
        with self._lock:
            self._lose(reason, stored.kind, stored.count)
            self._cursor = stored.position
            self._guarded(lambda: self._database.replace(stored, []))

    def split(self, stored: Stored, payload: int) -> bool:
        """Replace an envelope by pieces in its place, for an end that takes only so much. False if it is one item."""
        room = max(1, payload - HEAD_ROOM)
        groups = list(packed(stored.items(), room))
        if len(groups) == 1:
            return False
        before = f"{stored.part}." if stored.part else ""
        pieces = [(f"{before}{number}/{len(groups)}", group) for number, group in enumerate(groups, 1)]
        with self._lock:
            self._room = min(self._room, room)  # and what comes from here on fits at once
            return self._guarded(lambda: self._database.replace(stored, pieces)) is True

    def waiting(self) -> int:
        """Envelopes that the end has not confirmed."""
        with self._lock:
            return self._guarded(lambda: self._database.waiting(self._confirmed)) or 0

    def drops(self) -> dict[str, dict[str, int]]:
        """What was lost since the file was made, by reason and kind."""
        with self._lock:
            drops: dict[str, dict[str, int]] = {}
            for (reason, kind), count in sorted(self._lost.items()):
                drops.setdefault(reason, {})[kind] = count
            return drops

    def counters(self) -> dict[str, int]:
        """Reports of this start: put, acknowledged, sent, lost, pending; envelopes sent again; bytes on the disk."""
        with self._lock:
            return {**self._counters, "pending": len(self._pending), "spool_bytes": self._database.held}

    def close(self) -> None:
        """Commit, and let go of the file."""
        self.commit()
        with self._lock:
            self._database.close()

    # --- inside

    def _opened(self) -> Database:
        try:
            database = self._open()
        except sqlite3.OperationalError as error:
            why = "another process has it" if "locked" in str(error) else str(error)
            raise SpoolError(f"{self._path}: {why}") from None
        except sqlite3.DatabaseError as error:
            self._set_aside(str(error))
            try:
                database = self._open()
            except (sqlite3.Error, OSError) as again:
                raise SpoolError(f"{self._path}: {again}") from None
        except OSError as error:
            raise SpoolError(f"{self._path}: {(error.strerror or str(error)).lower()}") from None
        return database

    def _open(self) -> Database:
        database = Database(self._path, self._size)
        self._lost |= database.lost()
        return database

    def _set_aside(self, why: str) -> None:
        """A damaged file makes way; what was in it and not sent is lost, and nobody can say how much it was."""
        aside = self._path.with_name(f"{self._path.name}.damaged")
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").rename(f"{aside}{suffix}")
        self._lost["damaged", "spool"] += 1
        self._kept.clear()
        self._kept_size = self._confirmed = self._cursor = self._in_hand = 0
        self._say(f"<3>event=spool_damaged file={self._path}: {why}; kept as {aside.name}, a new one was begun")

    def _guarded(self, work: Callable[[], _T]) -> _T | None:
        """Do it; None if the disk would not. A damaged file is replaced, for the next time."""
        try:
            done = work()
        except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
            self._database.roll_back()
            if str(error) != self._trouble:
                self._trouble = str(error)
                held = f"reports are held in memory, up to {MAX_PENDING} bytes"
                self._say(f"<3>event=spool_stuck file={self._path}: {error}; {held}")
            return None
        except sqlite3.DatabaseError as error:
            self._database.close()
            self._set_aside(str(error))
            with contextlib.suppress(SpoolError):
                self._database = self._opened()
            return None
        if self._trouble and done is True:
            self._trouble = ""
            self._say(f"<5>event=spool_writes_again file={self._path}")
        return done

    def _store(self) -> bool:
        """The oldest pending reports as envelopes, in one transaction; inside the file where it cannot grow."""
        try:
            return self._write(self._oldest(self._pending), grow=True)
        except sqlite3.OperationalError as error:
            if "full" not in str(error):
                raise
            self._database.roll_back()
        best = max((kind for kind, _ in self._pending), key=KINDS.index)
        return self._write(self._oldest([one for one in self._pending if one[0] == best]), grow=False)

    def _oldest(self, pending: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        """As many as one transaction takes."""
        return pending[: len(next(packed((item for _, item in pending), PENDING), []))]

    def _write(self, pending: list[tuple[str, bytes]], *, grow: bool) -> bool:
        """Envelopes of one kind each, the kinds in the order in which they first come."""
        runs: dict[str, list[bytes]] = {}
        for kind, item in pending:
            runs.setdefault(kind, []).append(item)
        groups = [(kind, group) for kind, items in runs.items() for group in packed(items, self._room)]
        first = self._database.free
        rows = [
            row(first + number * STRIDE, self.boot_id, self._seq + number, "", kind, group)
            for number, (kind, group) in enumerate(groups)
        ]
        lost = self._database.store(rows, self._size, self._lost, sent=self._confirmed, spared=self._in_hand, grow=grow)
        for (reason, kind), count in lost.items():
            self._lose(reason, kind, count)
        self._saved = Counter(self._lost)
        self._seq += len(rows)
        self._database.free += len(rows) * STRIDE
        self._counters["acknowledged"] += len(pending)
        done = set(map(id, pending))
        self._pending = [one for one in self._pending if id(one) not in done]
        self._pending_size -= sum(len(item) for _, item in pending)
        return True

    def _shed(self) -> None:
        """The disk takes nothing and memory is bounded too: what matters least goes, the oldest first."""
        if self._pending_size <= MAX_PENDING:
            return
        most = MAX_PENDING - MAX_PENDING // 8  # so that not each report looks through all
        for kind in KINDS:
            kept = []
            for one in self._pending:
                if self._pending_size > most and one[0] == kind:
                    self._pending_size -= len(one[1])
                    self._lose("disk_full", kind, 1)
                else:
                    kept.append(one)
            self._pending = kept

    def _lose(self, reason: str, kind: str, count: int) -> None:
        self._lost[reason, kind] += count
        self._counters["lost"] += count

    def _forget(self, count: int, size: int) -> None:
        """Remove sent envelopes, but for the newest `count` and `size` bytes."""
        last = 0 if count else self._confirmed
        while self._kept and (len(self._kept) > count or self._kept_size > size):
            last, length = self._kept.popleft()
            self._kept_size -= length
        if last:
            self._guarded(lambda: self._database.remove(last))

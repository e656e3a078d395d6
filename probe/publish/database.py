"""The file of a spool: SQLite in WAL mode, envelopes in their order. Raises what sqlite3 raises.

Every transaction is synced (synchronous FULL), and what it may need is taken from the disk before it begins: a disk
that is full then says no to a transaction, never to a checkpoint, and work goes on within what the file has already.
The file belongs to one process (locking_mode EXCLUSIVE), so there is no shared memory beside it.
"""

import contextlib
import os
import sqlite3
import zlib
from collections import Counter
from pathlib import Path
from typing import Final

from probe.publish.envelope import KINDS, Stored

OVERHEAD: Final = 128  # bytes of a row besides its body, for the bound
JOURNAL: Final = 2 << 20  # bytes of the journal, taken at once: it is emptied (checkpoint) at half of them
CHECKPOINT: Final = 256  # pages
GROWTH: Final = 64 << 10  # bytes that a transaction may need besides its bodies: index, free pages
SLACK: Final = 16 << 20  # bytes that file and journal may take beyond the bound, before SQLite itself says no
STRIDE: Final = 1 << 20  # between positions, so that the pieces of an envelope find room in its place

Row = tuple[int, str, int, str, str, int, int, int, bytes]
"""position, boot_id, seq, part, kind, count, size, crc, body."""
Lost = Counter[tuple[str, str]]
"""Reports by (reason, kind)."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS envelope (
    position INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, seq INTEGER NOT NULL, part TEXT NOT NULL,
    kind TEXT NOT NULL, count INTEGER NOT NULL, size INTEGER NOT NULL, crc INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS oldest ON envelope (kind, position);
CREATE TABLE IF NOT EXISTS lost (
    reason TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (reason, kind)
) STRICT, WITHOUT ROWID;
"""
_INSERT: Final = "INSERT INTO envelope VALUES (?,?,?,?,?,?,?,?,?)"
_REMOVE: Final = "DELETE FROM envelope WHERE position <= ? RETURNING size"
_NEXT: Final = """
SELECT position, boot_id, seq, part, kind, count, body, crc FROM envelope WHERE position > ? ORDER BY position LIMIT 1
"""
_NAMES: Final = ("position", "boot_id", "seq", "part", "kind", "count", "body")


class Database:
    """Open from the start to `close`."""

    def __init__(self, path: Path, size: int) -> None:
        """Raises OSError and sqlite3.DatabaseError, the latter also for a file that is damaged."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(0o600)
        self._path = path
        # Kept open: closing any descriptor of a file gives up this process's locks on it (fcntl(2)).
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._journal: int | None = None
        self._sql = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(size)
            self.held = self._one("SELECT coalesce(sum(size), 0) + ? * count(*) FROM envelope", OVERHEAD)
            """Bytes, as the bound counts them."""
            last = self._one("SELECT coalesce(max(position), 0) FROM envelope")
            self.free = (last // STRIDE + 1) * STRIDE
            """The first position behind all."""
        except BaseException:
            self.close()
            raise

    def _prepare(self, size: int) -> None:
        for pragma in (
            "locking_mode=EXCLUSIVE",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={CHECKPOINT}",
        ):
            self._sql.execute(f"PRAGMA {pragma}").fetchone()
        checked = self._sql.execute("PRAGMA quick_check(1)").fetchone()[0]
        if checked != "ok":
            _damaged(checked)
        self._page = self._one("PRAGMA page_size")
        self._sql.execute(f"PRAGMA max_page_count={(size + SLACK) // self._page}").fetchone()
        self._sql.executescript(_SCHEMA)

    def _one(self, sql: str, *values: int) -> int:
        return int(self._sql.execute(sql, values).fetchone()[0])

    def store(self, rows: list[Row], most: int, before: Lost, *, sent: int, spared: int, grow: bool) -> Lost:
        """Add rows in one transaction, with at most so many bytes in the end; gives what had to go for it.

        `before`: what was lost before. `sent`: what goes first, all up to this position; `spared`: what is in the
        sender's hand. `grow`: the file may; otherwise room is made in it, at the cost of what matters no more than the
        rows, or sqlite3.OperationalError says that the disk is full.
        """
        added = sum(row[6] + OVERHEAD for row in rows)
        short = added + added // 8 + GROWTH - self._one("PRAGMA freelist_count") * self._page
        if grow:
            self._take(max(0, short))
        lost: Lost = Counter()
        stored = list(rows)
        self._sql.execute("BEGIN IMMEDIATE")
        if grow:
            freed = self._make_room(stored, self.held + added - most, lost, sent, spared)
        else:
            freed = self._make_room([], short, lost, sent, spared, rows[0][4])
            if freed < short:
                raise sqlite3.OperationalError("disk is full, and so is the spool")
        self._sql.executemany(_INSERT, stored)
        saved = [(reason, kind, count) for (reason, kind), count in (before + lost).items()]
        self._sql.executemany("INSERT OR REPLACE INTO lost VALUES (?,?,?)", saved)
        self._sql.execute("COMMIT")
        self.held += sum(row[6] + OVERHEAD for row in stored) - freed
        return lost

    def _take(self, size: int) -> None:
        """Space for so many bytes more, and for the journal."""
        try:
            if self._journal is None:
                self._journal = os.open(f"{self._path}-wal", os.O_RDWR | os.O_CLOEXEC)
                os.posix_fallocate(self._journal, 0, JOURNAL)
            os.posix_fallocate(self._file, 0, self._one("PRAGMA page_count") * self._page + size)
        except OSError as error:
            if self._journal is not None and os.fstat(self._journal).st_size < JOURNAL:
                os.close(self._journal)
                self._journal = None
            raise sqlite3.OperationalError(f"disk is full ({error.strerror})") from None

    def _make_room(  # noqa: PLR0917
        self, rows: list[Row], missing: int, lost: Lost, sent: int, spared: int, up_to: str = KINDS[-1]
    ) -> int:
        """The kind that matters least goes first, its oldest first, those in the file before those that come.

        Gives the bytes freed in the file; rows that have to go are taken out of `rows`.
        """
        if missing <= 0:
            return 0
        freed = self._removed(sent)
        missing -= freed
        for kind in KINDS[: KINDS.index(up_to) + 1]:
            victims = []
            found = self._sql.execute(
                "SELECT position, count, size FROM envelope WHERE kind = ? ORDER BY position", (kind,)
            )
            for position, count, size in found:
                if missing <= 0:
                    break
                if position != spared:
                    victims.append((position,))
                    lost["spool_full", kind] += count
                    freed += size + OVERHEAD
                    missing -= size + OVERHEAD
            self._sql.executemany("DELETE FROM envelope WHERE position = ?", victims)
            for row in [row for row in rows if row[4] == kind]:
                if missing <= 0:
                    break
                rows.remove(row)
                lost["spool_full", kind] += row[5]
                missing -= row[6] + OVERHEAD
        return freed

    def next(self, position: int) -> tuple[Stored, bool] | None:
        """The first envelope behind this position, and whether it is as it was written."""
        row = self._sql.execute(_NEXT, (position,)).fetchone()
        if row is None:
            return None
        return Stored(**dict(zip(_NAMES, row, strict=False))), zlib.crc32(row[6]) == row[7]

    def waiting(self, position: int) -> int:
        """Envelopes behind this position."""
        return self._one("SELECT count(*) FROM envelope WHERE position > ?", position)

    def remove(self, position: int) -> bool:
        """All up to this position."""
        self.held -= self._removed(position)
        return True

    def _removed(self, position: int) -> int:
        return sum(int(size) + OVERHEAD for (size,) in self._sql.execute(_REMOVE, (position,)).fetchall())

    def replace(self, stored: Stored, pieces: list[tuple[str, list[bytes]]]) -> bool:
        """Pieces (part, items) take the place of an envelope, spread between it and the next. False: no room."""
        after = self._sql.execute(
            "SELECT min(position) FROM envelope WHERE position > ?", (stored.position,)
        ).fetchone()[0]
        gap = (after or self.free) - stored.position
        if gap < len(pieces):
            return False
        rows = [
            row(stored.position + number * (gap // len(pieces)), stored.boot_id, stored.seq, part, stored.kind, items)
            for number, (part, items) in enumerate(pieces)
        ]
        self._sql.execute("BEGIN IMMEDIATE")
        found = self._sql.execute(
            "DELETE FROM envelope WHERE position = ? RETURNING size", (stored.position,)
        ).fetchall()
        self._sql.executemany(_INSERT, rows)
        self._sql.execute("COMMIT")
        self.held += sum(one[6] + OVERHEAD for one in rows) - sum(size + OVERHEAD for (size,) in found)
        return True

    def lost(self) -> Lost:
        """What was lost, as far as it was stored."""
        found = self._sql.execute("SELECT reason, kind, count FROM lost")
        return Counter({(reason, kind): count for reason, kind, count in found})

    def roll_back(self) -> None:
        """Whatever had begun has not."""
        with contextlib.suppress(sqlite3.Error):
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK")

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(sqlite3.Error):
            self._sql.close()
        for file in (self._file, self._journal):
            if file is not None:
                with contextlib.suppress(OSError):
                    os.close(file)
        self._journal = None


def row(position: int, boot_id: str, seq: int, part: str, kind: str, items: list[bytes]) -> Row:  # noqa: PLR0917
    """One envelope as it is stored."""
    body = b",".join(items)
    return position, boot_id, seq, part, kind, len(items), len(body), zlib.crc32(body), body


def _damaged(what: str) -> None:
    raise sqlite3.DatabaseError(what)

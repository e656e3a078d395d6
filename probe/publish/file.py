"""JSON Lines in files that are renamed once they are full (path → path.1 → path.2 …), and on standard output.

A report is in the file once that was synced. A line cut short by a crash is taken away at the next start; what was
written and not yet confirmed then comes twice, as everywhere (docs/publishing.md).
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from probe.publish.end import PublishError, Rate
from probe.publish.envelope import MAX_PAYLOAD, Stored
from probe.publish.settings import File
from probe.publish.writer import Writer

_TAIL: Final = 1 << 20  # bytes in which the last line end is looked for: more than a line has


class FileEnd:
    """A file."""

    name = "file"
    payload = MAX_PAYLOAD
    rate: Rate = (None, None)

    def __init__(self, settings: File, writer: Writer) -> None:
        self._settings, self._writer = settings, writer
        self._path = Path(settings.path.resolve())

    def state(self, item: bytes) -> None:
        """A file has none."""

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["FileEnd"]:
        """Open for appending, behind the last whole line."""
        try:
            self._file = self._opened()
            yield self
        except OSError as error:
            raise PublishError(f"{self._path}: {(error.strerror or str(error)).lower()}") from None
        finally:
            with contextlib.suppress(OSError, AttributeError):
                self._file.close()

    async def send(self, stored: Stored) -> None:
        """Synced."""
        text = b"".join(line + b"\n" for line in self._writer.lines(stored))
        if self._file.tell() and self._file.tell() + len(text) > self._settings.size:
            self._file.close()
            self._rotate()
            self._file = self._opened()
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())

    async def lost(self) -> None:
        """Never."""
        await asyncio.Event().wait()

    def _opened(self) -> BinaryIO:
        self._path.touch(0o640)
        file = self._path.open("ab")
        with self._path.open("rb") as whole:
            begin = max(0, file.tell() - _TAIL)
            whole.seek(begin)
            tail = whole.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(begin + tail.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
        return file

    def _rotate(self) -> None:
        names = [self._path, *(Path(f"{self._path}.{number}") for number in range(1, self._settings.keep + 1))]
        for newer, older in zip(names[-2::-1], names[:0:-1], strict=True):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)
        self._path.unlink(missing_ok=True)  # keep = 0


class StdoutEnd:
    """Standard output."""

    name = "stdout"
    payload = MAX_PAYLOAD
    rate: Rate = (None, None)

    def __init__(self, writer: Writer, stream: BinaryIO | None = None) -> None:
        self._writer, self._stream = writer, stream or sys.stdout.buffer

    def state(self, item: bytes) -> None:
        """None."""

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["StdoutEnd"]:
        """Always open."""
        yield self

    async def send(self, stored: Stored) -> None:
        """In the pipe."""
        try:
            self._stream.write(b"".join(line + b"\n" for line in self._writer.lines(stored)))
            self._stream.flush()
        except OSError as error:
            raise PublishError(f"standard output: {(error.strerror or str(error)).lower()}") from None

    async def lost(self) -> None:
        """Never."""
        await asyncio.Event().wait()

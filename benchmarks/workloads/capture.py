"""Writes a classic pcap (little-endian, microseconds, Ethernet) in time order with bounded memory.

Conversations arrive whole and in the order of their start, and overlap in time. Everything before the start
of the next conversation is final: `settle` writes it and forgets it.
"""

import struct
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

FILE_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)

# 2026-01-01T00:00:00Z: certificates of the workloads are valid from here.
EPOCH_MICROSECONDS: Final = 1_767_225_600_000_000

# Sorting costs more the less often it happens per packet; this many frames are held at least before one.
SETTLE_FRAMES: Final = 50_000

PROGRESS_SECONDS: Final = 0.5

Frame = tuple[int, bytes]
"""Microseconds since the start of the capture, and the Ethernet frame."""


class Size(NamedTuple):
    """What a finished capture holds."""

    packets: int
    flows: int


class CaptureWriter:
    """A pcap file that is being written; use as a context manager."""

    def __init__(self, path: Path) -> None:
        self.packets = 0
        self._name = path.stem
        self._file = path.open("wb", buffering=1 << 20)
        self._file.write(FILE_HEADER)
        self._pending: list[Frame] = []
        self._settle_at = SETTLE_FRAMES
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self._write_before(None)
        self._file.close()
        if sys.stderr.isatty():
            sys.stderr.write("\r\033[K")

    def add(self, frames: list[Frame]) -> None:
        """Take the frames of one conversation, in any order of time."""
        self._pending.extend(frames)

    def settle(self, start: int) -> None:
        """Promise that no later frame lies before `start`."""
        if len(self._pending) >= self._settle_at:
            self._write_before(start)
            self._settle_at = len(self._pending) + SETTLE_FRAMES

    def write_block(self, records: npt.NDArray[np.uint8], packets: int) -> None:
        """Append ready-made packet records, as the vectorised workload makes them."""
        self._file.write(records.tobytes())
        self._count(packets)

    def _write_before(self, limit: int | None) -> None:
        pending = self._pending
        pending.sort(key=lambda frame: frame[0])
        record_header = struct.Struct("<IIII").pack
        pieces: list[bytes] = []
        written = 0
        for at, data in pending:
            if limit is not None and at >= limit:
                break
            seconds, microseconds = divmod(EPOCH_MICROSECONDS + at, 1_000_000)
            pieces.append(record_header(seconds, microseconds, len(data), len(data)))
            pieces.append(data)
            written += 1
        self._file.write(b"".join(pieces))
        del pending[:written]
        self._count(written)

    def _count(self, packets: int) -> None:
        self.packets += packets
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._shown > PROGRESS_SECONDS:
            sys.stderr.write(f"\r{self._name}: {self.packets:,} packets")
            sys.stderr.flush()
            self._shown = now

"""`capture.write`: the packets behind findings as pcapng, the uids of their findings as comments, bounded in size.

draft-ietf-opsawg-pcapng: a section header, an interface for each kind of link, enhanced packets. When the file is half
of what is allowed it becomes FILE.1, in the place of an older one, and another begins.
"""

import os
import re
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

HISTORY: Final = 16 << 20  # bytes of packets that may turn out to be behind a finding: the openings of some 3000 flows
MAX_REMEMBERED: Final = 65_536  # frames that were written, so that none is twice; 8 bytes each
_FRAME: Final = re.compile(r".*#(\d+)")
_COMMENT: Final = 1
_TSRESOL: Final = struct.pack("<HHB3x", 9, 1, 9)  # if_tsresol: nanoseconds
_END: Final = struct.pack("<HH", 0, 0)

Packet = tuple[int, int, int, int, bytes]
"""Number of the frame, time (ns), length on the wire, LINKTYPE_, bytes: as the core keeps it."""


class _Finding(msgspec.Struct):
    uid: str
    check: str
    evidence: dict[str, object]


_DECODER: Final = msgspec.json.Decoder(_Finding)


class Evidence:
    """The file, for one run."""

    def __init__(self, path: str, limit: int, kept: Callable[[int], list[Packet]]) -> None:
        """`kept`: what the core kept of the flow of a frame. Raises OSError if the file cannot be made."""
        self._path, self._limit, self._kept = path, limit // 2, kept
        self._written: dict[int, None] = {}
        self._links: dict[int, int] = {}
        self._counters = {"packets_written": 0, "packets_unwritten": 0, "packets_not_kept": 0}
        self._begin()

    def _begin(self) -> None:
        # Passwords may stand in these packets.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._file = open(descriptor, "wb", buffering=0)  # noqa: PTH123, SIM115 - kept open
        self._links.clear()
        self._size = 0
        self._put(section())

    def write(self, findings: Iterable[bytes]) -> str | None:
        """The packets of these finding records that were not written before; what went wrong, if anything did."""
        comments: dict[int, list[str]] = {}
        packets: dict[int, Packet] = {}
        for line in findings:
            finding = _DECODER.decode(line)
            found = [packet for frame in _frames(finding) for packet in self._kept(frame)]
            self._counters["packets_not_kept"] += not found
            for packet in found:
                if packet[0] not in self._written:
                    packets[packet[0]] = packet
                    comments.setdefault(packet[0], []).append(f"{finding.uid} {finding.check}")
        for number in sorted(packets):
            try:
                self._packet(packets[number], list(dict.fromkeys(comments[number])))
            except OSError as error:
                self._counters["packets_unwritten"] += 1
                self._size = self._limit  # half a block may stand there: the next one goes into a new file
                return f"{self._path}: {(error.strerror or str(error)).lower()}"
            self._written[number] = None
            if len(self._written) > MAX_REMEMBERED:
                del self._written[next(iter(self._written))]
        return None

    def counters(self) -> dict[str, int]:
        """Packets written; attempts that failed; findings of which nothing was kept any more. No zeroes."""
        return {name: count for name, count in self._counters.items() if count}

    def _packet(self, packet: Packet, comments: list[str]) -> None:
        _, time, original, link, data = packet
        if self._size >= self._limit:
            self._file.close()
            Path(self._path).replace(f"{self._path}.1")
            self._begin()
        if link not in self._links:
            self._put(interface(link))
            self._links[link] = len(self._links)
        self._put(enhanced(self._links[link], time, original, data, comments))
        self._counters["packets_written"] += 1

    def _put(self, data: bytes) -> None:
        self._size += len(data)
        while data:
            data = data[self._file.write(data) :]

    def close(self) -> None:
        """Nothing is left to be written."""
        self._file.close()


def _frames(finding: _Finding) -> list[int]:
    frames = finding.evidence.get("frames", [])
    found = (_FRAME.fullmatch(str(frame)) for frame in frames) if isinstance(frames, list) else ()
    return [int(frame[1]) for frame in found if frame]


def section() -> bytes:
    """The Section Header Block, of unknown length."""
    return _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(link: int) -> bytes:
    """An Interface Description Block, times in nanoseconds."""
    return _block(1, struct.pack("<HHI", link, 0, 0) + _TSRESOL + _END)


def enhanced(number: int, time: int, original: int, data: bytes, comments: Iterable[str]) -> bytes:
    """An Enhanced Packet Block of interface `number`, with a comment option for each comment."""
    head = struct.pack("<IIIII", number, time >> 32, time & 0xFFFFFFFF, len(data), original)
    options = b"".join(_option(comment.encode()) for comment in comments)
    return _block(6, head + _padded(data) + options + (_END if options else b""))


def _option(value: bytes) -> bytes:
    return struct.pack("<HH", _COMMENT, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length

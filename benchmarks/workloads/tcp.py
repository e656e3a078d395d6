"""TCP conversations: consistent sequence and acknowledgement numbers, timestamps (RFC 7323), some loss.

Strict stream engines drop segments whose numbers or timestamps make no sense, and then look fast because they
do nothing; so every segment here must be acceptable to its receiver. Two in a thousand data segments are sent
again, two in a thousand arrive after their successor.
"""

import random
import struct
from typing import Final

from .conversation import CLIENT, SERVER, TCP, Conversation, Path

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10

# What is left of a 1,500-byte packet after the IP header, the TCP header and its timestamps.
SEGMENT_IPV4: Final = 1448
SEGMENT_IPV6: Final = 1428

REPEATED_SHARE: Final = 0.002
REORDERED_SHARE: Final = 0.002
SEGMENT_GAP_MICROSECONDS: Final = 14

# Segments per acknowledgement: every second one, or fewer where the receiver coalesces (GRO).
ACKNOWLEDGED: Final = (2, 2, 4, 8)


class TcpConversation(Conversation):
    """A connection from SYN to FIN or RST."""

    def __init__(self, path: Path, rng: random.Random, start: int, server_port: int) -> None:
        super().__init__(path, rng, start, TCP, server_port)
        self._sequence = [rng.getrandbits(32), rng.getrandbits(32)]
        self._clock = (rng.getrandbits(30), rng.getrandbits(30))
        self._sent_clock = [0, 0]
        self._segment_size = SEGMENT_IPV6 if path.ipv6 else SEGMENT_IPV4
        self._acknowledged = rng.choice(ACKNOWLEDGED)

    def open(self) -> None:
        """The three-way handshake."""
        self._segment(CLIENT, SYN)
        self.wait(self.round_trip)
        self._segment(SERVER, SYN | ACK)
        self.wait(40)
        self._segment(CLIENT, ACK)
        self.wait(30)

    def send(self, side: int, data: bytes) -> None:
        """A flight of data from `side`, acknowledged by the other side."""
        size = self._segment_size
        for index, offset in enumerate(range(0, len(data), size)):
            last = offset + size >= len(data)
            sequence = self._sequence[side]
            piece = data[offset : offset + size]
            self._segment(side, PSH | ACK if last else ACK, piece)
            self._disturb(side, sequence, piece, after_data=index % self._acknowledged > 0)
            self.wait(SEGMENT_GAP_MICROSECONDS)
            if not last and (index + 1) % self._acknowledged == 0:
                self._segment(1 - side, ACK)
                self.wait(2)
        self.wait(self.round_trip // 2)
        self._segment(1 - side, ACK)
        self.wait(20)

    def close(self) -> None:
        """FIN from the client, answered."""
        self._segment(CLIENT, FIN | ACK)
        self.wait(self.round_trip // 2)
        self._segment(SERVER, FIN | ACK)
        self.wait(self.round_trip // 2)
        self._segment(CLIENT, ACK)

    def abort(self) -> None:
        """RST from the client."""
        self._segment(CLIENT, RST | ACK)

    def _segment(self, side: int, flags: int, data: bytes = b"") -> None:
        self.packet(side, self._encode(side, flags, data, self._sequence[side], self.now))
        self._sent_clock[side] = self._timestamp(side, self.now)
        advance = len(data) + (1 if flags & (SYN | FIN) else 0)
        self._sequence[side] = (self._sequence[side] + advance) & 0xFFFFFFFF

    def _timestamp(self, side: int, at: int) -> int:
        return (self._clock[side] + at // 1000) & 0xFFFFFFFF

    def _encode(self, side: int, flags: int, data: bytes, sequence: int, at: int) -> bytes:
        stamps = struct.pack(">II", self._timestamp(side, at), self._sent_clock[1 - side])
        if flags & SYN:
            maximum = (self._segment_size + 12).to_bytes(2, "big")
            options = b"\x02\x04" + maximum + b"\x04\x02\x08\x0a" + stamps + b"\x01\x03\x03\x07"
        else:
            options = b"\x01\x01\x08\x0a" + stamps
        acknowledgement = self._sequence[1 - side] if flags & ACK else 0
        offset = (20 + len(options)) // 4 << 4
        window = 64240 if flags & SYN else 1024
        head = self._ports[side] + struct.pack(">IIBBH", sequence, acknowledgement, offset, flags, window)
        rest = b"\0\0" + options + data
        checksum = self.transport_checksum(head + b"\0\0" + rest) % 0xFFFF
        return head + checksum.to_bytes(2, "big") + rest

    def _disturb(self, side: int, sequence: int, data: bytes, *, after_data: bool) -> None:
        """Now and then, send the segment just sent once more, or let it overtake the one before."""
        draw = self.rng.random()
        if draw < REPEATED_SHARE:
            # Soon enough to come before the end of the connection.
            at = self.now + self.round_trip // 4
            self.packet(side, self._encode(side, ACK, data, sequence, at), at)
        elif draw < REPEATED_SHARE + REORDERED_SHARE and after_data:
            (earlier, first), (later, second) = self.frames[-2:]
            self.frames[-2:] = [(earlier, second), (later, first)]

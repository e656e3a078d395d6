"""Seeded bytes: random payloads, and streams of TLS application-data records cut from them.

Payload content costs nothing to a probe that reads headers, but it must not look like any protocol by
repetition; so it is cut from a pool of 8 MiB, which is quicker than drawing each payload.
"""

import random
from typing import Final

import numpy as np

POOL_BYTES: Final = 8 << 20
STREAM_BYTES: Final = 4 << 20

# Ciphertext lengths of common writers: full records, 8 KiB and 4 KiB buffers, and one record a segment.
RECORD_LENGTHS: Final = (16401, 8217, 4121, 1393)


class Entropy:
    """A pool of pseudo-random bytes that wraps around at a shifting offset."""

    def __init__(self, seed: int) -> None:
        self._pool = np.random.default_rng(seed).integers(0, 256, POOL_BYTES, dtype=np.uint8).tobytes()
        self._position = 0
        self._streams = [(5 + length, self._record_stream(length)) for length in RECORD_LENGTHS]

    def _record_stream(self, length: int) -> bytes:
        unit = 5 + length
        stream = bytearray(self._pool[: STREAM_BYTES // unit * unit])
        header = b"\x17\x03\x03" + length.to_bytes(2, "big")
        for offset in range(0, len(stream), unit):
            stream[offset : offset + 5] = header
        return bytes(stream)

    def take(self, count: int) -> bytes:
        """The next `count` bytes; a pool read twice starts elsewhere the second time."""
        if self._position + count > POOL_BYTES:
            self._position = (self._position + 4099) % 8191
        piece = self._pool[self._position : self._position + count]
        self._position += count
        return piece

    def application_data(self, rng: random.Random, count: int) -> bytes:
        """Whole TLS records that carry about `count` bytes (at most STREAM_BYTES)."""
        unit, stream = rng.choice(self._streams)
        available = len(stream) // unit
        records = min(available, -(-count // unit))
        first = rng.randrange(available - records + 1)
        return stream[first * unit : (first + records) * unit]

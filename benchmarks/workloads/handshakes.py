"""TLS handshakes and hardly any bulk: 33,000 connections, a new one every 0.9 ms, all to port 443."""

import random
from pathlib import Path
from typing import Final

from . import tls
from .capture import CaptureWriter, Size
from .conversation import draw_path
from .entropy import Entropy
from .names import draw_server_name
from .recorder import Recordings
from .tcp import TcpConversation

CONNECTIONS: Final = 33_000
INTERVAL_MICROSECONDS: Final = 900

# Cumulative shares: TLS 1.2, TLS 1.3 as recorded, TLS 1.3 with a hybrid key exchange; the rest is weak.
TLS12_UP_TO: Final = 0.55
TLS13_UP_TO: Final = 0.75
POST_QUANTUM_UP_TO: Final = 0.97


def make(path: Path, recordings: Recordings, seed: int, scale: float) -> Size:
    """Write the capture."""
    rng, entropy = random.Random(seed + 1), Entropy(seed + 1)
    connections = max(1, int(CONNECTIONS * scale))
    with CaptureWriter(path) as writer:
        for number in range(connections):
            start = number * INTERVAL_MICROSECONDS
            writer.settle(start)
            flow = TcpConversation(draw_path(rng), rng, start, 443)
            flow.open()
            _handshake(flow, recordings, entropy, number)
            flow.close()
            writer.add(flow.frames)
    return Size(writer.packets, connections)


def _handshake(flow: TcpConversation, recordings: Recordings, entropy: Entropy, number: int) -> None:
    rng = flow.rng
    draw = rng.random()
    if draw < TLS12_UP_TO:
        tls.play(flow, recordings.tls12[number % len(recordings.tls12)], entropy)
    elif draw < TLS13_UP_TO:
        tls.play(flow, rng.choice(recordings.tls13), entropy, server_name=draw_server_name(rng))
    elif draw < POST_QUANTUM_UP_TO:
        tls.play_post_quantum(flow, rng.choice(recordings.tls13), entropy, draw_server_name(rng))
    else:
        tls.play(flow, rng.choice(recordings.old if number % 2 else recordings.defective), entropy)

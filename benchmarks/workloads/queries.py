"""A busy pair of resolvers: 800,000 queries with their answers, each a flow of its own."""

import random
from pathlib import Path
from typing import Final

from . import dns
from .capture import CaptureWriter, Size
from .conversation import UDP, Conversation, draw_path

PAIRS: Final = 800_000
INTERVAL_MICROSECONDS: Final = 12
RESOLVERS: Final = (bytes((10, 0, 0, 2)), bytes((10, 0, 0, 3)))
RESOLVER_IPV6: Final = bytes.fromhex("20010db8000000000000000000000053")
IPV6_SHARE: Final = 0.1

# Distinct exchanges, of which every fiftieth is of a tunnel; clients repeat what others asked.
VARIETY: Final = 60_000
TUNNEL_EVERY: Final = 50


def make(path: Path, seed: int, scale: float) -> Size:
    """Write the capture; each pair counts as a flow, though a few share their five-tuple."""
    rng = random.Random(seed + 2)
    pairs = max(1, int(PAIRS * scale))
    exchanges = [dns.exchange(rng, tunnel=number % TUNNEL_EVERY == 0) for number in range(min(pairs, VARIETY))]
    with CaptureWriter(path) as writer:
        for number in range(pairs):
            start = number * INTERVAL_MICROSECONDS
            writer.settle(start)
            ipv6 = rng.random() < IPV6_SHARE
            resolver = RESOLVER_IPV6 if ipv6 else RESOLVERS[number % 2]
            ends = draw_path(rng, ipv6=ipv6, tagged=False, server=resolver)
            flow = Conversation(ends, rng, start, UDP, dns.DNS_PORT, client_port=rng.randrange(1024, 65536))
            dns.play(flow, rng.choice(exchanges))
            writer.add(flow.frames)
    return Size(writer.packets, pairs)

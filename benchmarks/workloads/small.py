"""Small frames: 4.2 million of 64 to 128 bytes in 100,000 flows, so that the cost is per packet.

Vectorised: the whole capture is planned as arrays, one entry a packet, then frames of the same layout are filled in
together as structured arrays. TCP numbers are consistent within each flow, all checksums are valid.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from .capture import EPOCH_MICROSECONDS, CaptureWriter, Size
from .conversation import CLIENT, SERVER, TCP, UDP
from .tcp import ACK, PSH, SYN

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

PACKETS: Final = 4_200_000
FLOWS: Final = 100_000
INTERVAL_MICROSECONDS: Final = 2

# How many packets are filled in at once: bounds memory, changes nothing else.
BLOCK_PACKETS: Final = 200_000

KIND_TCP, KIND_UDP, KIND_ESP = 0, 1, 2
KIND_SHARES: Final = (0.55, 0.30, 0.15)
TCP_PORTS: Final = (443, 8443, 6379, 5432)
UDP_PORTS: Final = (443, 5060, 16384, 3478)
TLS_PORTS: Final = (443, 8443)
NAT_T_PORT: Final = 4500

FRAME_SIZES: Final = (64, 66, 72, 80, 90, 96, 112, 128)
SYN_FRAME: Final = 66
# TCP frames of these sizes carry no data, only Ethernet padding.
BARE_FRAMES: Final = (64, 66)
TCP_HEADERS: Final = 14 + 20 + 20
UDP_HEADERS: Final = 14 + 20 + 8
SYN_OPTIONS: Final = bytes.fromhex("020405b40101040201030307")

IP_FIELDS: Final = [
    ("seconds", "<u4"),
    ("microseconds", "<u4"),
    ("captured", "<u4"),
    ("original", "<u4"),
    ("ethernet_destination", "u1", 6),
    ("ethernet_source", "u1", 6),
    ("ethertype", ">u2"),
    ("version_and_length", "u1"),
    ("traffic_class", "u1"),
    ("total_length", ">u2"),
    ("identification", ">u2"),
    ("fragment", ">u2"),
    ("ttl", "u1"),
    ("protocol", "u1"),
    ("header_checksum", ">u2"),
    ("source", ">u4"),
    ("destination", ">u4"),
    ("source_port", ">u2"),
    ("destination_port", ">u2"),
]
TCP_FIELDS: Final = [
    ("sequence", ">u4"),
    ("acknowledgement", ">u4"),
    ("data_offset", "u1"),
    ("flags", "u1"),
    ("window", ">u2"),
    ("checksum", ">u2"),
    ("urgent", ">u2"),
]
UDP_FIELDS: Final = [("length", ">u2"), ("checksum", ">u2")]

RECORD_HEADER: Final = 16
IP_OFFSET: Final = RECORD_HEADER + 14
ADDRESS_OFFSET: Final = IP_OFFSET + 12
TRANSPORT_OFFSET: Final = IP_OFFSET + 20


@dataclass(frozen=True, slots=True)
class Flows:
    """One entry a flow."""

    kind: Ints
    addresses: tuple[Ints, Ints]
    ports: tuple[Ints, Ints]
    first_sequence: tuple[Ints, Ints]


@dataclass(frozen=True, slots=True)
class Plan:
    """One entry a packet, in order of time."""

    flow: Ints
    side: Ints
    size: Ints
    payload: Ints
    syn: Flags
    sequence: Ints
    acknowledgement: Ints
    esp_sequence: Ints


class _Grouping:
    """Packets of one flow after another, to number and sum them within their flow."""

    def __init__(self, flow: Ints) -> None:
        self._order = np.argsort(flow, kind="stable")
        grouped = flow[self._order]
        first = np.concatenate(([True], grouped[1:] != grouped[:-1]))
        self._start = np.flatnonzero(first)
        self._group = np.cumsum(first) - 1

    def sum_before(self, values: Ints) -> Ints:
        """For each packet, the sum over the packets of its flow that came before it."""
        grouped = values[self._order]
        before = np.cumsum(grouped) - grouped
        result = np.empty_like(before)
        result[self._order] = before - before[self._start][self._group]
        return result


def draw_flows(generator: np.random.Generator, count: int) -> Flows:
    """Clients of 10/8, servers of 198.18/16."""
    kind = generator.choice(3, count, p=KIND_SHARES)
    server_port = np.select(
        [kind == KIND_TCP, kind == KIND_UDP],
        [generator.choice(TCP_PORTS, count), generator.choice(UDP_PORTS, count)],
        NAT_T_PORT,
    )
    return Flows(
        kind=kind,
        addresses=(
            (10 << 24) + generator.integers(1 << 16, 1 << 22, count),
            (198 << 24 | 18 << 16) + generator.integers(1, 1 << 16, count),
        ),
        ports=(generator.integers(20_000, 61_000, count), server_port),
        first_sequence=(generator.integers(0, 1 << 32, count), generator.integers(0, 1 << 32, count)),
    )


def _draw_order(generator: np.random.Generator, packets: int, flows: int) -> Ints:
    """The flow of each packet: flows begin during the first half, so that a table grows while packets go by."""
    birth = np.sort(generator.random(flows)) * 0.5
    flow = np.concatenate([np.arange(flows), generator.integers(0, flows, packets - flows)])
    position = birth[flow] + generator.random(packets) * (1 - birth[flow])
    position[:flows] = birth
    return flow[np.argsort(position, kind="stable")]


def draw_plan(generator: np.random.Generator, flows: Flows, packets: int) -> Plan:
    """Who sends what; TCP flows begin with SYN, SYN-ACK and an acknowledgement."""
    flow = _draw_order(generator, packets, len(flows.kind))
    groups = _Grouping(flow)
    ordinal = groups.sum_before(np.ones(packets, np.int64))
    tcp = flows.kind[flow] == KIND_TCP
    side = np.select([ordinal == 0, ordinal == 1, tcp & (ordinal == 2)], [CLIENT, SERVER, CLIENT], -1)
    side = np.where(side < 0, generator.integers(0, 2, packets), side)
    syn = tcp & (ordinal < 2)
    size = np.where(syn, SYN_FRAME, generator.choice(FRAME_SIZES, packets))
    bare = tcp & (np.isin(size, BARE_FRAMES) | (ordinal == 2))
    payload = np.where(bare | syn, 0, size - np.where(tcp, TCP_HEADERS, UDP_HEADERS))
    advance = np.where(syn, 1, np.where(tcp, payload, 0))
    sent = [groups.sum_before(np.where(side == end, advance, 0)) for end in (CLIENT, SERVER)]
    packets_sent = [groups.sum_before((side == end).astype(np.int64)) for end in (CLIENT, SERVER)]
    from_client = side == CLIENT
    numbers = [(flows.first_sequence[end][flow] + sent[end]) & 0xFFFFFFFF for end in (CLIENT, SERVER)]
    acknowledgement = np.where(from_client, numbers[SERVER], numbers[CLIENT])
    acknowledgement[ordinal == 0] = 0
    return Plan(
        flow=flow,
        side=side,
        size=size,
        payload=payload,
        syn=syn,
        sequence=np.where(from_client, numbers[CLIENT], numbers[SERVER]),
        acknowledgement=acknowledgement,
        esp_sequence=1 + np.where(from_client, packets_sent[CLIENT], packets_sent[SERVER]),
    )


class _Filler:
    """Makes the bytes of packets that share a transport and a frame size."""

    def __init__(self, generator: np.random.Generator, flows: Flows, plan: Plan) -> None:
        self._generator, self._flows, self._plan = generator, flows, plan

    def tcp(self, chosen: Ints, size: int) -> Bytes:
        """Segments, with options in a SYN and record headers on the ports of TLS."""
        plan, flows = self._plan, self._flows
        room = size - TCP_HEADERS
        frames = self._ip(chosen, size, TCP, TCP_FIELDS, room)
        syn, data = plan.syn[chosen], plan.payload[chosen] > 0
        frames["total_length"] = 40 + plan.payload[chosen] + np.where(syn, len(SYN_OPTIONS), 0)
        frames["sequence"] = plan.sequence[chosen]
        frames["acknowledgement"] = plan.acknowledgement[chosen]
        frames["data_offset"] = np.where(syn, 0x80, 0x50)
        answering = plan.acknowledgement[chosen] != 0
        frames["flags"] = np.select([syn, data], [np.where(answering, SYN | ACK, SYN), PSH | ACK], ACK)
        frames["window"] = 502
        payload = np.where(data[:, None], self._random(len(chosen), room), np.uint8(0))
        tls = data & np.isin(flows.ports[SERVER][plan.flow[chosen]], TLS_PORTS)
        payload[tls, :5] = (23, 3, 3, 0, room - 5)
        if size == SYN_FRAME:
            payload[syn] = np.frombuffer(SYN_OPTIONS, np.uint8)
        frames["payload"] = payload
        return _seal(frames)

    def udp(self, chosen: Ints, size: int) -> Bytes:
        """Datagrams; those to the port of NAT traversal are ESP."""
        plan = self._plan
        room = size - UDP_HEADERS
        frames = self._ip(chosen, size, UDP, UDP_FIELDS, room)
        frames["total_length"] = size - 14
        frames["length"] = size - 34
        payload = self._random(len(chosen), room)
        esp = self._flows.kind[plan.flow[chosen]] == KIND_ESP
        spi = 0x10000000 + 2 * plan.flow[chosen] + plan.side[chosen]
        header = np.stack([spi, plan.esp_sequence[chosen]], axis=1).astype(">u4").view(np.uint8)
        payload[esp, :8] = header[esp]
        frames["payload"] = payload
        return _seal(frames)

    def _random(self, rows: int, columns: int) -> Bytes:
        return self._generator.integers(0, 256, (rows, columns), dtype=np.uint8)

    def _ip(
        self, chosen: Ints, size: int, protocol: int, transport: list[tuple[str, str]], room: int
    ) -> npt.NDArray[np.void]:
        layout = np.dtype([*IP_FIELDS, *transport, ("payload", "u1", room)])
        frames = np.zeros(len(chosen), layout)
        at = EPOCH_MICROSECONDS + chosen * INTERVAL_MICROSECONDS
        flow, from_server = self._plan.flow[chosen], self._plan.side[chosen] == SERVER
        frames["seconds"], frames["microseconds"] = np.divmod(at, 1_000_000)
        frames["captured"] = frames["original"] = size
        frames["ethernet_destination"][:, 0] = frames["ethernet_source"][:, 0] = 2
        frames["ethertype"] = 0x0800
        frames["version_and_length"] = 0x45
        frames["identification"] = chosen & 0xFFFF
        frames["fragment"] = 0x4000
        frames["ttl"] = 64
        frames["protocol"] = protocol
        for field, (client, server) in (("", self._flows.addresses), ("_port", self._flows.ports)):
            frames["source" + field] = np.where(from_server, server[flow], client[flow])
            frames["destination" + field] = np.where(from_server, client[flow], server[flow])
        return frames


def _seal(frames: npt.NDArray[np.void]) -> Bytes:
    """Fill in both checksums (RFC 1071); Ethernet padding is zero and so weighs nothing."""
    octets = frames.view(np.uint8).reshape(len(frames), -1)
    frames["header_checksum"] = 0xFFFF - _word_sum(octets[:, IP_OFFSET:TRANSPORT_OFFSET]) % 0xFFFF
    length = frames["total_length"].astype(np.int64) - 20
    total = _word_sum(octets[:, ADDRESS_OFFSET:]) + frames["protocol"] + length
    checksum = 0xFFFF - total % 0xFFFF
    # Of the two zeros of the sum, UDP needs 0xFFFF, since 0 there means that there is none.
    frames["checksum"] = np.where(frames["protocol"] == TCP, checksum % 0xFFFF, checksum)
    return octets


def _word_sum(octets: Bytes) -> Ints:
    words = np.ascontiguousarray(octets).view(">u2")
    return np.asarray(words.sum(axis=1, dtype=np.int64))


def make(path: Path, seed: int, scale: float) -> Size:
    """Write the capture."""
    generator = np.random.default_rng(seed + 3)
    flows = draw_flows(generator, max(1, int(FLOWS * scale)))
    packets = max(len(flows.kind), int(PACKETS * scale))
    plan = draw_plan(generator, flows, packets)
    filler = _Filler(generator, flows, plan)
    is_tcp = flows.kind[plan.flow] == KIND_TCP
    with CaptureWriter(path) as writer:
        for start in range(0, packets, BLOCK_PACKETS):
            block = np.arange(start, min(start + BLOCK_PACKETS, packets))
            sizes = plan.size[block] + RECORD_HEADER
            ends = np.cumsum(sizes)
            records = np.empty(int(ends[-1]), np.uint8)
            for size in FRAME_SIZES:
                for fill, wanted in ((filler.tcp, is_tcp[block]), (filler.udp, ~is_tcp[block])):
                    here = np.flatnonzero((plan.size[block] == size) & wanted)
                    if len(here):
                        offsets = (ends - sizes)[here]
                        records[offsets[:, None] + np.arange(RECORD_HEADER + size)] = fill(block[here], size)
            writer.write_block(records, len(block))
    return Size(writer.packets, len(flows.kind))

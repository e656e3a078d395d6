"""The same TLS 1.2 session as formats.py, with its packets changed: other IP headers, other TCP segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from formats import BASE, Frame, base_flows, pcap, read
from lab import CLIENT_6, SERVER_6
from scapy.layers.inet import IP, TCP, IPOption_Router_Alert
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN, RouterAlert
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scenario import Flow, Stage, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCAPY = "pypi:scapy"
SEGMENT = 7  # bytes: small and odd, so that record and handshake headers are split too
LARGE = 100  # bytes: the packets of the handshake's flights
MICROSECOND = 1000
APPLICATION_DATA = 23


def shaped(name: str, holds: str) -> Callable[[Callable[[list[Frame]], list[Frame]]], None]:
    """Register a file made by a function over the frames of the base."""

    def decorate(change: Callable[[list[Frame]], list[Frame]]) -> None:
        @written(f"shapes/{name}", holds, SCAPY)
        def make(stage: Stage, out: Path) -> list[Flow]:
            out.write_bytes(pcap(change(read(stage.captures / BASE))))
            return base_flows(stage)

    return decorate


def payload(frame: Frame) -> bytes:
    """The TCP payload; the IP length tells it from Ethernet padding."""
    ip = Ether(frame.data)[IP]
    return bytes(ip)[ip.ihl * 4 + ip[TCP].dataofs * 4 : ip.len]


def rebuilt(frame: Frame, packet: Packet) -> Frame:
    return Frame(frame.time, bytes(packet))


def one_after_another(frames: list[Frame]) -> list[Frame]:
    """The frames in this order, each later than the one before, and no earlier than its own time."""
    timed: list[Frame] = []
    for frame in frames:
        earliest = timed[-1].time + MICROSECOND if timed else 0
        timed.append(Frame(max(frame.time, earliest), frame.data))
    return timed


def without_sums(packet: Packet) -> Packet:
    """Lengths and checksums are computed anew when the packet becomes bytes."""
    for layer, names in ((IP, ("len", "chksum", "ihl")), (TCP, ("chksum",))):
        for name in names:
            packet[layer].delfieldval(name)
    return packet


@shaped("ipv4_options.pcap", "IPv4 with the Router Alert option in each packet")
def ipv4_options(frames: list[Frame]) -> list[Frame]:
    changed = []
    for frame in frames:
        packet = Ether(frame.data)
        packet[IP].options = [IPOption_Router_Alert()]
        changed.append(rebuilt(frame, without_sums(packet)))
    return changed


@written("shapes/ipv6_extensions.pcap", "IPv6 with Hop-by-Hop and Destination Options headers in each packet", SCAPY)
def ipv6_extensions(stage: Stage, out: Path) -> list[Flow]:
    changed = []
    for frame in read(stage.captures / BASE):
        old = Ether(frame.data)
        tcp = old[TCP].copy()
        tcp.delfieldval("chksum")
        from_client = tcp.dport == 443
        ends = (CLIENT_6, SERVER_6) if from_client else (SERVER_6, CLIENT_6)
        options = IPv6ExtHdrHopByHop(options=[RouterAlert()]) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * 4)])
        changed.append(rebuilt(frame, Ether(src=old.src, dst=old.dst) / IPv6(src=ends[0], dst=ends[1]) / options / tcp))
    out.write_bytes(pcap(changed))
    return [{**flow, "src_ip": CLIENT_6, "dst_ip": SERVER_6} for flow in base_flows(stage)]


def segmented(frame: Frame, size: int) -> list[Frame]:
    """A data packet as segments of at most `size` bytes."""
    data, parts = payload(frame), []
    for start in range(0, len(data), size):
        packet = without_sums(Ether(frame.data))
        packet[TCP].seq += start
        packet[TCP].remove_payload()
        parts.append(rebuilt(frame, packet / Raw(data[start : start + size])))
    return parts


@shaped("small_segments.pcap", f"all data in TCP segments of {SEGMENT} bytes or fewer")
def small_segments(frames: list[Frame]) -> list[Frame]:
    return one_after_another([part for frame in frames for part in segmented(frame, SEGMENT) or [frame]])


@shaped("out_of_order.pcap", "the large handshake packets in three segments each, the last one first")
def out_of_order(frames: list[Frame]) -> list[Frame]:
    changed: list[Frame] = []
    for frame in frames:
        size = len(payload(frame))
        changed += segmented(frame, size // 3 + 1)[::-1] if size > LARGE else [frame]
    return one_after_another(changed)


@shaped("duplicated.pcap", "each data packet twice")
def duplicated(frames: list[Frame]) -> list[Frame]:
    return one_after_another([copy for frame in frames for copy in [frame] * (2 if payload(frame) else 1)])


@written("shapes/mid_stream.pcap", "the session from its first application data on: no SYN, no handshake", SCAPY)
def mid_stream(stage: Stage, out: Path) -> list[Flow]:
    frames = read(stage.captures / BASE)
    first = next(number for number, frame in enumerate(frames) if payload(frame)[:1] == bytes([APPLICATION_DATA]))
    out.write_bytes(pcap(frames[first:]))
    absent = ["tls.version", "tls.suite", "tls.group", "tls.sni", "tls.certificates"]
    return [{"transport": "tcp", "dst_port": 443, "class": "tls", "protocol": "tls", "absent": absent}]

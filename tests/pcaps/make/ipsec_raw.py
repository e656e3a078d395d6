"""ESP and AH directly over IP, and ESP with NULL encryption.

The kernel of the making machine has no ESP and strongSwan's user-space ESP always uses UDP: scapy writes these
files. A small HTTP exchange is what is protected, or not.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lab import CLIENTS, SERVERS
from scapy.layers.inet import IP, TCP
from scapy.layers.ipsec import AH, ESP, SecurityAssociation
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap
from scenario import Flow, Stage, finding, flow, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCAPY = "pypi:scapy"
GATEWAYS = (CLIENTS[0], SERVERS[0])
INNER = ("203.0.113.1", "203.0.113.129")
REQUEST = b"GET / HTTP/1.1\r\nHost: plain.example.test\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
STEP = 0.001  # seconds between packets


def exchange(ends: tuple[str, str]) -> list[tuple[int, Packet]]:
    """An HTTP exchange over TCP: (direction, IP packet), direction 0 from the client."""
    steps = [(0, "S", b""), (1, "SA", b""), (0, "A", b""), (0, "PA", REQUEST), (1, "PA", RESPONSE)]
    steps += [(0, "FA", b""), (1, "FA", b""), (0, "A", b"")]
    ports, sequence = (40000, 80), [1000, 5000]
    packets: list[tuple[int, Packet]] = []
    for way, flags, data in steps:
        ip = IP(src=ends[way], dst=ends[1 - way], id=len(packets) + 1)
        acknowledge = sequence[1 - way] if "A" in flags else 0
        tcp = TCP(sport=ports[way], dport=ports[1 - way], flags=flags, seq=sequence[way], ack=acknowledge)
        packet = ip / tcp / Raw(data) if data else ip / tcp
        packets.append((way, IP(bytes(packet))))
        sequence[way] += len(data) + sum(flag in flags for flag in "SF")
    return packets


def write(out: Path, make: Callable[[int], SecurityAssociation], ends: tuple[str, str]) -> None:
    """The exchange under one security association a direction, on Ethernet, timed from now."""
    associations = [make(0), make(1)]
    macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")
    start = time.time()
    frames = []
    for number, (way, packet) in enumerate(exchange(ends)):
        frame = Ether(src=macs[way], dst=macs[1 - way]) / associations[way].encrypt(packet)  # type: ignore[no-untyped-call]
        frame.time = start + number * STEP
        frames.append(frame)
    wrpcap(str(out), frames)


def tunnel(proto: Any, spis: tuple[int, int], **keys: Any) -> Callable[[int], SecurityAssociation]:
    """A pair of tunnel-mode associations between the gateways."""

    def make(way: int) -> SecurityAssociation:
        outer = IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way])
        return SecurityAssociation(proto, spi=spis[way], tunnel_header=outer, **keys)  # type: ignore[no-untyped-call]

    return make


def esp_flow(spis: tuple[int, int], *, null: bool, **more: Any) -> Flow:
    esp = {"spis": [f"0x{spi:08x}" for spi in spis], "nat_t": False, "null_encryption": null}
    return flow("esp", None, "ipsec", transport="esp", esp=esp, **more)


@written("esp_raw.pcap", "ESP with AES-GCM in tunnel mode, directly over IP: written by scapy", SCAPY)
def esp_raw(_: Stage, out: Path) -> list[Flow]:
    spis = (0xC0FFEE01, 0xC0FFEE02)
    write(out, tunnel(ESP, spis, crypt_algo="AES-GCM", crypt_key=b"k" * 20), INNER)
    return [esp_flow(spis, null=False)]


@written("esp_null.pcap", "ESP with NULL encryption in tunnel mode around readable HTTP: written by scapy", SCAPY)
def esp_null(_: Stage, out: Path) -> list[Flow]:
    spis = (0xC0FFEE03, 0xC0FFEE04)
    keys = {"crypt_algo": "NULL", "crypt_key": b"", "auth_algo": "SHA2-256-128", "auth_key": b"k" * 32}
    write(out, tunnel(ESP, spis, **keys), INNER)
    outside = esp_flow(spis, null=True, findings=[finding("esp.null_encryption")])
    ends: dict[str, Any] = {"src_ip": INNER[0], "dst_ip": INNER[1], "src_port": 40000}
    return [outside, flow("http", 80, "plaintext", **ends, tunnel=[f"esp:0x{spis[0]:08x}"])]


@written("ah.pcap", "AH in transport mode around readable HTTP: written by scapy", SCAPY)
def ah(_: Stage, out: Path) -> list[Flow]:
    spis = (0xC0FFEE05, 0xC0FFEE06)

    def make(way: int) -> SecurityAssociation:
        return SecurityAssociation(AH, spi=spis[way], auth_algo="SHA2-256-128", auth_key=b"k" * 32)  # type: ignore[no-untyped-call]

    write(out, make, GATEWAYS)
    outside = flow("ah", None, "ipsec", transport="ah")
    ends: dict[str, Any] = {"src_ip": GATEWAYS[0], "dst_ip": GATEWAYS[1], "src_port": 40000}
    return [outside, flow("http", 80, "plaintext", **ends, tunnel=[f"ah:0x{spis[0]:08x}"])]

"""One two-way conversation below the application: Ethernet, 802.1Q, IPv4, IPv6, UDP, ICMP, ESP.

Headers that stay the same are built once, and checksums (RFC 1071) are worked out modulo 0xFFFF over one big
integer, which is the quickest way in CPython. TCP is next door in tcp.py.
"""

import random
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .capture import Frame

CLIENT: Final = 0
SERVER: Final = 1

ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
ESP: Final = 50

IPV6_BYTES: Final = 16

# Sizes of the simulated site, and how much of its traffic is tagged or IPv6.
CLIENTS: Final = 2000
SERVERS: Final = 5000
VLANS: Final = 8
IPV6_SHARE: Final = 0.12
VLAN_SHARE: Final = 0.10
ROUND_TRIPS_MICROSECONDS: Final = (600, 2000, 8000, 20000, 40000)
EPHEMERAL_PORTS: Final = (32768, 61000)


def internet_checksum(data: bytes) -> int:
    """RFC 1071 over whole data, as it stands in a header."""
    if len(data) % 2:
        data += b"\0"
    return 0xFFFF - int.from_bytes(data, "big") % 0xFFFF


@dataclass(frozen=True, slots=True)
class Path:
    """The two hosts, client first, and the VLAN on which they were seen."""

    addresses: tuple[bytes, bytes]
    vlan: int | None
    client_mac: bytes

    @property
    def ipv6(self) -> bool:
        """Whether the addresses are of IPv6."""
        return len(self.addresses[0]) == IPV6_BYTES

    def link_header(self, side: int) -> bytes:
        """Ethernet header, with the 802.1Q tag where there is one, of a frame that `side` sends."""
        client, router = self.client_mac, b"\x02\x00\x00\xff\x00\x01"
        ends = router + client if side == CLIENT else client + router
        tag = b"" if self.vlan is None else struct.pack(">HH", 0x8100, self.vlan)
        return ends + tag + (b"\x86\xdd" if self.ipv6 else b"\x08\x00")


def draw_path(
    rng: random.Random, *, ipv6: bool | None = None, tagged: bool | None = None, server: bytes | None = None
) -> Path:
    """A client of the site and a server of the documentation and benchmarking networks (RFC 2544, RFC 3849)."""
    six = rng.random() < IPV6_SHARE if ipv6 is None else ipv6
    client, peer = rng.randrange(CLIENTS), rng.randrange(SERVERS)
    if six:
        addresses = (
            bytes.fromhex("20010db8000100000000000000") + client.to_bytes(3, "big"),
            bytes.fromhex("20010db8ffff00000000000000") + peer.to_bytes(3, "big"),
        )
    else:
        addresses = (bytes((10, 1 + client // 250, client % 250, 10)), bytes((198, 18, peer // 250, 1 + peer % 250)))
    vlan = 100 + client % VLANS if (rng.random() < VLAN_SHARE if tagged is None else tagged) else None
    mac = b"\x02\x00\x00\x00" + client.to_bytes(2, "big")
    return Path(addresses if server is None else (addresses[0], server), vlan, mac)


class Conversation:
    """Frames between the two ends of a path over one protocol; `now` is the time of the next frame."""

    def __init__(
        self,
        path: Path,
        rng: random.Random,
        start: int,
        protocol: int,
        server_port: int,
        *,
        client_port: int | None = None,
    ) -> None:
        self.path, self.rng, self.start, self.now, self.protocol = path, rng, start, start, protocol
        self.ports = (rng.randrange(*EPHEMERAL_PORTS) if client_port is None else client_port, server_port)
        self.round_trip = rng.choice(ROUND_TRIPS_MICROSECONDS)
        self.frames: list[Frame] = []
        self.bytes = 0
        self._link = (path.link_header(CLIENT), path.link_header(SERVER))
        self._identification = rng.getrandbits(16)
        client, server = path.addresses
        self._directed = (client + server, server + client)
        self._ports = tuple(struct.pack(">HH", *pair) for pair in (self.ports, self.ports[::-1]))
        # The addresses and the protocol of the pseudo-header weigh the same in both directions.
        self._pseudo = int.from_bytes(client + server, "big") + protocol

    def packet(self, side: int, payload: bytes, at: int | None = None) -> None:
        """One IP packet from `side`, carrying a ready-made payload of the conversation's protocol."""
        addresses = self._directed[side]
        if self.path.ipv6:
            header = struct.pack(">IHBB", 0x60000000, len(payload), self.protocol, 64) + addresses
        else:
            self._identification = (self._identification + 1) & 0xFFFF
            total = 20 + len(payload)
            fields = struct.pack(">BBHHHBB", 0x45, 0, total, self._identification, 0x4000, 64, self.protocol)
            checksum = 0xFFFF - (int.from_bytes(fields, "big") + int.from_bytes(addresses, "big")) % 0xFFFF
            header = fields + checksum.to_bytes(2, "big") + addresses
        self.frames.append((self.now if at is None else at, self._link[side] + header + payload))
        self.bytes += len(header) + len(payload)

    def udp(self, side: int, data: bytes) -> None:
        """One datagram from `side`."""
        head = self._ports[side] + (8 + len(data)).to_bytes(2, "big")
        checksum = self.transport_checksum(head + b"\0\0" + data)
        self.packet(side, head + checksum.to_bytes(2, "big") + data)

    def transport_checksum(self, segment: bytes) -> int:
        """Over the pseudo-header and a segment whose checksum field is zero."""
        padded = segment if len(segment) % 2 == 0 else segment + b"\0"
        return 0xFFFF - (int.from_bytes(padded, "big") + self._pseudo + len(segment)) % 0xFFFF

    def wait(self, microseconds: int) -> None:
        """Let time pass before the next frame."""
        self.now += microseconds

    def address(self, side: int) -> str:
        """The address of one end as text."""
        return str(ip_address(self.path.addresses[side]))

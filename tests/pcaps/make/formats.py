"""One TLS 1.2 session in every container, link type and shape in which it could have been captured.

Each file is the packets of tls12_ecdhe_rsa.pcap again, with the same times and payloads; what is read from it
must not differ. Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, tcpdump.org/linktypes.html.
"""

from __future__ import annotations

import gzip
import lzma
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab import run
from scenario import Flow, Stage, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

BASE = "tls12_ecdhe_rsa.pcap"
ETHERNET, NULL, RAW, LOOP, SLL, SLL2, IPV4 = 1, 0, 101, 108, 113, 276, 228
IPV4_ETHERTYPE, AF_INET = 0x0800, 2
NANO = 1_000_000_000


@dataclass(frozen=True)
class Frame:
    """A packet and its time in nanoseconds."""

    time: int
    data: bytes


def read(path: Path) -> list[Frame]:
    """The frames of a little-endian pcap file with microseconds, as tcpdump writes it here."""
    content = path.read_bytes()
    if content[:4] != struct.pack("<I", 0xA1B2C3D4):
        raise ValueError(f"{path} is not such a file")
    frames, at = [], 24
    while at < len(content):
        seconds, micros, length, _ = struct.unpack_from("<IIII", content, at)
        frames.append(Frame(seconds * NANO + micros * 1000, content[at + 16 : at + 16 + length]))
        at += 16 + length
    return frames


def pcap(
    frames: Sequence[Frame], *, magic: int = 0xA1B2C3D4, order: str = "<", nano: bool = False, link: int = ETHERNET
) -> bytes:
    """A pcap file; the modified magic 0xa1b2cd34 has eight more bytes in each record header."""
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for frame in frames:
        fraction = frame.time % NANO // (1 if nano else 1000)
        parts.append(struct.pack(order + "IIII", frame.time // NANO, fraction, len(frame.data), len(frame.data)))
        if magic == 0xA1B2CD34:
            # Interface index, protocol and packet type, as Kuznetzov's patched libpcap added them.
            parts.append(struct.pack(order + "IHBB", 2, IPV4_ETHERTYPE, 0, 0))
        parts.append(frame.data)
    return b"".join(parts)


def block(order: str, kind: int, body: bytes) -> bytes:
    """A pcapng block: type, length, body padded to 32 bits, length."""
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(frames: Sequence[Frame], order: str = "<") -> bytes:
    """Two interfaces: microseconds by default, and if_tsresol 9 (nanoseconds); the frames take turns."""
    section = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    end = option(order, 0, b"")
    comment = option(order, 1, b"made by tests/pcaps/make")
    plain = struct.pack(order + "HHI", ETHERNET, 0, 0) + option(order, 2, b"eth0") + end
    fine = struct.pack(order + "HHI", ETHERNET, 0, 0) + option(order, 2, b"eth1") + option(order, 9, b"\x09") + end
    parts = [block(order, 0x0A0D0D0A, section + comment + end), block(order, 1, plain), block(order, 1, fine)]
    for number, frame in enumerate(frames):
        interface = number % 2
        stamp = frame.time if interface else frame.time // 1000
        head = struct.pack(
            order + "IIIII", interface, stamp >> 32, stamp & 0xFFFFFFFF, len(frame.data), len(frame.data)
        )
        parts.append(block(order, 6, head + frame.data))
    return b"".join(parts)


def base_flows(stage: Stage) -> list[Flow]:
    return [dict(flow) for flow in stage.made(BASE)["flow"]]


def variant(name: str, holds: str, write: Callable[[list[Frame]], bytes], **notes: Any) -> None:
    """Register a file that is the base's packets, written by `write`."""

    @written(f"formats/{name}", holds, **notes)
    def make(stage: Stage, out: Path) -> list[Flow]:
        out.write_bytes(write(read(stage.captures / BASE)))
        return base_flows(stage)


def relinked(name: str, holds: str, link: int, header: Callable[[bytes], bytes]) -> None:
    """Register a file of another link type: `header` gets the Ethernet header that it replaces."""

    def write(frames: list[Frame]) -> bytes:
        return pcap([Frame(frame.time, header(frame.data[:14]) + frame.data[14:]) for frame in frames], link=link)

    variant(name, holds, write)


def tagged(ethernet: bytes, *tags: tuple[int, int]) -> bytes:
    """VLAN tags as (TPID, VLAN) between the addresses and the EtherType."""
    return ethernet[:12] + b"".join(struct.pack(">HH", tpid, vlan) for tpid, vlan in tags) + ethernet[12:]


def cooked(ethernet: bytes) -> bytes:
    """LINKTYPE_LINUX_SLL: packet type (to us), ARPHRD_ETHER, address length, address, protocol."""
    return struct.pack(">HHH6s2xH", 0, 1, 6, ethernet[6:12], IPV4_ETHERTYPE)


def cooked2(ethernet: bytes) -> bytes:
    """LINKTYPE_LINUX_SLL2: protocol, interface, ARPHRD_ETHER, packet type, address length, address."""
    return struct.pack(">H2xIHBB6s2x", IPV4_ETHERTYPE, 2, 1, 0, 6, ethernet[6:12])


def compressed_zstd(frames: list[Frame], stage: Stage, out: Path) -> None:
    plain = stage.lab.scratch("plain.pcap")
    plain.write_bytes(pcap(frames))
    run(["zstd", "-q", "-f", "-19", str(plain), "-o", str(out)])


variant("us_le.pcap", "pcap, microseconds, little-endian", pcap)
variant("us_be.pcap", "pcap, microseconds, big-endian", lambda frames: pcap(frames, order=">"))
variant("ns_le.pcap", "pcap, nanoseconds, little-endian", lambda frames: pcap(frames, magic=0xA1B23C4D, nano=True))
variant(
    "ns_be.pcap", "pcap, nanoseconds, big-endian", lambda frames: pcap(frames, magic=0xA1B23C4D, nano=True, order=">")
)
variant("modified.pcap", "pcap with the modified magic 0xa1b2cd34", lambda frames: pcap(frames, magic=0xA1B2CD34))
variant("two_interfaces.pcapng", "pcapng, two interfaces, µs and if_tsresol ns, little-endian", pcapng)
variant("big_endian.pcapng", "pcapng, two interfaces, µs and ns, big-endian", lambda frames: pcapng(frames, ">"))
variant("us_le.pcap.gz", "pcap in gzip", lambda frames: gzip.compress(pcap(frames), mtime=0))
variant("us_le.pcap.xz", "pcap in xz", lambda frames: lzma.compress(pcap(frames)))


@written("formats/us_le.pcap.zst", "pcap in zstd", "zstd")
def zstd(stage: Stage, out: Path) -> list[Flow]:
    compressed_zstd(read(stage.captures / BASE), stage, out)
    return base_flows(stage)


# The last record is the client's final ACK: nothing of the session is lost, but the file is damaged.
variant("cut.pcap", "pcap cut 20 bytes before its end", lambda frames: pcap(frames)[:-20], damaged=True)
variant("cut.pcapng", "pcapng cut 20 bytes before its end", lambda frames: pcapng(frames)[:-20], damaged=True)

relinked("vlan.pcap", "802.1Q tag", ETHERNET, lambda ethernet: tagged(ethernet, (0x8100, 42)))
relinked("qinq.pcap", "802.1ad and 802.1Q tags", ETHERNET, lambda ethernet: tagged(ethernet, (0x88A8, 7), (0x8100, 42)))
relinked("cooked.pcap", "Linux cooked capture, version 1", SLL, cooked)
relinked("cooked2.pcap", "Linux cooked capture, version 2", SLL2, cooked2)
relinked("raw.pcap", "raw IP", RAW, lambda _: b"")
relinked("raw_ipv4.pcap", "raw IPv4", IPV4, lambda _: b"")
relinked("null.pcap", "BSD loopback, address family in host order", NULL, lambda _: struct.pack("<I", AF_INET))
relinked("loop.pcap", "OpenBSD loopback, address family in network order", LOOP, lambda _: struct.pack(">I", AF_INET))

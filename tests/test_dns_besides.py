"""What is told about DNS besides tunnels, and about other protocols that carry data as it does: each from packets."""

import random
import ssl
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from captures import PCAPS
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

import probe

CLIENT, SERVER = "10.4.0.9", "192.0.2.53"
ASK = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0)


def name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def query(text: str, kind: int = 1) -> bytes:
    return ASK + name(text) + struct.pack("!2H", kind, 1)


def udp(payload: bytes, port: int = 53, source: int = 40_000) -> Packet:
    return IP(src=CLIENT, dst=SERVER) / UDP(sport=source, dport=port) / Raw(payload)


def replayed(path: Path, packets: list[Packet], every: float = 1.0) -> dict[str, dict[str, Any]]:
    """Findings by check, of packets one after another."""
    for number, packet in enumerate(packets):
        packet.time = 1_800_000_000 + number * every
    wrpcap(str(path), packets)
    found = {record["check"]: record for record in probe.replay(path) if record["type"] == "finding"}
    return {check: record for check, record in found.items() if check.startswith(("dns.", "icmp.", "ntp."))}


def talk(port: int, up: list[bytes], down: list[bytes]) -> list[Packet]:
    """A TCP connection in which both say what they have, in turn."""
    there, back = IP(src=CLIENT, dst=SERVER), IP(src=SERVER, dst=CLIENT)
    packets = [there / TCP(sport=4000, dport=port, flags="S", seq=99)]
    packets.append(back / TCP(sport=port, dport=4000, flags="SA", seq=499, ack=100))
    sent, got = 100, 500
    for number in range(max(len(up), len(down))):
        for part in up[number : number + 1]:
            packets.append(there / TCP(sport=4000, dport=port, flags="PA", seq=sent, ack=got) / Raw(part))
            sent += len(part)
        for part in down[number : number + 1]:
            packets.append(back / TCP(sport=port, dport=4000, flags="PA", seq=got, ack=sent) / Raw(part))
            got += len(part)
    return packets


def hello(server: str, alpn: list[str]) -> bytes:
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if alpn:
        context.set_alpn_protocols(alpn)
    out = ssl.MemoryBIO()
    session = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=server)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return out.read()


@pytest.mark.parametrize(
    ("port", "server", "alpn", "how", "whose"),
    [
        (853, "resolver.example", [], "dot", None),
        (8853, "resolver.example", ["dot"], "dot", None),
        (443, "dns.google", ["h2"], "doh", "dns.google"),
        (443, "mozilla.cloudflare-dns.com", ["h2"], "doh", "mozilla.cloudflare-dns.com"),
        (443, "www.example", ["h2"], None, None),
    ],
)
def test_resolvers_under_encryption(
    tmp_path: Path, port: int, server: str, alpn: list[str], how: str | None, whose: str | None
) -> None:
    found = replayed(tmp_path / "tls.pcap", talk(port, [hello(server, alpn)], []))
    if how is None:
        assert found == {}
        return
    observed = found["dns.encrypted_resolver"]["observed"]
    assert (observed["dns.encrypted_resolver"], observed.get("dns.resolver_name")) == (how, whose)
    assert found["dns.encrypted_resolver"]["endpoint"] == f"{SERVER}:{port}/tcp"


def test_a_resolver_over_quic_by_its_port(tmp_path: Path) -> None:
    """Initial packets are under keys of what they say themselves, not of their ports."""
    packets = [packet for packet in rdpcap(str(PCAPS / "quic.pcap")) if UDP in packet]
    for packet in packets:
        for end in ("sport", "dport"):
            if getattr(packet[UDP], end) in (443, 4433, 8443):
                setattr(packet[UDP], end, 853)
        packet[UDP].chksum = None
    found = replayed(tmp_path / "doq.pcap", packets, 0.01)
    assert found["dns.encrypted_resolver"]["observed"]["dns.encrypted_resolver"] == "doq"


def options(rng: random.Random) -> list[Packet]:
    def with_option(number: int) -> bytes:
        data = rng.randbytes(32)
        option = struct.pack("!HH", 65001, len(data)) + data
        opt = struct.pack("!BHHIH", 0, 41, 1232, 0, len(option)) + option
        return struct.pack("!6H", number, 0x0100, 1, 0, 0, 1) + query("www.carrier.com")[12:] + opt

    return [udp(with_option(number), source=40_000 + number) for number in range(6)]


def spellings(rng: random.Random) -> list[Packet]:
    def mixed(text: str) -> str:
        return "".join(rng.choice((letter.upper(), letter)) for letter in text)

    usual = [udp(query(f"host{number}.site.com"), source=40_000 + number) for number in range(40)]
    odd = [udp(query(mixed("keepalive.carrier.com")), source=41_000 + number) for number in range(40)]
    return usual + odd


def beats(_rng: random.Random) -> list[Packet]:
    return [udp(query("status.carrier.com"), source=40_000 + number) for number in range(100)]


def transfer(rng: random.Random) -> list[Packet]:
    message = (
        struct.pack("!6H", 7, 0x8180, 1, 1, 0, 0) + query("big.example.com", 16)[12:] + b"\xc0\x0c\0\x10\0\1\0\0\0\1"
    )
    message += struct.pack("!H", 30_000) + rng.randbytes(30_000)
    stream = (struct.pack("!H", len(message)) + message) * 10
    asked = struct.pack("!H", len(query("big.example.com", 16))) + query("big.example.com", 16)
    return talk(53, [asked], [stream[at : at + 1400] for at in range(0, len(stream), 1400)])


def bytes_on_53(rng: random.Random) -> list[Packet]:
    return [udp(b"\xff" + rng.randbytes(300)) for _ in range(8)]


def ssh_on_53(rng: random.Random) -> list[Packet]:
    key_exchange = struct.pack("!IBB", 1000, 6, 20) + rng.randbytes(998)
    return talk(53, [b"SSH-2.0-OpenSSH_9.6\r\n", key_exchange], [b"SSH-2.0-OpenSSH_9.2p1\r\n", key_exchange])


def odd_port(_rng: random.Random) -> list[Packet]:
    return [udp(query("www.example.com"), port=5300)]


def echoes(rng: random.Random) -> list[Packet]:
    packets = []
    for number in range(20):
        packets.append(IP(src=CLIENT, dst=SERVER) / ICMP(type=8, id=7, seq=number) / Raw(rng.randbytes(60)))
        packets.append(IP(src=SERVER, dst=CLIENT) / ICMP(type=0, id=7, seq=number) / Raw(rng.randbytes(900)))
    return packets


def times(rng: random.Random) -> list[Packet]:
    """NTP, version 4, with far more behind its 48 bytes than answers to it have."""
    ask, answer = b"\x23" + bytes(47), b"\x24\1\6\xec" + bytes(44)
    packets = []
    for _ in range(20):
        packets.append(udp(ask + rng.randbytes(400), port=123))
        packets.append(IP(src=SERVER, dst=CLIENT) / UDP(sport=123, dport=40_000) / Raw(answer))
    return packets


@pytest.mark.parametrize(
    ("make", "every", "check", "evidence", "observed"),
    [
        (options, 1.0, "dns.option", "observed", {"client": CLIENT, "domain": "carrier.com"}),
        (spellings, 1.0, "dns.case", "inferred", {"client": CLIENT, "domain": "carrier.com"}),
        (beats, 60.0, "dns.beacon", "inferred", {"dns.interval": 60}),
        (transfer, 0.01, "dns.tcp_volume", "observed", {"dns.tcp_bytes": 1 << 18}),
        (bytes_on_53, 1.0, "dns.port_53", "observed", {"dns.port_53": "unknown"}),
        (ssh_on_53, 0.1, "dns.port_53", "observed", {"dns.port_53": "ssh"}),
        (odd_port, 1.0, "dns.odd_port", "observed", {"dns.port": 5300}),
        (echoes, 1.0, "icmp.tunnel", "inferred", {"icmp.tunnel": True}),
        (times, 1.0, "ntp.tunnel", "inferred", {"ntp.tunnel": True}),
    ],
)
def test_each_has_a_finding_of_its_own(
    tmp_path: Path,
    make: Callable[[random.Random], list[Packet]],
    every: float,
    check: str,
    evidence: str,
    observed: dict[str, Any],
) -> None:
    found = replayed(tmp_path / "made.pcap", make(random.Random(41)), every)
    assert set(found) - {"dns.tunnel"} == {check}
    assert found[check]["observed"] == observed
    assert found[check]["evidence"]["class"] == evidence


def test_what_is_usual_has_none(tmp_path: Path) -> None:
    rng = random.Random(42)
    ping = b"abcdefghijklmnopqrstuvw"
    packets = [udp(query("www.example.com"))]
    for number in range(20):
        packets.append(IP(src=CLIENT, dst=SERVER) / ICMP(type=8, id=7, seq=number) / Raw(ping))
        packets.append(IP(src=SERVER, dst=CLIENT) / ICMP(type=0, id=7, seq=number) / Raw(ping))
        packets.append(udp(b"\x23" + bytes(47), port=123))
        packets.append(
            IP(src=SERVER, dst=CLIENT) / UDP(sport=123, dport=40_000) / Raw(b"\x24\1\6\xec" + rng.randbytes(44))
        )
    assert replayed(tmp_path / "usual.pcap", packets) == {}


def test_multicast_dns_and_llmnr_are_told_apart_and_not_judged(tmp_path: Path) -> None:
    rng = random.Random(43)
    path = tmp_path / "multicast.pcap"
    packets: list[Packet] = []
    for number in range(60):
        secret = rng.randbytes(25).hex()
        below_a_zone = query(f"{secret}.carrier.com", 16)
        mdns = UDP(sport=5353, dport=5353) / Raw(struct.pack("!6H", 0, 0, 1, 0, 0, 0) + below_a_zone[12:])
        packets.append(Ether() / IP(src=CLIENT, dst="224.0.0.251", ttl=255) / mdns)
        llmnr = UDP(sport=50_000 + number, dport=5355) / Raw(
            struct.pack("!6H", number, 0, 1, 0, 0, 0) + below_a_zone[12:]
        )
        packets.append(Ether() / IPv6(src="fe80::1", dst="ff02::1:3") / llmnr)
    for number, packet in enumerate(packets):
        packet.time = 1_800_000_000 + number * 0.5
    wrpcap(str(path), packets)
    records = list(probe.replay(path))
    assert {record["protocol"] for record in records if record["type"] == "flow"} == {"mdns", "llmnr"}
    assert [record for record in records if record.get("check") == "dns.tunnel"] == []

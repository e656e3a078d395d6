"""The core against independent dissectors: scapy and dpkt say what is in every test capture.

scapy is GPL and slow to import: it is a judge here and nothing else, imported once. Where an oracle cannot read a
capture, the table says why.
"""

import base64
import hashlib
import ipaddress
import logging
import struct
import warnings
from collections import defaultdict
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

import dpkt
import pytest
from captures import NAMES, PCAPS, carried, flows, summary
from cryptography import x509

GREASE: Final = {0x0A0A + 0x1010 * n for n in range(16)}
NUMBERS: Final = {"icmp": 1, "tcp": 6, "udp": 17, "esp": 50, "ah": 51, "icmpv6": 58, "wesp": 141}
# What scapy cannot read, and why.
UNREADABLE: Final = {
    "formats/us_le.pcap.xz": "scapy opens only gzip",
    "formats/us_le.pcap.zst": "scapy opens only gzip",
    "formats/modified.pcap": "scapy does not know the magic number 0xa1b2cd34",
    "formats/cut.pcap": "cut on purpose",
    "formats/cut.pcapng": "cut on purpose",
}
READABLE: Final = [name for name in NAMES if name not in UNREADABLE]


@pytest.fixture(scope="module")
def scapy() -> SimpleNamespace:
    """The parts of scapy that judge, imported with its warnings muted: they are about its own dependencies."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scapy.layers import inet, inet6, ipsec, isakmp, l2  # noqa: F401 - loading a layer makes it known
        from scapy.layers.tls import handshake
        from scapy.utils import PcapReader
    return SimpleNamespace(reader=PcapReader, inet=inet, inet6=inet6, isakmp=isakmp, tls=handshake)


Packet = tuple[str, str, int, str, int, int, Any]


def _packets(scapy: SimpleNamespace, name: str) -> Iterator[Packet]:
    """(transport, src, sport, dst, dport, IP bytes, layer) of each packet, as scapy dissects it."""
    inet, inet6 = scapy.inet, scapy.inet6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with scapy.reader(str(PCAPS / name)) as reader:
            for frame in reader:
                if (ip := frame.getlayer(inet.IP)) is not None:
                    number, size = ip.proto, ip.len
                elif (ip := frame.getlayer(inet6.IPv6)) is not None:
                    size = ip.plen + 40
                    number = next(
                        (NUMBERS[k] for k, v in (("tcp", inet.TCP), ("udp", inet.UDP)) if frame.haslayer(v)), 58
                    )
                else:
                    continue
                transport = next(word for word, known in NUMBERS.items() if known == number)
                layer = frame.getlayer({"tcp": inet.TCP, "udp": inet.UDP}.get(transport, type(ip)))
                ports = (layer.sport, layer.dport) if transport in ("tcp", "udp") else (0, 0)
                yield transport, ip.src, ports[0], ip.dst, ports[1], size, layer


def _key(transport: str, src: str, sport: int, dst: str, dport: int) -> tuple[Any, ...]:
    ends = sorted([(ipaddress.ip_address(src).packed, sport), (ipaddress.ip_address(dst).packed, dport)])
    return transport, *ends


def _counted(packets: Iterator[Packet]) -> dict[Any, list[int]]:
    """Packets and bytes from either end, by unordered 5-tuple; the lower end first."""
    totals: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for transport, src, sport, dst, dport, size, _ in packets:
        key = _key(transport, src, sport, dst, dport)
        side = 0 if key[1] == (ipaddress.ip_address(src).packed, sport) else 1
        totals[key][side] += 1
        totals[key][2 + side] += size
    return dict(totals)


def _recorded(name: str) -> dict[Any, list[int]]:
    """The same sums from our records."""
    totals: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for flow in flows(name):
        if carried(flow):
            continue  # the oracles count what is around it
        src, sport, dst, dport = flow["src_ip"], flow.get("src_port", 0), flow["dst_ip"], flow.get("dst_port", 0)
        key = _key(flow["transport"], src, sport, dst, dport)
        first = 0 if key[1] == (ipaddress.ip_address(src).packed, sport) else 1
        for side, at in ((first, 0), (1 - first, 1)):
            totals[key][side] += flow["packets"][at]
            totals[key][2 + side] += flow["bytes"][at]
    return dict(totals)


@pytest.mark.parametrize("name", READABLE)
def test_scapy_counts_the_same_packets_and_bytes(scapy: SimpleNamespace, name: str) -> None:
    counted = _counted(_packets(scapy, name))
    assert _recorded(name) == counted
    assert sum(sums[0] + sums[1] for sums in counted.values()) <= summary(name)["packets"]


def _dpkt_packets(name: str) -> Iterator[Packet]:
    with (PCAPS / name).open("rb") as file:
        reader = dpkt.pcapng.Reader(file) if name.endswith("ng") else dpkt.pcap.Reader(file)
        for _, frame in reader:
            ip = dpkt.ethernet.Ethernet(frame).data
            if isinstance(ip, dpkt.ip.IP):
                number, size, addresses = ip.p, ip.len, (ip.src, ip.dst)
            elif isinstance(ip, dpkt.ip6.IP6):
                number, size, addresses = ip.p, ip.plen + 40, (ip.src, ip.dst)
            else:
                continue
            transport = next(word for word, known in NUMBERS.items() if known == number)
            ports = (ip.data.sport, ip.data.dport) if transport in ("tcp", "udp") else (0, 0)
            src, dst = (str(ipaddress.ip_address(address)) for address in addresses)
            yield transport, src, ports[0], dst, ports[1], size, ip.data


# dpkt reads plain Ethernet; of link types, compressions and tagged frames it knows too little to be a judge.
ETHERNET: Final = [name for name in NAMES if "/" not in name]


@pytest.mark.parametrize("name", ETHERNET)
def test_dpkt_counts_the_same_packets_and_bytes(name: str) -> None:
    assert _recorded(name) == _counted(_dpkt_packets(name))


@pytest.mark.parametrize("name", NAMES)
def test_community_ids_follow_the_specification(name: str) -> None:
    for flow in flows(name):
        if flow["transport"] in ("icmp", "icmpv6"):
            continue  # their ports are types and codes, which records do not show
        number = NUMBERS[flow["transport"]]
        ends = [(ipaddress.ip_address(flow[f"{end}_ip"]).packed, flow.get(f"{end}_port", 0)) for end in ("src", "dst")]
        (low, low_port), (high, high_port) = sorted(ends)
        ports = struct.pack(">HH", low_port, high_port) if number in (6, 17) else b""
        digest = hashlib.sha1(bytes(2) + low + high + bytes([number, 0]) + ports).digest()
        assert flow["community_id"] == "1:" + base64.b64encode(digest).decode()


def _streams(scapy: SimpleNamespace, name: str) -> dict[tuple[Any, ...], bytes]:
    """The bytes of each direction of each TCP connection, put in order by sequence number."""
    segments: dict[Any, dict[int, bytes]] = defaultdict(dict)
    for transport, src, sport, dst, dport, _, layer in _packets(scapy, name):
        if transport == "tcp" and not layer.flags.S and layer.payload.name not in ("Padding", "NoPayload"):
            segments[src, sport, dst, dport].setdefault(layer.seq, bytes(layer.payload))
    streams = {}
    for key, parts in segments.items():
        stream, at = b"", min(parts)
        for seq in sorted(parts):
            stream += parts[seq][at - seq :] if seq <= at else b""
            at = max(at, seq + len(parts[seq])) if seq <= at else at
        streams[key] = stream
    return streams


def _messages(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Handshake messages in the clear from the first TLS record on (behind STARTTLS, say)."""
    starts = [
        at
        for at in range(len(stream) - 5)
        if stream[at : at + 2] == b"\x16\x03" and stream[at + 5 : at + 6] in b"\x01\x02"
    ]
    handshake, at = b"", starts[0] if starts else len(stream)
    while at + 5 <= len(stream) and stream[at] == 22:
        length = int.from_bytes(stream[at + 3 : at + 5])
        handshake += stream[at + 5 : at + 5 + length]
        at += 5 + length
    while len(handshake) >= 4:
        length = int.from_bytes(handshake[1:4])
        yield handshake[0], handshake[: 4 + length]
        handshake = handshake[4 + length :]


TLS: Final = [name for name in READABLE if any("tls" in flow and flow["transport"] == "tcp" for flow in flows(name))]


@pytest.mark.parametrize("name", TLS)
def test_scapy_reads_the_same_client_hello(scapy: SimpleNamespace, name: str) -> None:
    """SNI and JA3 (worked out here from scapy's fields) of every connection."""
    streams = _streams(scapy, name)
    for flow in (flow for flow in flows(name) if "ja3" in flow.get("tls", {})):
        stream = streams[flow["src_ip"], flow["src_port"], flow["dst_ip"], flow["dst_port"]]
        message = next((body for kind, body in _messages(stream) if kind == 1), None)
        assert message is not None
        hello = scapy.tls.TLSClientHello(message)
        extensions = hello.ext or []
        by_type = {extension.type: extension for extension in extensions}
        lists = [
            [hello.version],
            [suite for suite in hello.ciphers if suite not in GREASE],
            [extension.type for extension in extensions if extension.type not in GREASE],
            [group for group in getattr(by_type.get(10), "groups", []) if group not in GREASE],
            getattr(by_type.get(11), "ecpl", []),
        ]
        text = ",".join("-".join(str(value) for value in values) for values in lists)
        assert flow["tls"]["ja3"] == hashlib.md5(text.encode()).hexdigest()
        names = getattr(by_type.get(0), "servernames", None)
        assert flow["tls"].get("sni") == (names[0].servername.decode() if names else None)


@pytest.mark.parametrize("name", TLS)
def test_certificates_are_those_that_were_sent(scapy: SimpleNamespace, name: str) -> None:
    """TLS up to 1.2: every DER of the Certificate message loads with `cryptography` and has the recorded hash."""
    streams = _streams(scapy, name)
    for flow in (flow for flow in flows(name) if flow.get("tls", {}).get("certificates")):
        if "decrypted" in flow["tls"]:
            continue  # test_keys.py compares them with tshark
        if flow["tls"]["version"] == "SSLv2":
            continue  # in a message of its own; tests/pcaps/make took it from another capture
        stream = streams[flow["dst_ip"], flow["dst_port"], flow["src_ip"], flow["src_port"]]
        body = next(body for kind, body in _messages(stream) if kind == 11)[7:]
        hashes = []
        while body:
            length = int.from_bytes(body[:3])
            x509.load_der_x509_certificate(body[3 : 3 + length])
            hashes.append(hashlib.sha256(body[3 : 3 + length]).hexdigest())
            body = body[3 + length :]
        assert flow["tls"]["certificates"] == hashes


# Over TCP scapy does not know it.
IKE: Final = [name for name in READABLE if any("ike" in flow and flow["transport"] == "udp" for flow in flows(name))]


@pytest.mark.parametrize("name", IKE)
def test_scapy_reads_the_same_ike_spis(scapy: SimpleNamespace, name: str) -> None:
    seen = set()
    for transport, _, sport, _, dport, _, layer in _packets(scapy, name):
        payload = bytes(layer.payload) if transport == "udp" else b""
        if transport == "udp" and 4500 in (sport, dport):
            payload = payload[4:] if payload[:4] == bytes(4) else b""
        if len(payload) >= 28 and {sport, dport} & {500, 4500}:
            header = scapy.isakmp.ISAKMP(payload)
            seen.add((header.init_cookie.hex(), header.version >> 4))
    recorded = {
        (sa["initiator_spi"], flow["ike"]["version"])
        for flow in flows(name)
        if "ike" in flow
        for sa in flow["ike"].get("spis", [flow["ike"]])
    }
    assert recorded == seen


def test_the_certificate_of_sslv2_is_the_one_that_was_put_there() -> None:
    (old,), (other,) = flows("sslv2.pcap"), flows("tls12_static_rsa.pcap")
    assert old["tls"]["certificates"] == other["tls"]["certificates"][:1]

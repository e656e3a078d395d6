"""Each encapsulation as scapy writes it: what is inside is told as if it had come bare, what was unwrapped is named."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import dpkt
import pytest
from captures import PCAPS
from scapy.all import DNS, DNSQR, DNSRR, GRE, IP, UDP, Ether, IPv6, PPPoE, Raw, fragment
from scapy.contrib.erspan import ERSPAN_I, ERSPAN_II, ERSPAN_III
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.macsec import MACsecSA
from scapy.contrib.mpls import MPLS
from scapy.layers.l2tp import L2TP
from scapy.layers.ppp import PPP
from scapy.layers.vxlan import VXLAN

import probe

Wrap = Callable[[bytes], Any]  # an Ethernet frame → one around it

ETHER: Final = Ether(dst="02:00:00:00:00:02", src="02:00:00:00:00:01")  # or scapy asks the network
LABELS: Final = Ether(dst=ETHER.dst, src=ETHER.src, type=0x8847)
SESSION: Final = Ether(dst=ETHER.dst, src=ETHER.src, type=0x8864)
ETHER_NSH: Final = Ether(dst=ETHER.dst, src=ETHER.src, type=0x894F)
OVER_IP_115: Final = ETHER / IP(src="198.51.100.1", dst="198.51.100.2", proto=115)
OUTER: Final = ETHER / IP(src="198.51.100.1", dst="198.51.100.2")
# AWS sends three options, and IP without Ethernet.
GATEWAY_LOAD_BALANCER: Final = [GeneveOptions(classid=0x108, type=kind, data=bytes(8)) for kind in (1, 2, 3)]
PPP_IP: Final = 0x21
SIX_TO_FOUR: Final = ETHER / IP(src="198.51.100.1", dst="192.88.99.1", proto=41)  # RFC 3068's relay
TEREDO: Final = IP(src="198.51.100.1", dst="198.51.100.2") / UDP(sport=3545, dport=3544)


def ip(frame: bytes) -> Raw:
    return Raw(frame[14:])


# What the record says, and how it is made around a frame with IPv4 inside.
AROUND: Final[dict[str, Wrap]] = {
    "vxlan:42": lambda frame: OUTER / UDP(sport=50000, dport=4789) / VXLAN(vni=42, flags="Instance") / Raw(frame),
    "geneve:7": lambda frame: OUTER / UDP(sport=50000, dport=6081) / GENEVE(vni=7, proto=0x6558) / Raw(frame),
    "geneve:8": lambda frame: (
        OUTER
        / UDP(sport=50000, dport=6081)
        # As AWS Gateway Load Balancers send it: three options, and IP without Ethernet.
        / GENEVE(
            vni=8, proto=0x0800, options=[GeneveOptions(classid=0x108, type=kind, data=bytes(8)) for kind in (1, 2, 3)]
        )
        / ip(frame)
    ),
    "gre": lambda frame: OUTER / GRE(proto=0x0800) / ip(frame),
    "gre:9": lambda frame: OUTER / GRE(proto=0x6558, key_present=1, key=9, chksum_present=1) / Raw(frame),
    "erspan": lambda frame: OUTER / GRE(proto=0x88BE) / ERSPAN_I() / Raw(frame),
    "erspan:3": lambda frame: OUTER / GRE(proto=0x88BE, seqnum_present=1) / ERSPAN_II(session_id=3) / Raw(frame),
    "erspan:4": lambda frame: OUTER / GRE(proto=0x22EB, seqnum_present=1) / ERSPAN_III(session_id=4) / Raw(frame),
    "ipip": lambda frame: ETHER / IP(src="198.51.100.1", dst="198.51.100.2", proto=4) / ip(frame),
    "mpls:16": lambda frame: LABELS / MPLS(label=16, s=1) / ip(frame),
    "mpls:18": lambda frame: LABELS / MPLS(label=17, s=0) / MPLS(label=18, s=1) / ip(frame),
    "pppoe:5": lambda frame: SESSION / PPPoE(sessionid=5) / PPP(proto=PPP_IP) / ip(frame),
    "l2tp:65538": lambda frame: (
        OUTER / UDP(sport=1701, dport=1701) / L2TP(tunnel_id=1, session_id=2) / PPP(proto=PPP_IP) / ip(frame)
    ),
    "gtp-u:6": lambda frame: OUTER / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=6, gtp_type=255) / ip(frame),
    "gtp-u:7": lambda frame: (
        OUTER
        / UDP(sport=2152, dport=2152)
        / GTP_U_Header(teid=7, gtp_type=255)
        / GTPPDUSessionContainer(type=0, QFI=1)
        / ip(frame)
    ),
    # RFC 9300 with an instance, GUE with an IP protocol, RFC 8300, L2TP 3 with and without a cookie, EoIP.
    "lisp:5": lambda frame: OUTER / UDP(sport=50000, dport=4341) / Raw(b"\x08\0\0\0\0\0\5\0") / ip(frame),
    "gue": lambda frame: OUTER / UDP(sport=50000, dport=6080) / Raw(b"\0\4\0\0") / ip(frame),
    "nsh:258": lambda frame: ETHER_NSH / Raw(b"\0\x46\1\1\0\1\2\xff" + bytes(16)) / ip(frame),
    "l2tp:7": lambda frame: OVER_IP_115 / Raw(b"\0\0\0\7") / Raw(frame),
    "l2tp:8": lambda frame: OUTER / UDP(sport=1701, dport=1701) / Raw(b"\0\3\0\0\0\0\0\x08abcdefgh") / Raw(frame),
    "eoip:9": lambda frame: (
        ETHER / IP(src="198.51.100.1", dst="198.51.100.2", proto=47) / Raw(b"\x20\1\x64\0\0\0\x09\0") / Raw(frame)
    ),
}
ETHERNET: Final = (
    "vxlan:42",
    "geneve:7",
    "gre:9",
    "erspan",
    "erspan:3",
    "erspan:4",
    "l2tp:7",
    "l2tp:8",
    "eoip:9",
)  # the others carry IP alone
# The same around a frame with IPv6 inside.
AROUND_IPV6: Final[dict[str, Wrap]] = {
    "6in4": lambda frame: ETHER / IP(src="198.51.100.1", dst="198.51.100.2", proto=41) / ip(frame),
    "6to4": lambda frame: SIX_TO_FOUR / ip(frame),
    "teredo": lambda frame: ETHER / TEREDO / ip(frame),
    "ipip": lambda frame: ETHER / IPv6(src="2001:db8:ff::1", dst="2001:db8:ff::2", nh=41) / ip(frame),
}


def test_an_answer_to_the_port_of_a_tunnel_is_none(tmp_path: Path) -> None:
    """Clients choose their ports: those of LISP and GUE as well, whose headers say next to nothing."""
    path = tmp_path / "answers.pcap"
    for port in (4341, 6080):
        query = OUTER / UDP(sport=port, dport=53) / DNS(id=0x4512, qd=DNSQR(qname="www.example.com"))
        answer = (
            ETHER
            / IP(src="198.51.100.2", dst="198.51.100.1")
            / UDP(sport=53, dport=port)
            / DNS(
                id=0x4512,
                qr=1,
                qd=DNSQR(qname="www.example.com"),
                an=DNSRR(rrname="www.example.com", rdata="192.0.2.7"),
            )
        )
        record = flow(path, [bytes(query), bytes(answer)])
        assert (record["protocol"], record["packets"], record["transport"]) == ("dns", [1, 1], "udp")
        assert "tunnel" not in record


def frames_of(name: str) -> list[bytes]:
    with (PCAPS / name).open("rb") as file:
        return [frame for _, frame in dpkt.pcap.Reader(file)]


def flow(path: Path, frames: list[bytes], **options: Any) -> dict[str, Any]:
    """The one flow of these frames, without what the wrapping has to change."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, snaplen=1 << 18)
        for number, frame in enumerate(frames):
            writer.writepkt(frame, ts=1_700_000_000 + number / 100)
    flows = [record for record in probe.replay(path, **options) if record["type"] == "flow"]
    assert len(flows) == 1, [(record["protocol"], record.get("tunnel")) for record in flows]
    return flows[0]


def told(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in {"tunnel", "uid", "start", "end", "duration"}}


@pytest.mark.parametrize("around", AROUND)
def test_each(around: str, tmp_path: Path) -> None:
    frames = frames_of("tls12_ecdhe_rsa.pcap")
    bare = flow(tmp_path / "bare.pcap", frames)
    assert bare["protocol"] == "tls"
    assert "tunnel" not in bare
    inside = flow(tmp_path / "inside.pcap", [bytes(AROUND[around](frame)) for frame in frames])
    assert inside["tunnel"] == [around]
    assert told(inside) == told(bare)


def call(there: bool, inside: bytes) -> bytes:
    """PPTP's GRE (RFC 2637 section 4.1): its key is a length and the call, whose number the receiver chose."""
    ppp = b"\xff\x03\x00\x21" + inside
    return b"\x30\x01\x88\x0b" + len(ppp).to_bytes(2) + (b"\0\x05" if there else b"\0\x06") + b"\0\0\0\1" + ppp


# The receiver of each direction has chosen its number; the record has that of the first packet.
BY_DIRECTION: Final[dict[str, Callable[[bytes, bool], Any]]] = {
    "gtp-u:6": lambda frame, there: (
        OUTER / UDP(sport=2152, dport=2152) / GTP_U_Header(teid=6 if there else 7, gtp_type=255) / ip(frame)
    ),
    "l2tp:65538": lambda frame, there: (
        OUTER
        / UDP(sport=1701, dport=1701)
        / L2TP(tunnel_id=1 if there else 3, session_id=2 if there else 4)
        / PPP(proto=PPP_IP)
        / ip(frame)
    ),
    "gre:5": lambda frame, there: (
        ETHER / IP(src="198.51.100.1", dst="198.51.100.2", proto=47) / call(there, bytes(ip(frame)))
    ),
    "mpls:16": lambda frame, there: LABELS / MPLS(label=16 if there else 17, s=1) / ip(frame),
    # RFC 3031 section 3.16: the last router but one takes the label off.
    "mpls:18": lambda frame, there: LABELS / MPLS(label=18, s=1) / ip(frame) if there else Ether(frame),
}


@pytest.mark.parametrize("around", BY_DIRECTION)
def test_a_number_for_each_direction(around: str, tmp_path: Path) -> None:
    frames = frames_of("tls12_ecdhe_rsa.pcap")
    bare = flow(tmp_path / "bare.pcap", frames)
    client = IP(frames[0][14:]).src
    inside = [bytes(BY_DIRECTION[around](frame, IP(frame[14:]).src == client)) for frame in frames]
    record = flow(tmp_path / "inside.pcap", inside)
    assert record["tunnel"] == [around]
    assert told(record) == told(bare)


@pytest.mark.parametrize("control_word", [b"", bytes(4)])
@pytest.mark.parametrize("address", ["00:1b:21:3c:4d:5e", "52:54:00:12:34:56"])
def test_ethernet_over_mpls(address: str, control_word: bytes, tmp_path: Path) -> None:
    """RFC 4448: the control word is optional, and without it an address begins."""
    frames = frames_of("tls12_ecdhe_rsa.pcap")
    bare = flow(tmp_path / "bare.pcap", frames)
    wire = bytes.fromhex(address.replace(":", ""))
    inside = [bytes(LABELS / MPLS(label=16, s=1) / Raw(control_word + wire + frame[6:])) for frame in frames]
    record = flow(tmp_path / "inside.pcap", inside)
    assert record["tunnel"] == ["mpls:16"]
    assert told(record) == told(bare)


@pytest.mark.parametrize("channel", [False, True])
@pytest.mark.parametrize("encrypted", [False, True])
def test_macsec(tmp_path: Path, *, encrypted: bool, channel: bool) -> None:
    """IEEE 802.1AE section 9: what is only signed can be read, what is encrypted cannot."""
    frames = frames_of("tls12_ecdhe_rsa.pcap")
    sender = MACsecSA(sci=bytes(7) + b"\1", an=0, pn=1, key=bytes(16), icvlen=16, encrypt=encrypted, send_sci=channel)
    sealed = [bytes(sender.encrypt(sender.encap(Ether(frame)))) for frame in frames]
    if encrypted:
        with (tmp_path / "sealed.pcap").open("wb") as file:
            dpkt.pcap.Writer(file, snaplen=1 << 18).writepkts((1_700_000_000, frame) for frame in sealed)
        (summary,) = probe.replay(tmp_path / "sealed.pcap")
        assert summary["other"] == {"macsec": len(frames)}
        return
    record = flow(tmp_path / "signed.pcap", sealed)
    assert record["tunnel"] == ["macsec"]
    assert told(record) == told(flow(tmp_path / "bare.pcap", frames))


@pytest.mark.parametrize("around", AROUND_IPV6)
def test_each_with_ipv6_inside(around: str, tmp_path: Path) -> None:
    frames = frames_of("tls12_ipv6.pcap")
    if around == "6to4":  # the addresses inside say it as well: 2002::/16
        frames = [frame.replace(bytes.fromhex("20010db8"), bytes.fromhex("2002c633"), 2) for frame in frames]
    bare = flow(tmp_path / "bare.pcap", frames)
    inside = flow(tmp_path / "inside.pcap", [bytes(AROUND_IPV6[around](frame)) for frame in frames])
    assert inside["tunnel"] == [around]
    assert told(inside) == told(bare)


NO_IP: Final = ("mpls", "pppoe", "nsh")  # is what is made around them told by its EtherType?
PAIRS: Final = [(a, b) for a in AROUND for b in AROUND if a != b and (b in ETHERNET or not a.startswith(NO_IP))]


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_one_in_another(pair: tuple[str, str], tmp_path: Path) -> None:
    """The outer ones come first in the record."""
    frames = frames_of("http_basic.pcap")
    inner, outer = pair
    bare = flow(tmp_path / "bare.pcap", frames)
    inside = flow(tmp_path / "inside.pcap", [bytes(AROUND[outer](bytes(AROUND[inner](frame)))) for frame in frames])
    assert inside["tunnel"] == [outer, inner]
    assert told(inside) == told(bare)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_tunnel_in_fragments_in_any_order(workers: int, tmp_path: Path) -> None:
    frames = frames_of("tls12_ecdhe_rsa.pcap")
    bare = flow(tmp_path / "bare.pcap", frames)
    mixed = random.Random(1)
    parts = []
    for number, frame in enumerate(frames):
        packet = AROUND["vxlan:42"](frame)
        packet[IP].id = number + 1
        some = [bytes(part) for part in fragment(packet, 256)]
        mixed.shuffle(some)
        parts += some
    inside = flow(tmp_path / "inside.pcap", parts, workers=workers)
    assert inside["tunnel"] == ["vxlan:42"]
    assert told(inside) == told(bare)

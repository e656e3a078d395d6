"""Protocols over IP itself and over SCTP, as scapy writes them; tshark judges where it is installed."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
from scapy.all import IP, UDP, Ether, IPv6, Raw
from scapy.contrib.carp import CARP
from scapy.contrib.diameter import AVP, DiamReq
from scapy.contrib.eigrp import EIGRP
from scapy.contrib.ospf import OSPF_Hdr, OSPF_Hello
from scapy.contrib.pim import PIMv2Hdr, PIMv2Hello
from scapy.contrib.rsvp import RSVP, RSVP_Object, RSVP_Time
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.igmp import IGMPv2_MR, IGMPv3_MQ
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit, SCTPChunkSACK
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.utils import wrpcap

import probe

ETHER: Final = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
IPV4: Final = {"src": "192.0.2.1", "dst": "192.0.2.2"}
IPV6: Final = {"src": "2001:db8::1", "dst": "2001:db8::2"}


def flows(path: Path, *frames: Any) -> list[dict[str, Any]]:
    capture = path / "frames.pcap"
    wrpcap(str(capture), list(frames))
    return [dict(record) for record in probe.replay(capture) if record["type"] == "flow"]


def tshark(path: Path, field: str) -> list[str]:
    command = ["tshark", "-r", str(path / "frames.pcap"), "-T", "fields", "-e", field]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


PACKETS: Final = {
    "igmp": IP(**IPV4, proto=2) / IGMPv2_MR(gaddr="239.1.2.3"),
    "igmp 3": IP(**IPV4, proto=2) / IGMPv3_MQ(gaddr="239.1.2.3"),
    "eigrp": IP(**IPV4) / EIGRP(opcode=5),
    "pim": IP(**IPV4) / PIMv2Hdr(type=0) / PIMv2Hello(),
    "rsvp": IP(**IPV4) / RSVP(TTL=1, Class=1) / RSVP_Object(Class=5) / RSVP_Time(),
    "vrrp": IP(**IPV4, proto=112) / VRRP(vrid=1, priority=100, addrlist=["192.0.2.9"]),
    "vrrp 3": IP(**IPV4, proto=112) / VRRPv3(vrid=1, priority=100, addrlist=["192.0.2.9"]),
    "vrrp 6": IPv6(**IPV6, nh=112) / VRRPv3(vrid=1, priority=100, addrlist=["2001:db8::9"]),
    "carp": IP(**IPV4, proto=112) / CARP(version=2, type=1, vhid=1, authlen=7, advskew=0),
    "ospf": IP(**IPV4) / OSPF_Hdr() / OSPF_Hello(),
}


@pytest.mark.parametrize("name", PACKETS)
def test_a_packet_without_ports_has_its_name(name: str, tmp_path: Path) -> None:
    (flow,) = flows(tmp_path, ETHER / PACKETS[name])
    assert (flow["class"], flow.get("protocol")) == ("plaintext", name.partition(" ")[0])
    if shutil.which("tshark") and name != "carp":
        assert flow["protocol"] in tshark(tmp_path, "frame.protocols")[0].split(":")


@pytest.mark.parametrize("name", PACKETS)
def test_a_number_alone_is_no_name(name: str, tmp_path: Path) -> None:
    """The same number, and bytes of nothing."""
    packet = PACKETS[name]
    number = bytes(packet)[9] if packet.version == 4 else 112
    content = Raw(bytes(n * 167 & 0xFF for n in range(7, 60)))
    (flow,) = flows(tmp_path, ETHER / IP(**IPV4, proto=number) / content)
    assert (flow["class"], "protocol" in flow) == ("unknown", False)


def per(procedure: int) -> bytes:
    """A PDU of one of 3GPP's application parts: initiating, its procedure, "reject", 7 bytes without elements."""
    return bytes([0, procedure, 0, 7, 0, 0, 0, 0, 0, 0, 0])


def adaptation(kind: int, message: int) -> bytes:
    return bytes([1, 0, kind, message, 0, 0, 0, 8])


# By number of the payload's protocol (IANA) and port: what is said and what it is.
MESSAGES: Final = {
    "m2ua": (2, 2904, adaptation(3, 1)),
    "m3ua": (3, 2905, adaptation(3, 1)),
    "sua": (4, 14001, adaptation(3, 1)),
    "s1ap": (18, 36412, per(17)),
    "x2ap": (27, 36422, per(6)),
    "ngap": (60, 38412, per(21)),
    "f1ap": (62, 38472, per(1)),
    "diameter": (
        46,
        3868,
        bytes(DiamReq("Capabilities-Exchange", drAppId=0, avpList=[AVP("Origin-Host", val="a.example")])),
    ),
    "sip": (0, 5060, b"OPTIONS sip:a@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/SCTP 192.0.2.1\r\n\r\n"),
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("network", [IP(**IPV4), IPv6(**IPV6, nh=132)])
def test_an_association_is_what_its_messages_are(name: str, network: Any, tmp_path: Path) -> None:
    number, port, message = MESSAGES[name]
    setup = ETHER / network / SCTP(sport=40000, dport=port, tag=0) / SCTPChunkInit(init_tag=7)
    chunk = SCTPChunkData(proto_id=number, data=message, beginning=1, ending=1)
    frame = ETHER / network / SCTP(sport=40000, dport=port, tag=9) / SCTPChunkSACK() / chunk
    (flow,) = flows(tmp_path, setup, frame)
    assert (flow["class"], flow.get("protocol"), flow["dst_port"]) == ("plaintext", name, port)
    if shutil.which("tshark") and number:
        assert name in tshark(tmp_path, "frame.protocols")[1].split(":")


def test_dtls_within_sctp_is_followed(tmp_path: Path) -> None:
    """RFC 6083, also where the number says Diameter: the handshake's version is in the record."""
    body = bytes([254, 253, *range(32), 0, 0, 0, 2, 0xC0, 0x2F, 1, 0])
    size = len(body).to_bytes(3, "big")
    handshake = b"\1" + size + b"\0\0\0\0\0" + size + body
    record = b"\x16\xfe\xfd" + bytes(8) + len(handshake).to_bytes(2, "big") + handshake
    chunk = SCTPChunkData(proto_id=46, data=record, beginning=1, ending=1)
    (flow,) = flows(tmp_path, ETHER / IP(**IPV4) / SCTP(sport=40000, dport=5868) / chunk)
    assert (flow["class"], flow["protocol"]) == ("tls", "dtls")


def test_udp_lite_and_dccp_carry_datagrams(tmp_path: Path) -> None:
    query = bytes(DNS(rd=1, qd=DNSQR(qname="example.org")))
    lite = bytes(UDP(sport=40000, dport=53, len=8, chksum=0xFFFF)) + query
    data = bytes.fromhex("9c40003506000000 0401 0000 0000 0000 0000 0001".replace(" ", ""))
    dccp = data[:24].ljust(24, b"\0") + query
    found = flows(tmp_path, ETHER / IP(**IPV4, proto=136) / Raw(lite), ETHER / IP(**IPV4, proto=33) / Raw(dccp))
    assert {(flow["transport"], flow.get("protocol"), flow["dst_port"]) for flow in found} == {
        ("udplite", "dns", 53),
        ("dccp", "dns", 53),
    }

"""`why`: the frame that is named holds what is named, at the place that is named. scapy reads the frames."""

from typing import Any, Final

import pytest
from captures import NAMES, PCAPS, carried, flows, of_type
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet
from scapy.utils import rdpcap

import probe

PLAIN: Final = [name for name in NAMES if "/" not in name and name.endswith(".pcap")]
HANDSHAKE, CLIENT_HELLO, SERVER_HELLO = 22, 1, 2
HEADERS: Final = {
    # SSLv2 has two bytes of length and no content type (RFC 6101, E)
    "client_hello": lambda b: b[2] == CLIENT_HELLO if b[0] & 0x80 else (b[0], b[5]) == (HANDSHAKE, CLIENT_HELLO),
    "server_hello": lambda b: (b[0], b[5]) == (HANDSHAKE, SERVER_HELLO),
    "dtls_record": lambda b: b[0] == HANDSHAKE and b[1] == 0xFE,
    "quic_header": lambda b: b[0] & 0xC0 == 0xC0,
    "ike_header": lambda b: b[17 if b[:4] != bytes(4) else 21] in (0x10, 0x20),
    "esp_header": lambda b: len(b) > 8,
    "ah_header": lambda b: b[0] in (4, 6, 17, 41, 50) and b[1] >= 1,
    "first_bytes": bool,
    "datagram": bool,
}


def _why(name: str) -> list[dict[str, Any]]:
    return [record for record in probe.replay(PCAPS / name, why=True) if record["type"] == "flow"]


def _payload(packet: Packet) -> bytes:
    for layer in (TCP, UDP):
        if layer in packet:
            return bytes(packet[layer].payload)
    return bytes(packet[IP if IP in packet else IPv6].payload)


@pytest.mark.parametrize("name", PLAIN)
def test_the_frame_holds_it(name: str) -> None:
    packets = rdpcap(str(PCAPS / name))
    for flow in _why(name):
        if carried(flow):
            continue  # scapy does not open what is around it
        if flow["class"] == "unknown":
            assert "why" not in flow
            continue
        why = flow["why"]
        packet = packets[why["frame"] - 1]
        ends = packet[IP if IP in packet else IPv6]
        assert {ends.src, ends.dst} == {flow["src_ip"], flow["dst_ip"]}
        assert HEADERS[why["what"]](_payload(packet)[why["offset"] :])


@pytest.mark.parametrize("name", PLAIN)
def test_the_evidence_of_a_finding_is_a_frame_of_its_own_endpoint(name: str) -> None:
    """Of several flows in one capture, some are judged only when another's packet, or nothing, comes."""
    packets = rdpcap(str(PCAPS / name))
    inside = {flow["community_id"] for flow in flows(name) if carried(flow)}
    for finding in of_type(name, "finding"):
        if inside.issuperset(finding["evidence"]["flows"]):
            continue  # scapy does not open what is around it
        place = finding["endpoint"].rsplit("/", 1)[0]
        hosts = set(place.split("<->")) if "<->" in place else {place.rsplit(":", 1)[0].strip("[]")}
        for frame in finding["evidence"]["frames"]:
            packet = packets[int(frame.rsplit("#", 1)[1]) - 1]
            ends = packet[IP if IP in packet else IPv6]
            assert hosts <= {ends.src, ends.dst}, (finding["check"], frame)


def test_a_stream_joined_in_the_middle_names_the_record_s_place() -> None:
    name = "shapes/mid_stream.pcap"
    [flow] = _why(name)
    payload = _payload(rdpcap(str(PCAPS / name))[flow["why"]["frame"] - 1])
    assert flow["why"]["what"] == "tls_record"
    assert payload[flow["why"]["offset"]] in range(20, 25)


def test_only_on_request() -> None:
    assert not any("why" in record for record in probe.replay(PCAPS / "tls13.pcap"))

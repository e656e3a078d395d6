"""Fragments as scapy makes them, in every order: what they carry is recognised, and all of them are counted."""

import itertools
from pathlib import Path

import pytest
from scapy.all import IP, TCP, UDP, IPv6, IPv6ExtHdrFragment, Raw, fragment, fragment6, wrpcap

import probe

QUERY = bytes.fromhex("12340100000100000000000007 6578616d706c65 04 74657374 00 0010 0001".replace(" ", ""))
REQUEST = b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n".ljust(200)
# Parts of this many bytes behind the IP header.
SIZE = 16


def v4(transport: object, size: int) -> list[IP]:
    return [IP(bytes(part)) for part in fragment(IP(src="192.0.2.1", dst="192.0.2.2", id=7) / transport, size)]


def v6(transport: object, size: int) -> list[IPv6]:
    packet = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(id=7) / transport
    return [IPv6(bytes(part)) for part in fragment6(packet, 40 + 8 + size)]


def replayed(packets: list[IP] | list[IPv6], folder: Path) -> tuple[list[dict], dict]:
    capture = folder / "fragments.pcap"
    for number, packet in enumerate(packets):
        packet.time = 1_700_000_000 + number / 1000
    wrpcap(str(capture), packets, linktype=101)
    records = list(probe.replay(capture))
    return [r for r in records if r["type"] == "flow"], records[-1]


@pytest.mark.parametrize("family", [v4, v6])
@pytest.mark.parametrize(
    ("transport", "protocol"),
    [(UDP(sport=5000, dport=53) / Raw(QUERY), "dns"), (TCP(sport=5000, dport=80) / Raw(REQUEST), "http")],
)
def test_any_order(family, transport, protocol, tmp_path):
    parts = family(transport, SIZE if protocol == "dns" else 5 * SIZE)
    assert len(parts) == 3
    for order in itertools.permutations(parts):
        flows, summary = replayed(list(order), tmp_path)
        (flow,) = flows
        assert (flow["protocol"], flow["packets"]) == (protocol, [3, 0])
        assert flow["bytes"] == [sum(len(part) for part in parts), 0]
        assert (summary["packets"], summary["limits"], summary["malformed"]) == (3, {}, {})


@pytest.mark.parametrize("family", [v4, v6])
def test_an_overlap_that_disagrees_hides_the_content(family, tmp_path):
    first, second, third = family(UDP(sport=5000, dport=53) / Raw(QUERY), SIZE)
    forged = second.copy()
    forged.lastlayer().load = bytes(byte ^ 0xFF for byte in second.lastlayer().load)
    for order in itertools.permutations([first, second, forged]):
        flows, summary = replayed([*order, third], tmp_path)
        (flow,) = flows
        assert (flow["class"], flow["packets"], flow["dst_port"]) == ("unknown", [4, 0], 53)
        assert summary["malformed"] == {"ip_fragment_overlap malformed": 1}

"""Link types that carry IP, each with a header as its own description has it; tshark judges where it is installed.

What is not read is counted under a word and never taken for something else. Numbers: tcpdump.org/linktypes.html.
"""

import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Final

import pytest
from scapy.all import IP, UDP, Ether, Raw

import probe

SRC, DST = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
PACKET: Final = bytes(
    IP(src="192.0.2.1", dst="192.0.2.2")
    / UDP(sport=40000, dport=53)
    / Raw(bytes.fromhex("12340100000100000000000001610000010001"))
)
FRAME: Final = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", type=0x0800)) + PACKET
FCS: Final = zlib.crc32(FRAME).to_bytes(4, "little")
SNAP: Final = b"\xaa\xaa\x03\0\0\0\x08\0" + PACKET
PREAMBLE: Final = b"\x55" * 7
MGC: Final = b"MGC"
ERF: Final = bytes(8), struct.pack(">BHHH", 4, 100, 0, 100)

READ: Final[dict[str, tuple[int, bytes]]] = {
    "null, little": (0, struct.pack("<I", 2) + PACKET),
    "null, big": (0, struct.pack(">I", 2) + PACKET),
    "loop": (108, struct.pack(">I", 2) + PACKET),
    "raw": (101, PACKET),
    "ipv4": (228, PACKET),
    "ppp": (9, b"\xff\x03\0\x21" + PACKET),
    "ppp, compressed": (9, b"\x21" + PACKET),
    "ppp, multilink": (9, b"\xff\x03\0\x3d\xc0\0\0\1\0\x21" + PACKET),
    "ppp, bridged": (9, b"\xff\x03\0\x31\0\1" + FRAME),
    "ppp_hdlc": (50, b"\xff\x03\0\x21" + PACKET),
    "ppp_ether": (51, b"\x11\0\0\5" + struct.pack(">H", len(PACKET) + 2) + b"\0\x21" + PACKET),
    "ppp_with_dir": (204, b"\1\xff\x03\0\x21" + PACKET),
    "c_hdlc": (104, b"\x0f\0\x08\0" + PACKET),
    "c_hdlc_with_dir": (205, b"\0\x0f\0\x08\0" + PACKET),
    "frelay": (107, b"\x18\x41\x03\xcc" + PACKET),
    "frelay_with_dir": (206, b"\1\x18\x41\x03\xcc" + PACKET),
    "atm_rfc1483": (100, SNAP),
    "atm_rfc1483, bridged": (100, b"\xaa\xaa\x03\0\x80\xc2\0\7\0\0" + FRAME),
    "atm_rfc1483, ppp": (100, b"\xfe\xfe\x03\xcf\0\x21" + PACKET),
    "atm_clip": (106, PACKET),
    "atm_clip, llc": (106, SNAP),
    "sunatm": (123, b"\2\0\0\x20" + SNAP),
    "ip_over_fc": (122, b"\0\0" + SRC + b"\0\0" + DST + SNAP),
    "ieee1394": (138, bytes(8) + bytes(8) + b"\x08\0" + PACKET),
    "linux_sll": (113, b"\0\0\0\1\0\6" + SRC + b"\0\0\x08\0" + PACKET),
    "linux_sll2": (276, b"\x08\0\0\0\0\0\0\1\0\1\0\6" + SRC + b"\0\0" + PACKET),
    "docsis": (143, b"\0\0" + struct.pack(">H", len(FRAME)) + b"\0\0" + FRAME),
    "ppi": (192, struct.pack("<BBHI", 0, 0, 8, 1) + FRAME),
    "ppi with a field": (192, struct.pack("<BBHIHHI", 0, 0, 16, 101, 30000, 4, 0) + PACKET),
    "erf": (197, ERF[0] + b"\2" + ERF[1] + b"\0\0" + FRAME),
    "erf with an extension": (197, ERF[0] + b"\x82" + ERF[1] + b"\3" + bytes(7) + b"\0\0" + FRAME),
    "juniper_ether": (178, MGC + b"\0" + FRAME),
    "juniper_ppp": (179, MGC + b"\x80\0\6\1\1\1\2\1\1\xff\x03\0\x21" + PACKET),
    "juniper_chdlc": (181, MGC + b"\0\x0f\0\x08\0" + PACKET),
    "enc": (109, struct.pack("<III", 2, 7, 0) + PACKET),
    "ipnet": (226, b"\1\2\0\2" + struct.pack(">IIIII", len(PACKET), 1, 0, 0, 0) + PACKET),
    "nflog": (239, b"\2\0\0\0" + struct.pack("<HH", len(PACKET) + 4, 9) + PACKET),
    "netanalyzer": (240, bytes(4) + FRAME + FCS),
    "netanalyzer_transparent": (241, bytes(4) + PREAMBLE + b"\xd5" + FRAME + FCS),
    "ethernet_mpacket": (274, PREAMBLE + b"\xd5" + FRAME + FCS),
    "epon": (259, b"\x55\x55\xd5\x55\x55\x80\0\0" + FRAME),
    "ipoib": (242, bytes(40) + b"\x08\0\0\0" + PACKET),
    "mpls": (219, b"\0\1\1\x40" + PACKET),
    "dsa_tag_brcm": (281, FRAME[:12] + b"\0\0\0\1" + FRAME[12:]),
    "dsa_tag_brcm_prepend": (282, b"\0\0\0\1" + FRAME),
    "dsa_tag_dsa": (284, FRAME[:12] + b"\0\x08\0\1" + FRAME[12:]),
    "dsa_tag_edsa": (285, FRAME[:12] + b"\xda\xda\0\0\0\x08\0\1" + FRAME[12:]),
    # Between the addresses of an Ethernet frame and its EtherType.
    "vn_tag": (1, FRAME[:12] + b"\x89\x26\0\0\0\1" + FRAME[12:]),
    "e_tag": (1, FRAME[:12] + b"\x89\x3f\0\0\0\1\0\0" + FRAME[12:]),
    "pbb": (1, FRAME[:12] + b"\x88\xe7\0\0\0\5" + FRAME),
    "pbb with a customer's tag": (1, FRAME[:12] + b"\x88\xe7\0\0\0\5" + FRAME[:12] + b"\x81\0\0\7" + FRAME[12:]),
    "trill": (1, FRAME[:12] + b"\x22\xf3\0\x04\0\1\0\2" + FRAME),
    "trill with options": (1, FRAME[:12] + b"\x22\xf3\0\x44\0\1\0\2" + bytes(4) + FRAME),
    "fabric_path": (1, FRAME[:12] + b"\x89\x03\0\x60" + FRAME),
    "macsec without encryption": (1, FRAME[:12] + b"\x88\xe5\x20\0\0\0\0\1" + SRC + b"\0\1" + FRAME[12:] + bytes(16)),
    "nsh": (1, FRAME[:12] + b"\x89\x4f\0\x46\1\1\0\0\1\xff" + bytes(16) + PACKET),
}
# tshark has no reader for these, or needs to be told what is inside.
OURS_ALONE: Final = (
    *("sunatm", "ip_over_fc", "ipnet", "epon", "ieee1394", "fabric_path", "docsis", "atm_clip, llc", "mpls"),
    *("c_hdlc_with_dir", "frelay_with_dir", "netanalyzer", "netanalyzer_transparent"),
    *("dsa_tag_brcm", "dsa_tag_brcm_prepend", "dsa_tag_dsa", "dsa_tag_edsa"),
)


def write(path: Path, link: int, frame: bytes) -> Path:
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
    path.write_bytes(header + struct.pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame)
    return path


@pytest.mark.parametrize("name", READ)
def test_what_carries_ip_is_read(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "link.pcap", *READ[name])
    found = [record for record in probe.replay(path) if record["type"] == "flow"]
    assert [(flow["src_ip"], flow["dst_port"], flow.get("protocol")) for flow in found] == [("192.0.2.1", 53, "dns")]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is the judge here")
@pytest.mark.parametrize("name", [name for name in READ if name not in OURS_ALONE])
def test_tshark_reads_the_same(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "link.pcap", *READ[name])
    command = ["tshark", "-r", str(path), "-T", "fields", "-e", "udp.dstport"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["53"]


@pytest.mark.parametrize(
    ("link", "word"),
    [(147, "link_type"), (189, "usb"), (201, "bluetooth"), (227, "can"), (195, "ieee802_15_4"), (271, "vsock")],
)
def test_what_does_not_is_counted_by_its_kind(link: int, word: str, tmp_path: Path) -> None:
    """Bytes that would be a packet of another link type."""
    (summary,) = probe.replay(write(tmp_path / "link.pcap", link, FRAME))
    assert (summary["type"], summary["other"]) == ("summary", {word: 1})

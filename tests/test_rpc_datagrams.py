"""NFS over UDP as scapy writes it, and OpenSSL's DTLS behind a question for it (RFC 9289 section 5)."""

import os
import struct
from pathlib import Path
from typing import Any, Final

import pytest
from scapy.all import IP, UDP, Raw, rdpcap, wrpcap
from scapy.contrib.nfs import File_Object, GETATTR_Call
from scapy.contrib.oncrpc import RPC, Auth_RPCSEC_GSS, Object_Name, RPC_Call

import probe

DTLS: Final = Path(__file__).parent / "pcaps/dtls12.pcap"
NFS: Final = {"program": 100003, "pversion": 3}
QUIET: Final = {"aflavor": 0, "alength": 0, "vflavor": 0, "vlength": 0}
Said = list[tuple[bool, bytes]]


def call(**fields: Any) -> bytes:
    return bytes(RPC(xid=7, mtype=0) / RPC_Call(**NFS, **fields))


NULL: Final = call(procedure=0, **QUIET)
READ: Final = call(procedure=1, **QUIET) + bytes(
    GETATTR_Call(filehandle=File_Object(length=8, fh=b"filefile", fill=b""))
)
SUCCESS: Final = struct.pack(">6I", 7, 1, 0, 0, 0, 0)


def sealed() -> bytes:
    context = Auth_RPCSEC_GSS(
        gss_version=1, gss_seq_num=1, gss_service=3, gss_context=Object_Name(length=4, _name=b"abcd", fill=b"")
    )
    head = call(procedure=1, aflavor=6, alength=24, a_rpcsec_gss=context, vflavor=0, vlength=0)
    return head + struct.pack(">I", 64) + os.urandom(64)


def sealed_reply() -> bytes:
    """RFC 2203 section 5.3.3.4, RFC 4121 section 4.2.6.2."""
    signed = b"\x04\x04\x05" + b"\xff" * 5 + os.urandom(20)
    token = b"\x05\x04\x07\xff\0\0\0\x1c" + os.urandom(88)
    head = struct.pack(">5I", 7, 1, 0, 6, len(signed)) + signed
    return head + struct.pack(">2I", 0, len(token)) + token


def under_dtls() -> Said:
    handshake = [
        (packet[UDP].dport == 4433, bytes(packet[UDP].payload)) for packet in rdpcap(str(DTLS)) if UDP in packet
    ]
    asked = call(procedure=0, aflavor=7, alength=0, vflavor=0, vlength=0)
    return [(True, asked), (False, struct.pack(">5I", 7, 1, 0, 0, 8) + b"STARTTLS" + bytes(4)), *handshake]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param([(True, NULL), (False, SUCCESS), (True, READ)], ("plaintext", "nfs"), id="in the clear"),
        pytest.param([(True, NULL), (False, SUCCESS)], ("plaintext", "nfs"), id="nothing else"),
        pytest.param([(True, NULL), (False, SUCCESS), (True, sealed())], ("encrypted", "nfs"), id="sealed"),
        pytest.param([(False, SUCCESS), (False, sealed_reply())], ("encrypted", "rpc"), id="the server alone"),
        pytest.param(under_dtls(), ("tls", "dtls"), id="DTLS"),
    ],
)
def test_calls_that_do_nothing(said: Said, told: tuple[str, str], tmp_path: Path) -> None:
    ends = [("192.0.2.1", 40_000), ("192.0.2.2", 2049)]
    packets = []
    for number, (client, datagram) in enumerate(said):
        (src, sport), (dst, dport) = ends if client else reversed(ends)
        packets.append(IP(src=src, dst=dst) / UDP(sport=sport, dport=dport) / Raw(datagram))
        packets[-1].time = 1_700_000_000 + number / 100
    wrpcap(str(tmp_path / "calls.pcap"), packets)
    (flow,) = (record for record in probe.replay(tmp_path / "calls.pcap") if record["type"] == "flow")
    assert (flow["class"], flow["protocol"]) == told
    if told[0] == "tls":
        assert (flow["starttls"], flow["tls"]["version"], flow["tls"]["established"]) == ("nfs", "DTLSv1.2", True)

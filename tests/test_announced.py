"""Flows that another between the same hosts has told of: data of FTP, media of SIP and RTSP, transfers of TFTP."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import probe

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
SDP = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 49170 RTP/AVP 111\r\n"
INVITE = b"INVITE sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nContent-Type: application/sdp\r\n\r\n" + SDP
SEALED = INVITE + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"
SETUP = (
    b"SETUP rtsp://192.0.2.2/a RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;client_port=6000-6001\r\n\r\n",
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;client_port=6000-6001;server_port=7000-7001\r\n\r\n",
)
LOGIN = [
    (SERVER, b"220 ready\r\n"),
    (CLIENT, b"USER joe\r\n"),
    (SERVER, b"331 password\r\n"),
    (CLIENT, b"PASS sesame\r\n"),
    (SERVER, b"230 in\r\n"),
]
NOBODY_KNOWS = b"just what somebody wrote\n"


@pytest.fixture(scope="module")
def scapy() -> Any:
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scapy import all as everything
    return everything


def ether(scapy: Any) -> Any:
    """With both addresses: scapy would ask the network for the one that is missing."""
    return scapy.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")


def stream(
    scapy: Any, client: tuple[str, int], server: tuple[str, int], said: list[tuple[str, bytes]]
) -> Iterator[Any]:
    """A connection; of each turn who speaks and what."""
    numbers = {client[0]: 1000, server[0]: 5000}

    def segment(sender: str, flags: str, payload: bytes = b"") -> Any:
        (src, sport), (dst, dport) = (client, server) if sender == client[0] else (server, client)
        header = scapy.TCP(sport=sport, dport=dport, flags=flags, seq=numbers[src], ack=numbers[dst])
        numbers[src] += len(payload) + ("S" in flags)
        return ether(scapy) / scapy.IP(src=src, dst=dst) / header / payload

    yield segment(client[0], "S")
    yield segment(server[0], "SA")
    for sender, payload in said:
        yield segment(sender, "PA", payload)


def datagram(scapy: Any, src: tuple[str, int], dst: tuple[str, int], payload: bytes) -> Any:
    return ether(scapy) / scapy.IP(src=src[0], dst=dst[0]) / scapy.UDP(sport=src[1], dport=dst[1]) / payload


def rtp(number: int) -> bytes:
    """Of an agreed type, with content that tells nothing."""
    content = bytes((number * 97 + n * n * 31 + (n >> 1)) % 251 for n in range(80))
    return bytes((0x80, 111, 0, number, 0, 0, number, 0, 1, 2, 3, 4)) + content


def protocols(scapy: Any, path: Path, frames: list[Any]) -> dict[tuple[int, int], str | None]:
    scapy.wrpcap(str(path), frames)
    flows = [flow for flow in probe.replay(path) if flow["type"] == "flow"]
    return {(flow["src_port"], flow["dst_port"]): flow.get("protocol") for flow in flows}


@pytest.mark.parametrize(
    ("sender", "announcement"),
    [
        (SERVER, b"227 Entering Passive Mode (10,0,0,1,195,80).\r\n"),
        (SERVER, b"229 Entering Extended Passive Mode (|||50000|)\r\n"),
        (CLIENT, b"PORT 192,0,2,1,195,80\r\n"),
        (CLIENT, b"EPRT |1|192.0.2.1|50000|\r\n"),
    ],
)
def test_data_connections_of_ftp(scapy: Any, tmp_path: Path, sender: str, announcement: bytes) -> None:
    listener = (sender, 50000)
    caller = (CLIENT if sender == SERVER else SERVER, 40001)
    control = list(stream(scapy, (CLIENT, 40000), (SERVER, 21), [*LOGIN, (sender, announcement)]))
    data = list(stream(scapy, caller, listener, [(SERVER, NOBODY_KNOWS)]))
    found = protocols(scapy, tmp_path / "told.pcap", control + data)
    assert found == {(40000, 21): "ftp", (40001, 50000): "ftpdata"}
    silent = list(stream(scapy, (CLIENT, 40000), (SERVER, 21), LOGIN))
    assert protocols(scapy, tmp_path / "untold.pcap", silent + data)[40001, 50000] is None


def test_a_host_that_was_not_told_of_is_unknown(scapy: Any, tmp_path: Path) -> None:
    told = (SERVER, b"229 Entering Extended Passive Mode (|||50000|)\r\n")
    control = list(stream(scapy, (CLIENT, 40000), (SERVER, 21), [*LOGIN, told]))
    other = list(stream(scapy, ("192.0.2.9", 40001), (SERVER, 50000), [("192.0.2.9", NOBODY_KNOWS)]))
    assert protocols(scapy, tmp_path / "other.pcap", control + other)[40001, 50000] is None


def test_what_has_a_name_keeps_it(scapy: Any, tmp_path: Path) -> None:
    control = list(stream(scapy, (CLIENT, 40000), (SERVER, 21), [*LOGIN, (CLIENT, b"PORT 192,0,2,1,0,22\r\n")]))
    shell = list(stream(scapy, (SERVER, 40001), (CLIENT, 22), [(CLIENT, b"SSH-2.0-OpenSSH_9.6\r\n")]))
    assert protocols(scapy, tmp_path / "ssh.pcap", control + shell)[40001, 22] == "ssh"


def test_the_login_is_told_as_before(scapy: Any, tmp_path: Path) -> None:
    told = (SERVER, b"229 Entering Extended Passive Mode (|||50000|)\r\n")
    path = tmp_path / "login.pcap"
    scapy.wrpcap(str(path), list(stream(scapy, (CLIENT, 40000), (SERVER, 21), [*LOGIN, told, (CLIENT, b"RETR x\r\n")])))
    [flow] = [flow for flow in probe.replay(path) if flow["type"] == "flow"]
    assert flow["credentials"] == [{"kind": "ftp_pass", "account": "joe"}]
    assert sum(flow["packets"]) == 9


@pytest.mark.parametrize(("invite", "expected"), [(INVITE, "rtp"), (SEALED, None)])
def test_media_of_sip(scapy: Any, tmp_path: Path, invite: bytes, expected: str | None) -> None:
    call = [datagram(scapy, (CLIENT, 5060), (SERVER, 5060), invite)]
    media = [datagram(scapy, (SERVER, 30000), (CLIENT, 49170), rtp(number)) for number in range(1, 20, 3)]
    assert protocols(scapy, tmp_path / "call.pcap", call + media)[30000, 49170] == expected


def test_media_of_rtsp(scapy: Any, tmp_path: Path) -> None:
    control = list(stream(scapy, (CLIENT, 40000), (SERVER, 554), list(zip((CLIENT, SERVER), SETUP, strict=True))))
    media = [datagram(scapy, (SERVER, 7000), (CLIENT, 6000), rtp(1))]
    report = [datagram(scapy, (SERVER, 7001), (CLIENT, 6001), b"\x81\xc8\0\x0d" + bytes(60))]
    found = protocols(scapy, tmp_path / "film.pcap", control + media + report)
    assert found == {(40000, 554): "rtsp", (7000, 6000): "rtp", (7001, 6001): "rtcp"}


def test_transfers_of_tftp(scapy: Any, tmp_path: Path) -> None:
    request = datagram(scapy, (CLIENT, 2000), (SERVER, 69), b"\0\x01file\0octet\0")
    last = datagram(scapy, (SERVER, 3000), (CLIENT, 2000), b"\0\x03\0\x01short")
    found = protocols(scapy, tmp_path / "transfer.pcap", [request, last])
    assert found == {(2000, 69): "tftp", (3000, 2000): "tftp"}
    assert protocols(scapy, tmp_path / "last.pcap", [last])[3000, 2000] is None

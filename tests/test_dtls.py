"""DTLS as captures have it that begin late or hold one side, and under connection ids: OpenSSL's, rewritten."""

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from scapy.all import IP, UDP, Raw, rdpcap, wrpcap

import probe

CAPTURE: Final = Path(__file__).parent / "pcaps/dtls12.pcap"
PORT: Final = 4433
HEADER: Final = 13  # of a record, RFC 6347 section 4.1
IDS: Final = {True: b"\x9c\x01\xaa\x55", False: b"\x07\xe1\x22\x9f\x13\x44\xc0\x0d"}
"""Connection ids of what the client sends, and of what the server sends."""

Said = list[tuple[bool, bytes]]
"""Whether it is the client that speaks, and the datagram."""


def recorded() -> Said:
    datagrams = [packet for packet in rdpcap(str(CAPTURE)) if UDP in packet]
    return [(datagram[UDP].dport == PORT, bytes(datagram[UDP].payload)) for datagram in datagrams]


def records(datagram: bytes) -> Iterator[bytes]:
    while datagram:
        end = HEADER + struct.unpack_from(">H", datagram, 11)[0]
        yield datagram[:end]
        datagram = datagram[end:]


def under_ids(said: Said, senders: Iterable[bool] = (True, False)) -> Said:
    """RFC 9146 section 4: type 25, the id in front of the length, the real type within."""

    def rewritten(client: bool, record: bytes) -> bytes:
        if record[3:5] == b"\0\0" or client not in senders:
            return record
        length = len(record) - HEADER + 1
        return b"\x19" + record[1:11] + IDS[client] + struct.pack(">H", length) + record[HEADER:] + b"\xa5"

    return [(client, b"".join(rewritten(client, record) for record in records(datagram))) for client, datagram in said]


def flow(path: Path, said: Said) -> dict[str, Any]:
    ends = [("192.0.2.1", 40_000), ("192.0.2.2", PORT)]
    packets = []
    for number, (client, datagram) in enumerate(said):
        (src, sport), (dst, dport) = ends if client else reversed(ends)
        packets.append(IP(src=src, dst=dst) / UDP(sport=sport, dport=dport) / Raw(datagram))
        packets[-1].time = 1_700_000_000 + number / 100
    wrpcap(str(path), packets)
    (found,) = (record for record in probe.replay(path) if record["type"] == "flow")
    return found


@pytest.mark.parametrize("senders", [(True, False), (True,)])
def test_a_session_under_connection_ids(tmp_path: Path, senders: tuple[bool, ...]) -> None:
    found = flow(tmp_path / "one.pcap", under_ids(recorded(), senders))
    assert (found["class"], found["protocol"]) == ("tls", "dtls")
    assert (found["tls"]["version"], found["tls"]["established"]) == ("DTLSv1.2", True)


def test_joined_under_connection_ids(tmp_path: Path) -> None:
    sealed = [(client, datagram) for client, datagram in under_ids(recorded()) if datagram[0] == 25]
    assert len(sealed) > 1
    for start in range(len(sealed)):
        assert flow(tmp_path / "one.pcap", sealed[start:])["class"] == "tls"


def without_hello(flight: tuple[bool, bytes]) -> tuple[bool, bytes]:
    return flight[0], b"".join(list(records(flight[1]))[1:])


@pytest.mark.parametrize(
    "captured",
    [
        pytest.param(lambda said: said[1:], id="without the first"),
        pytest.param(lambda said: [said[1], said[0], *said[2:]], id="out of order"),
        pytest.param(lambda said: [part for part in said if not part[0]], id="the server alone"),
        pytest.param(lambda said: [part for part in said if part[0]], id="the client alone"),
        pytest.param(lambda said: [said[1]], id="HelloVerifyRequest"),
        pytest.param(lambda said: [without_hello(said[3]), said[4]], id="a flight without its hello"),
    ],
)
def test_messages_tell_the_client(tmp_path: Path, captured: Callable[[Said], Said]) -> None:
    found = flow(tmp_path / "one.pcap", captured(recorded()))
    assert (found["class"], found["src_port"], found["dst_port"]) == ("tls", 40_000, PORT)

"""Encrypted Client Hello told apart from GREASE, by what DNS gave out before."""

import json
import ssl
from pathlib import Path
from typing import Any, Final

import pytest
from captures import roots
from scapy.all import DNS, DNSQR, IP, TCP, UDP, Ether, Raw, wrpcap
from sessions import converse

from probe.engine import Engine
from probe.replay import Replay

CLIENT: Final = "192.0.2.10"
HTTPS: Final = 65
CONFIG_ID: Final = 0x2A


def vector(content: bytes, width: int = 2) -> bytes:
    return len(content).to_bytes(width, "big") + content


def service(public_name: str | None) -> bytes:
    """The data of an HTTPS record, with a configuration for X25519, HKDF-SHA256 and AES-128-GCM if a name is given."""
    data = b"\0\1\0" + b"\0\1" + vector(vector(b"h2", 1))
    if public_name is None:
        return data
    contents = bytes([CONFIG_ID]) + b"\0\x20" + vector(bytes(32)) + vector(b"\0\1\0\1") + b"\0"
    config = b"\xfe\x0d" + vector(contents + vector(public_name.encode(), 1) + vector(b""))
    return data + b"\0\5" + vector(vector(config))


def answer(name: str, *records: bytes) -> bytes:
    message = bytes(DNS(id=7, qr=1, rd=1, ra=1, qd=DNSQR(qname=name, qtype=HTTPS)))
    owner = b"\xc0\x0c\0\x41\0\1\0\0\1\x2c"
    return message[:6] + len(records).to_bytes(2, "big") + message[8:] + b"".join(owner + vector(r) for r in records)


def hello(name: str, config_id: int) -> bytes:
    """OpenSSL's ClientHello with the extension put behind the others, in its record."""
    context = ssl.create_default_context()
    record = converse(context, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), name=name).flights[0][1]
    body = record[9 : 9 + int.from_bytes(record[6:9], "big")]
    at = 34
    for width in (1, 2, 1):  # session id, suites, compression methods
        at += width + int.from_bytes(body[at : at + width], "big")
    ech = b"\0\0\1\0\1" + bytes([config_id]) + vector(bytes(32)) + vector(bytes(144))
    body = body[:at] + vector(body[at + 2 :] + b"\xfe\x0d" + vector(ech))
    return b"\x16\3\1" + vector(b"\1" + vector(body, 3))


class Capture:
    """Frames between a client and as many servers as there are conversations."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def _server(self) -> str:
        return f"198.51.100.{len(self.frames) % 250}"

    def over_udp(self, message: bytes) -> None:
        self._add(IP(src=self._server(), dst=CLIENT) / UDP(sport=53, dport=40_000 + len(self.frames)) / Raw(message))

    def over_tcp(self, message: bytes) -> None:
        server = self._server()
        ends = {"sport": 40_000 + len(self.frames), "dport": 53}
        query = bytes(DNS(id=7, rd=1, qd=DNSQR(qname="a.example", qtype=HTTPS)))
        self._add(IP(src=CLIENT, dst=server) / TCP(**ends, flags="S", seq=0))
        self._add(IP(src=CLIENT, dst=server) / TCP(**ends, flags="A", seq=1) / Raw(vector(query)))
        back = {"sport": ends["dport"], "dport": ends["sport"]}
        self._add(IP(src=server, dst=CLIENT) / TCP(**back, flags="A", seq=1) / Raw(vector(message)))

    def connect(self, name: str, config_id: int) -> None:
        ends = {"sport": 40_000 + len(self.frames), "dport": 443}
        server = self._server()
        self._add(IP(src=CLIENT, dst=server) / TCP(**ends, flags="S", seq=0))
        self._add(IP(src=CLIENT, dst=server) / TCP(**ends, flags="A", seq=1) / Raw(hello(name, config_id)))

    def _add(self, packet: Any) -> None:
        frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet
        frame.time = 1_790_000_000 + len(self.frames) / 100
        self.frames.append(frame)

    def told(self, folder: Path, workers: int) -> list[tuple[str, str, str, int]]:
        """Name, what the extension was, how that is known and its number, of each hello in order."""
        path = folder / "ech.pcap"
        wrpcap(str(path), self.frames)
        run = Replay([str(path)], Engine([], roots(())), workers=workers)
        lines = b"".join(run.chunks()).splitlines()
        flows = [record for record in map(json.loads, lines) if "tls" in record]
        flows.sort(key=lambda flow: flow["start"])
        assert all(flow["tls"]["ech_offered"] for flow in flows)
        return [tuple(flow["tls"][key] for key in ("sni", "ech", "ech_evidence", "ech_config_id")) for flow in flows]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_told_apart_by_what_dns_said_before(tmp_path: Path, workers: int) -> None:
    capture = Capture()
    capture.connect("front.example", CONFIG_ID)
    capture.over_udp(answer("hidden.example", service("front.example")))
    capture.over_udp(answer("plain.example", service(None)))
    for name in ("front.example", "hidden.example", "plain.example", "other.example"):
        for config_id in (CONFIG_ID, 1):
            capture.connect(name, config_id)
    assert capture.told(tmp_path, workers) == [
        ("front.example", "offered", "observed", CONFIG_ID),
        ("front.example", "real", "inferred", CONFIG_ID),
        ("front.example", "grease", "inferred", 1),
        ("hidden.example", "grease", "inferred", CONFIG_ID),
        ("hidden.example", "grease", "inferred", 1),
        ("plain.example", "grease", "inferred", CONFIG_ID),
        ("plain.example", "grease", "inferred", 1),
        ("other.example", "offered", "observed", CONFIG_ID),
        ("other.example", "offered", "observed", 1),
    ]


def test_over_tcp(tmp_path: Path) -> None:
    capture = Capture()
    capture.over_tcp(answer("a.example", service("a.front.example")))
    capture.connect("a.front.example", CONFIG_ID)
    assert [told[1] for told in capture.told(tmp_path, 1)] == ["real"]

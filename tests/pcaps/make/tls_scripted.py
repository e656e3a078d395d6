"""What no server at hand speaks: SSLv2 and SSLv3 as their specifications have them, byte by byte, and DTLS 1.3 as a
library spoke it that the tests do not install. Written with scapy.

Certificates and time are those of tls12_static_rsa.pcap; what would be encrypted is random bytes of the right size.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from lab import run
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap
from scenario import Flow, Maker, Stage, finding, flow, written
from scenario import chain as chain_finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SCAPY = "pypi:scapy"
CLIENT, SERVER = 0, 1
OTHER = "tls12_static_rsa.pcap"
ENDS = ("192.0.2.10", "198.51.100.10")
DTLS13_TIME = 1_796_000_000.0  # while its certificates are valid
# Recorded by recorders/dimpl.rs beside it, with the secrets of both ends.
DTLS13 = Path(__file__).parents[3] / "parsers/flow/src/tls/testdata/dtls13_1302.txt"


def scripted(name: str, holds: str, **notes: str) -> Callable[[Maker], Maker]:
    return written(name, f"{holds}: scripted", SCAPY, trust="pki/root.pem", **notes)


def frames(packets: Iterable[tuple[int, Packet]], start: float) -> list[Packet]:
    """(Sender, transport), ten milliseconds apart on Ethernet."""
    macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")
    made = []
    for number, (way, packet) in enumerate(packets):
        frame = Ether(src=macs[way], dst=macs[1 - way]) / IP(src=ENDS[way], dst=ENDS[1 - way]) / packet
        frame.time = start + number / 100
        made.append(frame)
    return made


def over_tcp(flights: Iterable[tuple[int, bytes]], start: float) -> list[Packet]:
    """A connection with these flights, each side's end included."""
    ports, numbers = (40_000, 443), [1000, 5000]
    packets = []

    def say(way: int, flags: str, data: bytes = b"") -> None:
        ends = {"sport": ports[way], "dport": ports[1 - way], "seq": numbers[way], "ack": numbers[1 - way]}
        packets.append((way, TCP(**ends, flags=flags) / Raw(data) if data else TCP(**ends, flags=flags)))
        numbers[way] += len(data) + (1 if set(flags) & set("SF") else 0)

    for way, flags in ((CLIENT, "S"), (SERVER, "SA"), (CLIENT, "A")):
        say(way, flags)
    for way, data in flights:
        for at in range(0, len(data), 1400):
            say(way, "PA", data[at : at + 1400])
    say(CLIENT, "FA")
    say(SERVER, "FA")
    return frames(packets, start)


def vector(content: bytes, width: int = 2) -> bytes:
    return len(content).to_bytes(width, "big") + content


def borrowed(stage: Stage) -> tuple[bytes, float]:
    """The list of certificates that the server of another capture sends in the clear, and when it begins."""
    stage.made(OTHER)
    captured = rdpcap(str(stage.captures / OTHER))
    sent = b"".join(bytes(frame[TCP].payload) for frame in captured if frame[TCP].sport == 443)
    at = sent.index(b"\x30\x82") - 6  # in front of the first SEQUENCE of more than 255 bytes
    return sent[at + 3 : at + 3 + int.from_bytes(sent[at : at + 3], "big")], float(captured[0].time)


@scripted("sslv2.pcap", "SSLv2 with RC4, from the Netscape specification of 1995")
def sslv2(stage: Stage, out: Path) -> list[Flow]:
    rng = random.Random(1)
    kinds = b"\x01\0\x80\x07\0\xc0"  # SSL_CK_RC4_128_WITH_MD5, SSL_CK_DES_192_EDE3_CBC_WITH_MD5

    def record(body: bytes) -> bytes:
        return (0x8000 | len(body)).to_bytes(2, "big") + body

    chain, start = borrowed(stage)
    certificate, connection = chain[3 : 3 + int.from_bytes(chain[:3], "big")], rng.randbytes(16)
    lengths = b"".join(len(part).to_bytes(2, "big") for part in (certificate, kinds, connection))
    flights = [
        (CLIENT, record(b"\x01\0\x02" + b"\0\x06\0\0\0\x10" + kinds + rng.randbytes(16))),
        (SERVER, record(b"\x04\0\x01\0\x02" + lengths + certificate + kinds + connection)),
        (CLIENT, record(b"\x02\x01\0\x80" + b"\0\0\x01\0\0\0" + rng.randbytes(256))),
        (SERVER, record(rng.randbytes(16 + 17))),  # SERVER-VERIFY: a MAC, and what it is over
        (CLIENT, record(rng.randbytes(16 + 17))),  # CLIENT-FINISHED
        (SERVER, record(rng.randbytes(16 + 17))),  # SERVER-FINISHED
        (CLIENT, record(rng.randbytes(16 + 40))),
        (SERVER, record(rng.randbytes(16 + 400))),
    ]
    wrpcap(str(out), over_tcp(flights, start))
    tls = {"version": "SSLv2", "suite": "SSL_CK_RC4_128_WITH_MD5", "established": True, "certificates": 1}
    # SSLv2 has room for one certificate.
    findings = [finding("tls.version"), finding("tls.suite"), chain_finding("missing_intermediate")]
    return [flow("tls", 443, "tls", tls=tls, findings=findings, unseen_by_tshark=True)]  # its names are others


@scripted("sslv3.pcap", "SSLv3 with RC4 and RSA key transport, from RFC 6101")
def sslv3(stage: Stage, out: Path) -> list[Flow]:
    rng = random.Random(2)

    def record(kind: int, content: bytes) -> bytes:
        return bytes([kind]) + b"\3\0" + vector(content)

    def message(kind: int, body: bytes) -> bytes:
        return record(22, bytes([kind]) + vector(body, 3))

    hello = b"\3\0" + rng.randbytes(32)
    certificates, start = borrowed(stage)
    chain = message(11, vector(certificates, 3))
    finished = record(20, b"\1") + record(22, rng.randbytes(4 + 36 + 20))  # MD5 and SHA-1, with a MAC
    flights = [
        (CLIENT, message(1, hello + b"\0" + vector(b"\0\x05\0\x0a") + b"\1\0")),
        (SERVER, message(2, b"\3\0" + rng.randbytes(32) + b"\0" + b"\0\x05\0") + chain + message(14, b"")),
        (CLIENT, message(16, rng.randbytes(256)) + finished),  # no length in front: RFC 6101 section 5.6.7.1
        (SERVER, finished),
        (CLIENT, record(23, rng.randbytes(60))),
        (SERVER, record(23, rng.randbytes(420))),
    ]
    wrpcap(str(out), over_tcp(flights, start))
    tls = {"version": "SSLv3", "suite": "TLS_RSA_WITH_RC4_128_SHA", "established": True, "certificates": 2}
    findings = [finding("tls.version"), finding("tls.suite"), finding("tls.renegotiation")]
    return [flow("tls", 443, "tls", tls=tls, findings=findings, clean=["certificate.chain"])]


@scripted("dtls13_keys.pcapng", "DTLS 1.3 between two ends of dimpl 0.9, and its secrets")
def dtls13(_: Stage, out: Path) -> list[Flow]:
    lines = [line.split(" ", 1) for line in DTLS13.read_text().splitlines()]
    ports, plain, log = (40_000, 4433), out.with_suffix(".plain"), out.with_suffix(".log")
    sent = [(CLIENT if mark == ">" else SERVER, bytes.fromhex(rest)) for mark, rest in lines if mark != "k"]
    datagrams = ((way, UDP(sport=ports[way], dport=ports[1 - way]) / Raw(data)) for way, data in sent)
    wrpcap(str(plain), frames(datagrams, DTLS13_TIME))
    log.write_text("".join(f"{rest}\n" for mark, rest in lines if mark == "k"))
    run(["editcap", "--inject-secrets", f"tls,{log}", str(plain), str(out)])
    plain.unlink()
    tls = {
        "version": "DTLSv1.3",
        "suite": "TLS_AES_256_GCM_SHA384",
        "established": True,
        "proven": True,
        "certificates": 1,
        "client_certificates": 1,
    }
    findings = [chain_finding("self_signed"), finding("mtls.certificate", reason="self_signed")]
    return [flow("dtls", 4433, "tls", transport="udp", tls=tls, findings=findings, unseen_by_tshark=True)]

"""ESP without encryption in a TCP connection (RFC 9329): proven by reading it, as over IP and UDP."""

import sys
from pathlib import Path
from typing import Any, Final

import pytest
from captures import PCAPS

import probe

sys.path.append(str(PCAPS / "make"))

scapy = pytest.importorskip("scapy.layers.ipsec", reason="scapy writes what is read here")
from ipsec_raw import GATEWAYS, INNER, exchange  # noqa: E402
from scapy.layers.inet import IP, TCP  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

PREFIX: Final = b"IKETCP"
PORTS: Final = (40000, 4500)


def _write(path: Path, cipher: str, step: int = 0, **keys: Any) -> None:
    """An HTTP exchange inside, a packet a segment, length in front; or each side's stream cut every `step` bytes."""
    sequence, frames = [1000, 5000], []

    def segment(way: int, flags: str, data: bytes = b"") -> None:
        addresses = IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way])
        acknowledged = sequence[1 - way] if "A" in flags else 0
        ports = {"sport": PORTS[way], "dport": PORTS[1 - way]}
        frame = (
            Ether(dst="02:00:00:00:00:02") / addresses / TCP(**ports, flags=flags, seq=sequence[way], ack=acknowledged)
        )
        frames.append(frame / Raw(data) if data else frame)
        frames[-1].time = 1_790_000_000 + len(frames) * 0.001
        sequence[way] += len(data) + ("S" in flags)

    for way, flags in ((0, "S"), (1, "SA"), (0, "A")):
        segment(way, flags)
    mode = {} if keys.pop("transport", False) else {"tunnel": True}
    associations = [
        scapy.SecurityAssociation(
            scapy.ESP,
            spi=0xC0FFEE01 + way,
            crypt_algo=cipher,
            tunnel_header=IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way]) if mode else None,
            **keys,
        )
        for way in (0, 1)
    ]
    pieces = [(0, PREFIX)]
    for way, packet in exchange(INNER if mode else GATEWAYS):
        esp = bytes(associations[way].encrypt(packet).payload)
        pieces.append((way, (len(esp) + 2).to_bytes(2, "big") + esp))
    for way in (0, 1) if step else ():
        stream = b"".join(piece for whose, piece in pieces if whose == way)
        pieces = [piece for piece in pieces if piece[0] != way]
        pieces += [(way, stream[at : at + step]) for at in range(0, len(stream), step)]
    for way, piece in pieces:
        segment(way, "PA", piece)
    wrpcap(str(path), frames)


NULL: Final = {"auth_algo": "SHA2-256-128", "auth_key": b"k" * 32}


@pytest.mark.parametrize(
    ("cipher", "keys", "checks"),
    [("NULL", NULL, ["esp.null_encryption"]), ("AES-GCM", {"crypt_key": b"k" * 20}, [])],
)
def test_proven_in_a_connection(tmp_path: Path, cipher: str, keys: dict[str, Any], checks: list[str]) -> None:
    _write(tmp_path / "x.pcap", cipher, **keys)
    records = list(probe.replay(tmp_path / "x.pcap"))
    flow = next(record for record in records if record["type"] == "flow" and record["transport"] == "tcp")
    assert (flow["protocol"], flow["esp"]["null_encryption"]) == ("esp", bool(checks))
    found = [record["check"] for record in records if record["type"] == "finding"]
    assert [check for check in found if check.startswith("esp")] == checks


def _inside(capture: Path, **more: Any) -> dict[str, Any]:
    [inside] = [record for record in probe.replay(capture, **more) if record["type"] == "flow" and record.get("tunnel")]
    assert inside["tunnel"] == ["esp:0xc0ffee01"]
    return dict(inside)


@pytest.mark.parametrize("step", [0, 1, 7, 100, 1400])
def test_what_is_inside_is_classified(tmp_path: Path, step: int) -> None:
    """However the stream is cut: many messages in one segment, or one in many."""
    _write(tmp_path / "x.pcap", "NULL", step=step, **NULL)
    inside = _inside(tmp_path / "x.pcap")
    assert (inside["src_ip"], inside["dst_port"], inside["protocol"]) == (INNER[0], 80, "http")
    assert (inside["class"], inside["packets"]) == ("plaintext", [5, 3])


def test_transport_mode_has_the_lengths_of_packets(tmp_path: Path) -> None:
    _write(tmp_path / "x.pcap", "NULL", transport=True, **NULL)
    inside = _inside(tmp_path / "x.pcap")
    assert (inside["src_ip"], inside["protocol"]) == (GATEWAYS[0], "http")
    whole = [sum(len(packet) for whose, packet in exchange(GATEWAYS) if whose == way) for way in (0, 1)]
    assert inside["bytes"] == whole


def test_opened_with_keys(tmp_path: Path) -> None:
    _write(tmp_path / "x.pcap", "AES-GCM", step=100, crypt_key=b"k" * 20)
    key = (b"k" * 20).hex()
    rows = [
        f'"IPv4","{GATEWAYS[way]}","{GATEWAYS[1 - way]}","0x{0xC0FFEE01 + way:08x}","AES-GCM [RFC4106]","0x{key}",'
        '"ANY 128 bit authentication [no checking]","0x"\n'
        for way in (0, 1)
    ]
    (tmp_path / "keys").write_text("".join(rows))
    inside = _inside(tmp_path / "x.pcap", keylog=[tmp_path / "keys"])
    assert (inside["protocol"], inside["evidence"], inside["packets"]) == ("http", "decrypted", [5, 3])

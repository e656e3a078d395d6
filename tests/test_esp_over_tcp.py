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


def _write(path: Path, cipher: str, **keys: Any) -> None:
    """An HTTP exchange inside, a packet a segment, each with its length in front."""
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
    segment(0, "PA", PREFIX)
    associations = [
        scapy.SecurityAssociation(
            scapy.ESP,
            spi=0xC0FFEE01 + way,
            crypt_algo=cipher,
            tunnel_header=IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way]),
            **keys,
        )
        for way in (0, 1)
    ]
    for way, packet in exchange(INNER):
        esp = bytes(associations[way].encrypt(packet).payload)
        segment(way, "PA", (len(esp) + 2).to_bytes(2, "big") + esp)
    wrpcap(str(path), frames)


@pytest.mark.parametrize(
    ("cipher", "keys", "checks"),
    [
        ("NULL", {"auth_algo": "SHA2-256-128", "auth_key": b"k" * 32}, ["esp.null_encryption"]),
        ("AES-GCM", {"crypt_key": b"k" * 20}, []),
    ],
)
def test_proven_in_a_connection(tmp_path: Path, cipher: str, keys: dict[str, Any], checks: list[str]) -> None:
    _write(tmp_path / "x.pcap", cipher, **keys)
    records = list(probe.replay(tmp_path / "x.pcap"))
    [flow] = [record for record in records if record["type"] == "flow"]
    assert (flow["transport"], flow["protocol"], flow["esp"]["null_encryption"]) == ("tcp", "esp", bool(checks))
    assert [record["check"] for record in records if record["type"] == "finding"] == checks

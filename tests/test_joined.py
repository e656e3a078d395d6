"""Connections of real programs as a capture sees them that began later, or that saw one side: their names, or none."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from captures import PCAPS, flows
from scapy.layers.inet import TCP
from scapy.utils import rdpcap, wrpcap

import probe

if TYPE_CHECKING:
    from scapy.packet import Packet

# Behind so many segments with content, and with this side captured alone, it is told still.
TOLD: Final = {
    "mysql.pcap": [(3, ""), (4, "")],
    "postgresql.pcap": [(3, ""), (4, ""), (3, "client"), (3, "server")],
    "redis.pcap": [(2, "")],
    "smtp.pcap": [(3, ""), (3, "client"), (3, "server")],
    "imap.pcap": [(4, "")],
    "pop3.pcap": [(4, "")],
    "ldap.pcap": [(2, "")],
    "mqtt.pcap": [(2, "")],
    "ftp.pcap": [(4, ""), (4, "server")],
}
CLEAR: Final = ["http.pcap", "smb.pcap", "telnet.pcap", *TOLD]
SEALED: Final = ["ssh.pcap", "tls13.pcap", "tls12_h2.pcap", "unknown.pcap"]


def _joined(name: str, skipped: int, side: str, path: Path) -> dict[int, tuple[str, str]]:
    """Class and protocol by the port of the client, of connections without their beginning."""
    clients: set[tuple[str, int]] = set()
    seen: dict[frozenset[object], int] = {}
    kept: list[Packet] = []
    for packet in rdpcap(str(PCAPS / name)):
        if TCP not in packet:
            continue
        ends = packet.payload
        source = (ends.src, packet[TCP].sport)
        if packet[TCP].flags.S:
            if not packet[TCP].flags.A:
                clients.add(source)
            continue
        key = frozenset((source, (ends.dst, packet[TCP].dport)))
        seen[key] = seen.get(key, 0) + bool(bytes(packet[TCP].payload))
        if seen[key] > skipped and side in ("", "client" if source in clients else "server"):
            kept.append(packet)
    if not kept:
        return {}
    wrpcap(str(path), kept)
    records = [record for record in probe.replay(path) if record["type"] == "flow"]
    ports = {port for _, port in clients}
    return {
        next(port for port in (flow["src_port"], flow["dst_port"]) if port in ports): (
            flow["class"],
            flow.get("protocol", ""),
        )
        for flow in records
    }


def _whole(name: str) -> dict[int, tuple[str, str]]:
    return {
        flow["src_port"]: (flow["class"], flow.get("protocol", ""))
        for flow in flows(name)
        if flow["transport"] == "tcp"
    }


@pytest.mark.parametrize("side", ["", "client", "server"])
@pytest.mark.parametrize("name", CLEAR)
def test_never_anything_else(name: str, side: str, tmp_path: Path) -> None:
    whole = _whole(name)
    for skipped in range(8):
        for port, told in _joined(name, skipped, side, tmp_path / "late.pcap").items():
            assert told in (whole[port], ("unknown", ""), ("plaintext", "text")), (skipped, port)


@pytest.mark.parametrize(("name", "skipped", "side"), [(name, *case) for name, cases in TOLD.items() for case in cases])
def test_told_by_its_messages(name: str, skipped: int, side: str, tmp_path: Path) -> None:
    told = _joined(name, skipped, side, tmp_path / "late.pcap")
    assert set(told.values()) & set(_whole(name).values()) - {("unknown", "")}


@pytest.mark.parametrize("name", SEALED)
def test_nothing_in_the_clear_is_made_of_what_is_sealed(name: str, tmp_path: Path) -> None:
    for skipped in range(12):
        for side in ("", "client", "server"):
            for kind, _ in _joined(name, skipped, side, tmp_path / "late.pcap").values():
                assert kind != "plaintext", (skipped, side)

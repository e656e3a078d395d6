"""IPsec in captures of the first bytes of each packet: what is there is read, and nothing is said of what is not."""

from pathlib import Path
from typing import Any, Final

import pytest
from captures import PCAPS

import probe

utils = pytest.importorskip("scapy.utils", reason="scapy cuts what is read here")

LENGTH: Final = 96  # tcpdump's old default and some more: headers of IKE and ESP are whole, nothing else is


def _flows(path: Path) -> list[dict[str, Any]]:
    return [record for record in probe.replay(path) if record["type"] == "flow" and record["class"] == "ipsec"]


def _cut(tmp_path: Path, name: str) -> Path:
    whole, path = PCAPS / "ipsec" / f"{name}.pcap", tmp_path / f"{name}.pcap"
    with utils.RawPcapReader(str(whole)) as reader, utils.RawPcapWriter(str(path), linktype=1) as writer:
        writer.write_header(None)
        for frame, meta in reader:
            kept = frame[:LENGTH]
            writer.write_packet(kept, sec=meta.sec, usec=meta.usec, caplen=len(kept), wirelen=meta.wirelen)
    return path


@pytest.mark.parametrize("name", ["v2_rsa", "v2_child_rekey", "v2_null", "v2_ipv6"])
def test_counts_are_those_of_the_whole(tmp_path: Path, name: str) -> None:
    """Messages on port 4500 by their header behind the marker; ESP by the lengths that were sent."""

    def told(flows: list[dict[str, Any]]) -> list[Any]:
        members = ("spi", "packets", "bytes", "lost", "last_sequence")
        return [
            (
                flow["packets"],
                flow.get("ike", {}).get("exchanges"),
                [[sa[member] for member in members] for sa in flow.get("esp", {}).get("sas", ())],
            )
            for flow in flows
        ]

    cut = _flows(_cut(tmp_path, name))
    assert told(cut) == told(_flows(PCAPS / "ipsec" / f"{name}.pcap"))
    assert all(flow["ike"]["damaged_messages"] for flow in cut if "ike" in flow)


def test_nothing_is_said_of_encryption(tmp_path: Path) -> None:
    """The trailer that would tell is not there: no finding against it, and none for it."""
    path = _cut(tmp_path, "v2_null")
    assert "esp.null_encryption" in {record.get("check") for record in probe.replay(PCAPS / "ipsec" / "v2_null.pcap")}
    assert "esp.null_encryption" not in {record.get("check") for record in probe.replay(path)}
    assert not [flow for flow in _flows(path) if "null_encryption" in flow.get("esp", {})]

"""The packets behind findings, as tshark and dpkt read them back."""

import json
import stat
from pathlib import Path

import dpkt
import pytest

from probe import evidence
from probe.evidence import Evidence, Packet

ETHERNET, RAW = 1, 101
TIME = 1_700_000_000_123_456_789


def _finding(uid: str, *frames: int) -> bytes:
    sources = [f"live#{frame}" for frame in frames]
    return json.dumps(
        {"uid": uid, "check": "tls.version", "evidence": {"class": "observed", "frames": sources}}
    ).encode()


def _packet(number: int, link: int = ETHERNET, size: int = 61) -> Packet:
    return number, TIME + number, size + 10, link, bytes([number % 256]) * size


def _read(path: Path) -> list[tuple[bytes, list[str]]]:
    """Each packet with its comments, by a reader of somebody else's."""
    found = []
    with path.open("rb") as file:
        reader = dpkt.pcapng.Reader(file)
        for _, data in reader:
            found.append(data)
    comments = []
    raw, at = path.read_bytes(), 0
    while at < len(raw):
        kind, length = (int.from_bytes(raw[at + i : at + i + 4], "little") for i in (0, 4))
        if kind == 6:
            block = dpkt.pcapng.EnhancedPacketBlockLE(raw[at : at + length])
            comments.append([option.text for option in block.opts if option.code == 1])
        at += length
    return list(zip(found, comments, strict=True))


def test_the_packets_of_a_flow_once_each_with_the_uids_of_their_findings(tmp_path: Path) -> None:
    kept = {3: [_packet(2), _packet(3)], 9: [_packet(9)]}
    path = tmp_path / "x.pcapng"
    written = Evidence(str(path), 1 << 20, lambda frame: kept.get(frame, []))
    assert written.write([_finding("aa", 3, 9), _finding("bb", 3), _finding("cc", 77)]) is None
    assert written.write([_finding("aa", 3)]) is None
    written.close()
    assert _read(path) == [
        (_packet(2)[4], ["aa tls.version", "bb tls.version"]),
        (_packet(3)[4], ["aa tls.version", "bb tls.version"]),
        (_packet(9)[4], ["aa tls.version"]),
    ]
    assert written.counters() == {"packets_written": 3, "packets_not_kept": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_kind_of_link_is_an_interface(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    written = Evidence(str(path), 1 << 20, lambda frame: [_packet(frame, RAW if frame % 2 else ETHERNET)])
    written.write([_finding("aa", 1, 2), _finding("bb", 3)])
    written.close()
    raw = path.read_bytes()
    assert raw.count(evidence.interface(RAW)) == raw.count(evidence.interface(ETHERNET)) == 1
    assert len(_read(path)) == 3


def test_it_is_bounded(tmp_path: Path) -> None:
    path, limit = tmp_path / "x.pcapng", 4096
    written = Evidence(str(path), limit, lambda frame: [_packet(frame, size=200)])
    for number in range(100):
        written.write([_finding("aa", number)])
    written.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["x.pcapng", "x.pcapng.1"]
    assert sum(file.stat().st_size for file in files) <= limit + 2 * 300
    numbers = [data[0] for file in reversed(files) for data, _ in _read(file)]
    assert numbers == list(range(numbers[0], 100)), "the latest, in their order"


def test_a_full_disk_is_told_and_the_next_packet_has_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pcapng"
    written = Evidence(str(path), 1 << 20, lambda frame: [_packet(frame)])
    put = Evidence._put

    def full(self: Evidence, data: bytes) -> None:
        put(self, data[:8])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Evidence, "_put", full)
    assert written.write([_finding("aa", 1)]) == f"{path}: no space left on device"
    monkeypatch.setattr(Evidence, "_put", put)
    assert written.write([_finding("aa", 2)]) is None
    written.close()
    assert [data for data, _ in _read(path)] == [_packet(2)[4]]
    assert written.counters()["packets_unwritten"] == 1

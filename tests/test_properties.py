"""Whatever happens to a capture, the core neither raises nor loses count, and what does not matter changes nothing."""

import json
import struct
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from captures import NAMES, PCAPS, carried
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import probe
from probe._parsers import Capture, CaptureError, Core

SMALL: Final = [name for name in NAMES if name.endswith(".pcap") and (PCAPS / name).stat().st_size < 4096]
HEADER: Final = 24
LIMITED: Final = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CAPTURES: Final = st.sampled_from(SMALL)


@cache
def content(name: str) -> bytes:
    return (PCAPS / name).read_bytes()


@cache
def packets(name: str) -> tuple[bytes, ...]:
    """The records of a classic little-endian capture, each with its header."""
    data, at, found = content(name), HEADER, []
    while at < len(data):
        size = 16 + struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at : at + size])
        at += size
    return tuple(found)


CLASSIC: Final = [name for name in SMALL if "/" not in name]  # whole, Ethernet, microseconds, little-endian


def outer_packets(records: list[dict[str, Any]]) -> int:
    """What AH and unencrypted ESP carry counts to the flow around it."""
    return sum(sum(record["packets"]) for record in records if not carried(record))


def play(data: bytes, folder: Path, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any], Capture]:
    """Records, totals and the capture that was read; raises CaptureError for what is none."""
    path = folder / "capture"
    path.write_bytes(data)
    capture, core = Capture(str(path)), Core(**{"seed": 1, **options})
    while core.feed(capture, 1000):
        pass
    while core.finish(3):
        pass
    batch = core.take()
    return [json.loads(line) for line in batch.records.splitlines()], json.loads(core.totals()), capture


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("captures")


@LIMITED
@given(name=CAPTURES, data=st.data())
def test_damaged_captures_are_data(folder: Path, name: str, data: st.DataObject) -> None:
    """Cut anywhere, with bytes changed anywhere: counted or refused, never an exception of another kind."""
    damaged = bytearray(content(name))
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(0, len(damaged))) :]
    try:
        records, totals, _ = play(bytes(damaged), folder)
    except CaptureError:
        return
    assert totals["flows"] == len(records)
    counted = outer_packets(records) + sum(totals["other"].values())
    # Fragments that contradict each other are of their flow too, and so is the packet around something malformed.
    besides = sum(n for what, n in totals["malformed"].items() if what.startswith("ip_fragment"))
    malformed = sum(totals["malformed"].values())
    if totals["by_class"]["ipsec"]["flows"]:
        assert counted <= totals["packets"] <= counted + malformed
    else:
        assert counted + malformed - besides == totals["packets"]


@LIMITED
@given(name=st.sampled_from(CLASSIC), data=st.data())
def test_a_cut_capture_gives_the_packets_before_the_cut(folder: Path, name: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(HEADER, len(content(name))))
    whole, at = 0, HEADER
    for packet in packets(name):
        at += len(packet)
        whole += at <= cut
    _, totals, capture = play(content(name)[:cut], folder)
    assert totals["packets"] == whole
    ends = {HEADER + sum(len(packet) for packet in packets(name)[:n]) for n in range(len(packets(name)) + 1)}
    assert bool(capture.damage) == (cut not in ends)


@LIMITED
@given(name=st.sampled_from(CLASSIC), order=st.randoms(use_true_random=False), seed=st.integers(0, 2**64 - 1))
def test_shuffled_packets_are_all_counted_whatever_the_seed(folder: Path, name: str, order: Any, seed: int) -> None:
    shuffled = list(packets(name)) * 2
    order.shuffle(shuffled)
    data = content(name)[:HEADER] + b"".join(shuffled)
    first, totals, _ = play(data, folder)
    assert outer_packets(first) == totals["packets"] == len(shuffled)
    assert play(data, folder, seed=seed)[0] == first


@LIMITED
@given(names=st.lists(st.sampled_from(CLASSIC), min_size=1, max_size=6), limit=st.integers(1, 4))
def test_a_small_table_loses_no_packet(folder: Path, names: list[str], limit: int) -> None:
    data = content(names[0])[:HEADER] + b"".join(packet for name in names for packet in packets(name))
    records, totals, _ = play(data, folder, max_flows=limit)
    assert outer_packets(records) == totals["packets"]
    evicted = sum(record["end_reason"] == "evicted" for record in records)
    assert evicted == totals["limits"].get("max_flows", 0)


@LIMITED
@given(start=st.integers(0, 2**32 - 1), data=st.data())
def test_segmentation_does_not_change_what_is_read(folder: Path, start: int, data: st.DataObject) -> None:
    """The bytes of a real handshake, cut and shuffled anew under other sequence numbers."""
    name = "tls12_ecdhe_rsa.pcap"
    expected = next(record for record in play(content(name), folder)[0] if record["protocol"] == "tls")
    streams = _streams(name)
    frames = [_segment(side, start - 1, 0x02 if side == 0 else 0x12, b"") for side in (0, 1)]
    for number in range(max(len(flights) for flights in streams)):
        for side in (0, 1):
            if number < len(streams[side]):
                offset, flight = streams[side][number]
                cuts = sorted({0, len(flight), *data.draw(st.lists(st.integers(0, len(flight)), max_size=3))})
                parts = [(offset + a, flight[a:b]) for a, b in pairwise(cuts)]
                frames += [_segment(side, start + at, 0x10, part) for at, part in data.draw(st.permutations(parts))]
    got = play(content(name)[:HEADER] + b"".join(frames), folder)[0]
    assert [record.get("protocol") for record in got] == ["tls"]
    changing = ("established",)  # nobody said FIN here, and the last flight may come first
    assert {k: v for k, v in got[0]["tls"].items() if k not in changing} == {
        k: v for k, v in expected["tls"].items() if k not in changing
    }


@cache
def _streams(name: str) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
    """(offset, payload) of the segments of client and server, in order."""
    sides: tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]] = ([], [])
    at = [0, 0]
    for packet in packets(name):
        ip = packet[16 + 14 :]
        length = int.from_bytes(ip[2:4])
        tcp = ip[4 * (ip[0] & 15) : length]
        payload = tcp[4 * (tcp[12] >> 4) :]
        if payload:
            side = 0 if int.from_bytes(tcp[2:4]) == 443 else 1
            sides[side].append((at[side], payload))
            at[side] += len(payload)
    return sides


def _segment(side: int, seq: int, flags: int, payload: bytes) -> bytes:
    """A record with one TCP segment between two fixed ends."""
    ends = [(bytes([192, 0, 2, 1]), 40000), (bytes([198, 51, 100, 1]), 443)]
    (src, sport), (dst, dport) = ends[side], ends[1 - side]
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, 0, 0x50, flags, 1024, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, src, dst) + tcp
    frame = bytes(12) + b"\x08\x00" + ip
    return struct.pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame


def test_the_capturing_systems_own_drops_are_told(folder: Path) -> None:
    """A pcapng whose Interface Statistics Block says that 7 packets were lost (option 5, isb_ifdrop)."""

    def block(kind: int, body: bytes) -> bytes:
        size = struct.pack("<I", 12 + len(body))
        return struct.pack("<I", kind) + size + body + size

    header = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 1, 0, 65535))
    statistics = block(5, struct.pack("<III", 0, 0, 0) + struct.pack("<HHQ", 5, 8, 7) + struct.pack("<HH", 0, 0))
    assert play(header + interface + statistics, folder)[2].drops == 7
    summary = list(probe.replay(folder / "capture"))[-1]
    assert summary["drops"] == {"capture": 7}

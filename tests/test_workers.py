"""Several workers give the same records, findings and totals as one, apart from the order of records."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import dpkt
import pytest
from captures import NAMES, PCAPS, roots, trust_of
from scapy.all import IP, UDP, Ether, Raw, fragment
from scapy.layers.vxlan import VXLAN

import probe
from probe.engine import Engine
from probe.policy import load as policies
from probe.replay import Replay

ETHERNET = 1


def played(path: Path, workers: int, trust: tuple[str, ...] = (), *, report: bool = False) -> tuple[list[bytes], Any]:
    """Sorted lines, and what is known of the endpoints."""
    engine = Engine(policies.load(policies.DEFAULT), roots(trust), passes=True)
    run = Replay([str(path)], engine, report=report, why=True, workers=workers)
    lines = b"".join(run.chunks()).splitlines()
    return sorted(lines), run.outcome.endpoints


@pytest.mark.parametrize("name", NAMES)
def test_every_capture(name: str) -> None:
    one = played(PCAPS / name, 1, trust_of(name))
    for workers in (2, 3):
        assert played(PCAPS / name, workers, trust_of(name)) == one


def wrapped(number: int, frame: bytes) -> list[bytes]:
    """A frame as it is, mirrored, mirrored by fragments, or mirrored as fragments."""
    outer = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(
        src="198.51.100.1", dst=f"198.51.100.{2 + number % 3}", id=number
    )
    mirrored = outer / UDP(sport=4789, dport=4789) / VXLAN(vni=number % 2, flags="Instance")
    match number % 5:
        case 0:
            return [bytes(mirrored / Raw(frame))]
        case 1:
            return [bytes(part) for part in fragment(mirrored / Raw(frame), 200)]
        case 2 if frame[12:14] == b"\x08\x00" and frame[14] == 0x45:
            return [bytes(mirrored / part) for part in fragment(Ether(frame), 64)]
        case 3 if number % 7 == 0:
            return [frame[: 14 + number % 40], b"\x02" * 12 + b"\x08\x06" + b"\0" * 28]  # cut short; ARP
        case _:
            return [frame]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames of all captures in one, a good part of them in tunnels and in fragments, some of them damaged."""
    frames = []
    for name in NAMES:
        if name.endswith(".pcap"):
            with (PCAPS / name).open("rb") as file:
                reader = dpkt.pcap.Reader(file)
                if reader.datalink() == ETHERNET:
                    frames += [frame for _, frame in reader]
    path = tmp_path_factory.mktemp("workers") / "everything.pcap"
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        number = 0
        for turn, frame in enumerate(frames):
            for part in wrapped(turn, frame):
                number += 1
                writer.writepkt(part, ts=1_700_000_000 + number / 50)  # so slow that flows fall silent meanwhile
    return path


@pytest.mark.parametrize("workers", [2, 3, 4, 7])
def test_tunnels_fragments_and_damage(everything: Path, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Replay.__module__], "PACKETS_AHEAD", 100)
    one, endpoints = played(everything, 1, report=True)
    kinds = {json.loads(line)["type"] for line in one}
    summary = next(json.loads(line) for line in one if b'"type":"summary"' in line)
    assert kinds == {"flow", "tunnel", "certificate", "finding", "summary"}
    assert summary["malformed"]
    assert summary["other"]
    assert summary["flows"] > 200
    many, endpoints_of_many = played(everything, workers, report=True)
    assert many == one
    assert endpoints_of_many == endpoints


@pytest.mark.parametrize("selection", [{"filter": "class tls or port 53"}, {"filter": "host 198.51.100.0/24"}])
def test_selections(everything: Path, selection: dict[str, Any]) -> None:
    span = {"begin": "2023-11-14T22:13:30", "end": "2023-11-14T22:14:30"}
    one, two = (
        sorted(json.dumps(record) for record in probe.replay(everything, workers=workers, **selection, **span))
        for workers in (1, 2)
    )
    assert '"filtered"' in "".join(one)
    assert two == one


def test_the_same_output_every_time(everything: Path) -> None:
    first, second = (list(probe.replay(everything, workers=3)) for _ in range(2))
    assert first == second


def test_a_pipe_and_a_capture_cut_short(everything: Path) -> None:
    command = (sys.executable, "-m", "probe", "replay", "-q", "--format", "jsonl", "--workers")
    cut = everything.read_bytes()[:-7]
    outputs = []
    for workers in ("1", "2", "auto"):
        done = subprocess.run([*command, workers, "-"], input=cut, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (3, b"")
        outputs.append(sorted(done.stdout.splitlines()))
    assert outputs[1] == outputs[0]
    assert len(outputs[2]) == len(outputs[0])
    assert any(b"missing" in line for line in outputs[0] if b'"summary"' in line)


@pytest.mark.parametrize("damage", ["cut", "length"])
def test_blocks_of_a_file_in_their_order(everything: Path, damage: str, tmp_path: Path) -> None:
    """Workers read blocks of 128 kB side by side; a file has several of these, and ends in none."""
    whole = everything.read_bytes()
    assert len(whole) > 5 * (128 << 10)
    path = tmp_path / "damaged.pcap"
    path.write_bytes(whole[:-7] if damage == "cut" else whole + b"\xff" * 16 + whole[24:100_000])
    one, _ = played(path, 1)
    assert (b"7 bytes missing" if damage == "cut" else b"record length 4294967295 exceeds") in b"".join(one)
    for workers in (2, 3):
        assert played(path, workers)[0] == one


def test_who_stops_listening_gets_rid_of_the_workers(everything: Path) -> None:
    records = probe.replay(everything, workers=2)
    assert next(records)["type"]
    records.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("workers")]


@pytest.mark.parametrize("workers", ["0", "65", "two", "-1"])
def test_numbers_that_cannot_be_meant(workers: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "probe", "replay", f"--workers={workers}", os.devnull], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"is no number of workers; write auto, or 1 to 64" in done.stderr


def test_extraction_is_done_by_one() -> None:
    arguments = ("replay", "--workers", "2", "--extract", "12345678", "-w", "x.pcap", os.devnull)
    done = subprocess.run([sys.executable, "-m", "probe", *arguments], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"leave out --workers" in done.stderr
    with pytest.raises(ValueError, match="workers: 1 to 64, not 65"):
        list(probe.replay(os.devnull, workers=65))


@pytest.mark.parametrize("workers", [2, 3])
def test_what_was_read_until_it_was_stopped_is_told(
    everything: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some workers are a step ahead then, and what they did of it counts."""
    monkeypatch.setattr(sys.modules[Replay.__module__], "PACKETS_AHEAD", 50)
    run = Replay([str(everything)], Engine(policies.load(policies.DEFAULT), roots(())), report=False, workers=workers)
    lines = []
    for chunk in run.chunks():
        lines += chunk.splitlines()
        if any(b'"type":"flow"' in line for line in lines):
            run.stop()
    records = [json.loads(line) for line in lines]
    flows = [record for record in records if record["type"] == "flow"]
    (summary,) = [record for record in records if record["type"] == "summary"]
    assert 0 < len(flows) == summary["flows"]
    assert sum(sum(flow["packets"]) for flow in flows) <= summary["packets"]

"""DNS made to mislead: messages that are no messages, and floods. All stays bounded, nothing is taken for a tunnel."""

import json
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import probe

ROOT = Path(__file__).parent.parent
HEADER = struct.Struct("!6H")
QUESTION = b"\x00\x01\x00\x01"


@pytest.fixture(autouse=True)
def beside() -> Iterator[None]:
    """The benchmark, which is no package of the project."""
    before = [*sys.path]
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield
    sys.path[:] = before


def capture(path: Path, payloads: list[bytes], every: float = 0.5) -> Path:
    """Payloads of one client to port 53, or from there where a message says that it is an answer."""
    from tunnels.wire import packet, record, start

    with path.open("wb") as file:
        file.write(start())
        for n, payload in enumerate(payloads):
            ends = [("10.9.0.5", 40_000 + n % 20_000), ("10.9.0.53", 53)]
            if len(payload) > 2 and payload[2] & 0x80:
                ends.reverse()
            file.write(record(1_800_000_000 + n * every, packet(*ends[0], *ends[1], payload)))
    return path


def records(path: Path, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Findings of dns.tunnel, and the summary."""
    all_records = list(probe.replay(path, **options))
    return [r for r in all_records if r.get("check") == "dns.tunnel"], all_records[-1]


def hostile(rng: random.Random) -> Iterator[bytes]:
    """One of each kind, with other bytes each time."""
    ident = rng.randrange(65536)
    ask, answer = HEADER.pack(ident, 0x0100, 1, 0, 0, 0), HEADER.pack(ident, 0x8180, 1, 2, 0, 0)
    noise = rng.randbytes(20)
    # Pointers: to themselves, to each other, forward, behind the end, into the header; behind labels as well.
    for pointer in (12, 14, 16, 40, 0x3FFF, 0):
        compressed = struct.pack("!H", 0xC000 | pointer)
        yield ask + compressed + b"\xc0\x0c" + QUESTION
        yield ask + b"\x14" + noise + compressed + QUESTION
        yield answer + b"\x03com\0" + QUESTION + compressed + QUESTION + b"\0\0\0\x01\0\x02" + compressed
    # As many labels as fit and more; too long a name; a label longer than what is left; lengths that are not defined.
    for count in (126, 127, 128, 255):
        yield ask + b"".join(b"\x01" + rng.randbytes(1) for _ in range(count)) + b"\0" + QUESTION
    yield ask + b"".join(b"\x3f" + rng.randbytes(63) for _ in range(5)) + b"\0" + QUESTION
    yield ask + b"\x3f" + noise
    for length in (0x40, 0x80, 0xBF):
        yield ask + bytes((length,)) + noise + b"\0" + QUESTION
    # Counts that lie, records that overlap what follows or end behind the end.
    for counts in ((0, 0, 0, 0), (1, 65535, 65535, 65535), (65535, 0, 0, 0), (2, 0, 0, 0)):
        yield HEADER.pack(ident, 0x0100, *counts) + b"\x07" + noise[:7] + b"\x03com\0" + QUESTION
    for length in (0xFFFF, 0x0200, 30):
        rest = QUESTION + b"\0\0\0\x01" + struct.pack("!H", length) + noise
        yield answer + b"\x03com\0" + QUESTION + b"\xc0\x0c" + rest + b"\xc0\x0c" + rest
    # An OPT record whose options overlap, and one of nothing but pointers.
    option = struct.pack("!HH", 65001, 0xFFF0) + noise
    yield (
        HEADER.pack(ident, 0x0100, 1, 0, 0, 1)
        + b"\x03com\0"
        + QUESTION
        + b"\0\0\x29\x10\0\0\0\0\0"
        + struct.pack("!H", len(option))
        + option
    )
    # Cut short at every place.
    whole = ask + b"\x08" + noise[:8].hex()[:8].encode() + b"\x07example\x03com\0" + QUESTION
    yield from (whole[:length] for length in range(len(whole)))
    yield noise


def test_what_is_no_message_is_no_tunnel(tmp_path: Path) -> None:
    rng = random.Random(31)
    payloads = [payload for _ in range(60) for payload in hostile(rng)]
    found, summary = records(capture(tmp_path / "hostile.pcap", payloads))
    assert found == []
    assert summary["packets"] == len(payloads) > 4000


def test_many_records_cost_no_more_than_a_few(tmp_path: Path) -> None:
    """An answer with five thousand records, and a name that was there before, again and again."""
    answer = HEADER.pack(1, 0x8180, 1, 5000, 0, 0) + b"\x03www\x07example\x03com\0" + QUESTION
    answer += b"\xc0\x0c\0\x10\0\x01\0\0\0\0\0\0" * 5000
    ask = HEADER.pack(1, 0x0100, 1, 0, 0, 0) + b"\x03www\x07example\x03com\0" + QUESTION
    found, _ = records(capture(tmp_path / "long.pcap", [ask, answer[:60_000]] * 200))
    assert found == []


def flood(path: Path, count: int, names: str) -> Path:
    """Random names of one client, each asked for once: below one victim, or each below a domain of its own."""
    rng = random.Random(32)
    letters = "abcdefghijklmnopqrstuvwxyz234567"

    def message() -> bytes:
        label, domain = ("".join(rng.choices(letters, k=12)).encode() for _ in range(2))
        victim = b"\x06victim" if names == "below one" else b"\x0c" + domain
        return (
            HEADER.pack(rng.randrange(65536), 0x0100, 1, 0, 0, 0) + b"\x0c" + label + victim + b"\x03com\0" + QUESTION
        )

    return capture(path, [message() for _ in range(count)], every=0.002)


def replayed(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Findings and summary of a replay in a process of its own, and its greatest size in kilobytes."""
    code = (
        "import sys; from pathlib import Path; from probe.cli import main\n"
        "main(['replay', '--format', 'jsonl', sys.argv[1]])\n"
        "print(*(line for line in Path('/proc/self/status').read_text().splitlines() if 'VmHWM' in line))\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    *lines, peak = run.stdout.splitlines()
    return [json.loads(line) for line in lines if '"type":"flow"' not in line], int(peak.split()[1])


def test_a_flood_below_one_victim_is_an_attack_and_no_tunnel(tmp_path: Path) -> None:
    """A billion names, scaled down: twice as many take no more memory."""
    peaks = []
    for count in (60_000, 150_000):
        found, peak = replayed(flood(tmp_path / f"{count}.pcap", count, "below one"))
        checks = [record["check"] for record in found[:-1] if record["check"].startswith("dns.")]
        assert checks == ["dns.random_names"]
        peaks.append(peak)
    assert peaks[1] < peaks[0] + 4096


def test_a_flood_of_domains_says_so_and_leaves_what_one_client_spreads(tmp_path: Path) -> None:
    found, _ = replayed(flood(tmp_path / "flood.pcap", 90_000, "below many"))
    *findings, summary = found
    assert summary["limits"]["dns_pairs"] > 10_000
    tunnels = [record for record in findings if record["check"] == "dns.tunnel"]
    assert tunnels
    assert all(record["observed"]["dns.domains"] >= 8 for record in tunnels)
    assert len(tunnels) < 5

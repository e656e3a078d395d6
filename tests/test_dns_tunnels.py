"""Tunnels through DNS: recordings of real ones (tests/live has them live), and a day of made ones among look-alikes."""

import random
import struct
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import probe

ROOT = Path(__file__).parent.parent
CAPTURES = ROOT / "tests" / "pcaps"
RECORDED = sorted((CAPTURES / "tunnels").glob("*.pcap"))


@pytest.fixture
def beside() -> Iterator[None]:
    """Makers of captures and the benchmark, which are no packages of the project."""
    before = [*sys.path]
    sys.path[:0] = [str(CAPTURES / "make"), str(ROOT / "benchmarks")]
    yield
    sys.path[:] = before


def tunnels(path: Path, **options: Any) -> list[dict[str, Any]]:
    return [record for record in probe.replay(path, **options) if record.get("check") == "dns.tunnel"]


def is_tunnel_to_example(path: Path) -> None:
    (finding,) = tunnels(path)
    assert (finding["client"], finding["domain"]) == ("192.0.2.10", "example.com")
    assert abs(sum(finding["why"].values()) - finding["score"]) < 0.005
    first, began = (datetime.fromisoformat(finding[key]) for key in ("first_alert", "first_seen"))
    assert 0 <= (first - began).total_seconds() < 2


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_sessions_of_real_programs(path: Path) -> None:
    is_tunnel_to_example(path)


def test_there_are_recordings() -> None:
    assert [path.stem for path in RECORDED] == ["dns2tcp", "iodine_cname", "iodine_null", "iodine_txt"]


@pytest.mark.usefixtures("beside")
def test_a_day_of_tools_and_look_alikes(tmp_path: Path) -> None:
    """Seed and scale are fixed; `python -m tunnels` in benchmarks/ runs others."""
    from tunnels.__main__ import judge, make

    made = make(tmp_path / "day.pcap", seed=11, scale=0.25)
    outcomes, false = judge(made, tunnels(made.path))  # type: ignore[arg-type]
    assert [outcome.tool for outcome in outcomes if outcome.seconds is None] == []
    assert false == []


@pytest.mark.usefixtures("beside")
def test_memory_outlives_the_process(tmp_path: Path) -> None:
    """The second half of a slow channel is found at once by whoever remembers the first."""
    from tunnels.benign import World
    from tunnels.tools import exfiltrate
    from tunnels.wire import write

    from probe.cli import main

    rng = random.Random(5)
    world = World(rng, clients=8, domains=10)
    session = exfiltrate(size=24, every=900, count=60, form="{data}", jitter=0.9, ttl=300)
    queries = list(session(world, "10.1.0.1", "a.com"))
    halves = [tmp_path / "first.pcap", tmp_path / "second.pcap"]
    for path, half in zip(halves, (queries[:30], queries[30:]), strict=True):
        write(path, half, "10.1.0.53", rng)
    assert [len(tunnels(path)) for path in halves] == [0, 0]
    state = tmp_path / "dns.state"
    for path, code in zip(halves, (0, 1), strict=True):
        arguments = ["replay", "--format", "jsonl", "-q", "--fail-on", "high", "--dns-state", str(state), str(path)]
        assert main(arguments) == code
    state.write_bytes(state.read_bytes()[:-1])
    assert main(["replay", "-q", "--dns-state", str(state), str(halves[0])]) == 2


@pytest.mark.usefixtures("beside")
def test_options_are_heeded(tmp_path: Path) -> None:
    """Sensitivity, suppressions and declared resolvers, all from a file."""
    from tunnels.benign import World
    from tunnels.tools import exfiltrate
    from tunnels.wire import write

    rng = random.Random(6)
    world = World(rng, clients=8, domains=10)
    session = exfiltrate(size=15, every=900, count=40, form="{data}", jitter=0.9, ttl=300)
    path = tmp_path / "slow.pcap"
    write(path, list(session(world, "10.1.0.1", "a.com")), "10.1.0.53", rng)
    options = tmp_path / "dns.toml"
    for text, expected in (
        ("bytes_a_day = 100", ["dns.tunnel"]),
        ("bytes_a_day = 100000", []),
        ('bytes_a_day = 100\n[[suppress]]\ndomain = "a.com"\nreason = "known"\nuntil = 2100-01-01', []),
        ('bytes_a_day = 100\n[[suppress]]\ndomain = "a.com"\nreason = "known"\nuntil = 2020-01-01', ["dns.tunnel"]),
        ('bytes_a_day = 100000\nresolvers = ["10.1.0.53"]', []),
        ('bytes_a_day = 100000\nresolvers = ["10.1.0.54"]', ["dns.resolver"]),
    ):
        options.write_text(text)
        found = {record["check"] for record in probe.replay(path, dns=options) if record["type"] == "finding"}
        assert sorted(found & {"dns.tunnel", "dns.resolver"}) == expected, text


@pytest.mark.usefixtures("beside")
def test_over_tcp_as_over_udp(tmp_path: Path) -> None:
    from scapy.layers.inet import IP, TCP
    from scapy.utils import wrpcap
    from tunnels.tools import base32
    from tunnels.wire import name

    rng = random.Random(7)
    client, server = IP(src="10.2.0.1", dst="10.2.0.53"), IP(src="10.2.0.53", dst="10.2.0.1")
    seq, packets = 1000, [client / TCP(sport=4000, dport=5353 + 9, flags="S", seq=999)]
    packets.append(server / TCP(sport=5353 + 9, dport=4000, flags="SA", seq=1, ack=1000))
    for n in range(12):
        host = f"{base32(rng.randbytes(30))}.{n}.relay.com".encode()
        query = struct.pack("!6H", n, 0x0100, 1, 0, 0, 0) + name(host) + struct.pack("!2H", 16, 1)
        stream = struct.pack("!H", len(query)) + query
        for part in (stream[:25], stream[25:]):
            packets.append(client / TCP(sport=4000, dport=5353 + 9, flags="PA", seq=seq, ack=2) / part)
            seq += len(part)
    for at, packet in enumerate(packets):
        packet.time = 1_800_000_000 + at / 10
    wrpcap(str(tmp_path / "tcp.pcap"), packets)
    found = {r["check"]: r for r in probe.replay(tmp_path / "tcp.pcap") if r["type"] == "finding"}
    assert (found["dns.tunnel"]["client"], found["dns.tunnel"]["domain"]) == ("10.2.0.1", "relay.com")
    assert found["dns.odd_port"]["endpoint"] == "10.2.0.53:5362/tcp"


@pytest.mark.usefixtures("beside")
def test_workers_find_the_same(tmp_path: Path) -> None:
    from tunnels.__main__ import make

    made = make(tmp_path / "day.pcap", seed=12, scale=0.05)
    options = tmp_path / "dns.toml"
    options.write_text('bytes_a_day = 1000\nresolvers = ["10.30.9.54"]')
    one, three = (
        sorted((r["uid"], r["count"], str(r.get("why"))) for r in probe.replay(made.path, dns=options, workers=workers)
        if r["type"] == "finding") for workers in (1, 3)
    )  # fmt: skip
    assert len(one) > 30
    assert one == three


@pytest.mark.usefixtures("beside")
def test_workers_hear_the_same_where_answers_come_twice(tmp_path: Path) -> None:
    """All on one socket, on which something is always asked: more answers than questions end no interest."""
    from scapy.layers.inet import IP, UDP
    from scapy.utils import wrpcap
    from tunnels.tools import base32
    from tunnels.wire import name

    rng = random.Random(9)
    there = IP(src="10.2.0.1", dst="10.2.0.53") / UDP(sport=4000, dport=53)
    back = IP(src="10.2.0.53", dst="10.2.0.1") / UDP(sport=53, dport=4000)
    asked, packets = [], []
    for n in range(80):
        question = name(f"{base32(rng.randbytes(30))}.relay.com".encode()) + struct.pack("!2H", 16, 1)
        asked.append(question)
        packets.append(there / (struct.pack("!6H", n, 0x0100, 1, 0, 0, 0) + question))
        if n % 5 == 4:
            for answered in [n - 4] * 6 + [n - 3, n - 2, n - 1] + [n - 5] * (n > 5):
                answer = struct.pack("!3HIHB", 0xC00C, 16, 1, 60, 41, 40) + rng.randbytes(40)
                message = struct.pack("!6H", answered, 0x8400, 1, 1, 0, 0) + asked[answered] + answer
                packets.append(back / message)
    wrpcap(str(tmp_path / "twice.pcap"), packets)
    one, two = (tunnels(tmp_path / "twice.pcap", workers=workers) for workers in (1, 2))
    assert one == two
    assert one[0]["observed"]["dns.bytes_down"] > 80 * 40


@pytest.mark.usefixtures("beside")
def test_alerts_come_when_they_would_have_come_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many packets are taken at a time: one alone, as on a quiet wire, or all that there are."""
    from tunnels.__main__ import make

    made = make(tmp_path / "day.pcap", seed=13, scale=0.02)
    told = []
    for packets in (1 << 24, 16_384, 100, 1):
        monkeypatch.setattr(sys.modules["probe.replay"], "PACKETS_PER_BATCH", packets)
        told.append({finding["uid"]: finding for finding in tunnels(made.path)})
    for finding in told[0].values():
        first_seen, first_alert, last_seen = (finding[key] for key in ("first_seen", "first_alert", "last_seen"))
        assert first_seen <= first_alert <= last_seen
    assert any(finding["first_seen"] < finding["first_alert"] for finding in told[0].values())
    assert all(other == told[0] for other in told[1:])

"""Parts of real captures: filters, spans of time, and the packets behind a finding, checked with dpkt and scapy."""

import json
import os
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import dpkt
import pytest
from captures import NAMES, PCAPS, carried, of_type, records, trust_of
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgReader, PcapReader, wrpcap

import probe
from probe.engine import Engine
from probe.extract import Extract
from probe.policy import load as policy_files
from probe.selection import select
from probe.trust.store import Store

SHOWCASE: Final = PCAPS / "showcase.pcapng"
TLS: Final = PCAPS / "tls10.pcap"


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "probe", "replay", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, **options)
    assert b"Traceback" not in done.stderr
    return done


def packets(path: Path) -> list[tuple[int, bytes]]:
    """Time in ns and bytes of each packet, by scapy."""
    reader = PcapNgReader if path.read_bytes()[:4] == b"\n\r\r\n" else PcapReader
    with reader(str(path)) as capture:
        return [(int(packet.time * 10**9), bytes(packet)) for packet in capture]


@pytest.mark.parametrize("name", NAMES)
def test_filters_part_the_flows_of_every_capture(name: str) -> None:
    """What a filter keeps and what its negation keeps are together everything, record by record.

    But for what AH or unencrypted ESP carry: it is read where the packets around it are kept.
    """
    whole = [flow for flow in of_type(name, "flow") if not carried(flow)]
    for text in ("class plaintext", "protocol tls", "port 443", "transport udp", "host 192.0.2.0/24"):
        kept, rest = (list(probe.replay(PCAPS / name, filter=f)) for f in (text, f"not {text}"))
        both = [record for record in kept + rest if record["type"] == "flow" and not carried(record)]
        assert Counter(map(json.dumps, both)) == Counter(map(json.dumps, whole)), text
        numbers = [(part[-1]["packets"], part[-1]["filtered"]["packets"]) for part in (kept, rest)]
        assert len({sum(pair) for pair in numbers}) == 1, text


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("class plaintext", lambda flow: flow["class"] == "plaintext"),
        ("protocol http or protocol dns", lambda flow: flow.get("protocol") in ("http", "dns")),
        ("port 443", lambda flow: 443 in (flow.get("src_port"), flow.get("dst_port"))),
        ("host 198.51.100.13", lambda flow: "198.51.100.13" in (flow["src_ip"], flow["dst_ip"])),
        ("transport tcp and not class tls", lambda flow: flow["transport"] == "tcp" and flow["class"] != "tls"),
    ],
)
def test_what_is_kept_is_what_the_records_say(text: str, holds: Any) -> None:
    part = list(probe.replay(SHOWCASE, trust=trust_of("showcase.pcapng"), passes=True, filter=text))
    flows = [flow for flow in of_type("showcase.pcapng", "flow") if holds(flow)]
    assert flows
    assert [record for record in part if record["type"] == "flow"] == flows
    summary = part[-1]
    assert summary["packets"] == sum(sum(flow["packets"]) for flow in flows)
    assert summary["bytes"] == sum(sum(flow["bytes"]) for flow in flows)
    assert (summary["start"], summary["end"]) == (min(f["start"] for f in flows), max(f["end"] for f in flows))
    assert summary["filtered"]["filter"] == text
    # Findings and certificates are those of the flows.
    names = {sha256 for flow in flows for sha256 in flow.get("tls", {}).get("certificates", [])}
    assert {record["sha256"] for record in part if record["type"] == "certificate"} == names
    ids = {flow["community_id"] for flow in flows}
    kept = [record for record in part if record["type"] == "finding"]
    assert all(ids.issuperset(finding["evidence"]["flows"]) for finding in kept)
    expected = {f["uid"] for f in of_type("showcase.pcapng", "finding") if ids & set(f["evidence"]["flows"])}
    assert {finding["uid"] for finding in kept} == expected


def test_several_filters_must_all_hold() -> None:
    done = run("--filter", "class plaintext", "--filter", "transport udp", SHOWCASE)
    flows = [record for line in done.stdout.splitlines() if (record := json.loads(line))["type"] == "flow"]
    assert [flow["protocol"] for flow in flows] == ["dns"]
    assert json.loads(done.stdout.splitlines()[-1])["filtered"]["filter"] == "(class plaintext) and (transport udp)"


def test_packets_outside_the_span_are_not_processed() -> None:
    times = sorted(time for time, _ in packets(SHOWCASE))
    whole = records("showcase.pcapng")[-1]
    middle = times[len(times) // 2]
    day, rest = divmod(middle // 1000, 10**6)
    text = f"{day}.{rest:06d}"
    before, after = (list(probe.replay(SHOWCASE, **{key: text}))[-1] for key in ("end", "begin"))
    shared = sum(time // 1000 == middle // 1000 for time in times)  # --to includes what it names
    assert before["packets"] == sum(time // 1000 <= middle // 1000 for time in times)
    assert before["packets"] + after["packets"] - shared == whole["packets"] == len(times)
    assert after["filtered"]["packets"] == whole["packets"] - after["packets"]
    assert before["end"] == after["start"]
    nothing = list(probe.replay(SHOWCASE, begin="2030-01-01"))
    assert [record["type"] for record in nothing] == ["summary"]
    everything = list(probe.replay(SHOWCASE, begin="2026-11-24", end="2026-11-24"))
    assert everything[-1]["packets"] == whole["packets"]


def _findings() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in NAMES:
        seen = set()
        for finding in of_type(name, "finding"):
            if finding["check"] not in seen and not seen.add(finding["check"]):  # type: ignore[func-returns-value]
                yield name, finding


@pytest.mark.parametrize(("name", "finding"), [pytest.param(n, f, id=f"{n}-{f['check']}") for n, f in _findings()])
def test_the_packets_behind_a_finding_give_it_again(name: str, finding: dict[str, Any], tmp_path: Path) -> None:
    target = tmp_path / "out"
    options: dict[str, Any] = {"trust": trust_of(name), "passes": True}
    told = probe.extract(PCAPS / name, uid=finding["uid"][:12], file=target, **options)
    assert told == finding
    log = (PCAPS / name).with_suffix(".log")  # the secrets of a capture are not among a finding's packets
    again = list(probe.replay(target, keylog=[log] if log.exists() else [], **options))
    same = [record for record in again if record["type"] == "finding" and record["uid"] == finding["uid"]]
    assert len(same) == 1
    unlike = {"evidence"}  # names the file
    assert {k: v for k, v in same[0].items() if k not in unlike} == {
        k: v for k, v in finding.items() if k not in unlike
    }
    flows = {json.dumps(record) for record in again if record["type"] == "flow"}
    assert flows <= {json.dumps(flow) for flow in of_type(name, "flow")}
    if any(map(carried, map(json.loads, flows))):
        assert len(flows) > finding["count"]  # inside and around come together
    else:
        assert len(flows) == finding["count"]
    plain = name.removesuffix(".gz").removesuffix(".xz").removesuffix(".zst")  # lies beside it
    written = packets(target)
    original = written if "modified" in name else packets(PCAPS / plain)  # scapy knows no modified pcap
    assert len(written) == again[-1]["packets"]
    assert not Counter(written) - Counter(original)
    assert oct(target.stat().st_mode & 0o777) == "0o600"
    assert os.listdir(tmp_path) == ["out"]  # noqa: PTH208


def test_nanoseconds_stay_and_microseconds_are_not_invented(tmp_path: Path) -> None:
    fine = tmp_path / "fine.pcap"
    begin = 1_700_000_000_123_456_789
    with TLS.open("rb") as source, fine.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for number, (_, frame) in enumerate(dpkt.pcap.Reader(source)):
            file.write(struct.pack("<IIII", *divmod(begin + number, 10**9), len(frame), len(frame) + 4) + frame)
    uid = of_type("tls10.pcap", "finding")[0]["uid"]
    for capture in (fine, TLS):
        target = tmp_path / "out"
        probe.extract(capture, uid=uid, file=target, trust=trust_of("tls10.pcap"))
        # The one flow of the file: its packets are the file, header and lengths on the wire included.
        assert target.read_bytes()[24:] == capture.read_bytes()[24:]
        assert target.read_bytes()[:4] == capture.read_bytes()[:4]


def test_of_an_interrupted_extraction_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the packets are written: no file, and no finding of which it could be said that it was written."""
    monkeypatch.setattr(sys.modules[Extract.__module__], "PACKETS_PER_BATCH", 1)
    target = tmp_path / "out"
    uid = of_type("tls10.pcap", "finding")[0]["uid"]
    engine = Engine(policy_files.load(), Store(tuple(trust_of("tls10.pcap"))))

    def interrupt(doing: str, _: object) -> None:
        if doing.endswith("writing"):
            run.stop()

    run = Extract([str(TLS)], uid, str(target), engine, selection=select((), None, None), progress=interrupt)
    run.run()
    assert (run.finding, run.outcome.interrupted, list(tmp_path.iterdir())) == (None, True, [])


def test_several_link_types_need_pcapng(tmp_path: Path) -> None:
    """The same conversation as Ethernet and as raw IP: two files, two links, one finding."""
    raw = tmp_path / "raw.pcap"
    with TLS.open("rb") as source, raw.open("wb") as file:
        writer = dpkt.pcap.Writer(file, linktype=101)
        for time, frame in dpkt.pcap.Reader(source):
            writer.writepkt(frame[14:], ts=time)
    finding = next(record for record in probe.replay(TLS, raw) if record["type"] == "finding")
    assert finding["count"] == 2
    target = tmp_path / "both.pcapng"
    probe.extract(TLS, raw, uid=finding["uid"], file=target)
    with target.open("rb") as file:
        assert len(list(dpkt.pcapng.Reader(file))) == len(packets(TLS)) + len(packets(raw))
    assert packets(target) == packets(TLS) + packets(raw)
    again = [record for record in probe.replay(target) if record.get("uid") == finding["uid"]]
    assert [record["count"] for record in again] == [2]


def test_standard_output_and_special_files(tmp_path: Path) -> None:
    uid = of_type("tls10.pcap", "finding")[0]["uid"]
    target = tmp_path / "file.pcap"
    done = run("--extract", uid, "-w", target, TLS)
    assert done.stdout == b""
    assert done.stderr.startswith(b"transitproof: ")
    assert f"packets of 1 flow written to {target}: " in done.stderr.decode()
    piped = run("--extract", uid, "-w", "-", "-q", TLS)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, target.read_bytes(), b"")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        assert run("--extract", uid, "-w", fifo, TLS).returncode == 0
        assert reader.communicate(timeout=60)[0] == target.read_bytes()
    assert fifo.is_fifo()
    target.write_text("older")
    target.chmod(0o644)
    link = tmp_path / "link"
    link.symlink_to(target)
    assert run("--extract", uid, "-w", link, TLS).returncode == 0
    assert link.is_symlink()
    assert target.read_bytes() == piped.stdout
    assert target.stat().st_mode & 0o777 == 0o644


def _mistakes() -> list[tuple[list[str], str]]:
    uid = of_type("tls10.pcap", "finding")[0]["uid"]
    wrong = uid[:9] + ("0" if uid[9] != "0" else "1")
    return [
        (["--filter", "potr 443"], '--filter potr 443: column 1: unknown condition "potr"; did you mean port?'),
        (["--filter", "class plantext"], 'column 7: unknown class "plantext"; did you mean plaintext?'),
        (
            ["--filter", ""],
            "--filter : column 1: a condition is missing: host, port, class, protocol, transport, not or (",
        ),
        (["--from", "soon"], "--from: 'soon' is no time; write for instance 2026-11-23, "),
        (["--from", "2026-11-24", "--to", "2026-11-23"], "--to 2026-11-23 is not after --from 2026-11-24"),
        (["--extract", uid], "--extract writes packets: give -w FILE too, or -w - for a pipe"),
        (["-w", "x"], "-w says where packets go, --extract UID which ones: give both"),
        (["--extract", uid, "-w", "{tmp}/x", "--format", "table"], "--extract writes packets, not records"),
        (
            ["--extract", "abc", "-w", "{tmp}/x"],
            "'abc' is no uid; give the first 8 to 32 hex digits of a finding's uid",
        ),
        (["--extract", "g" * 32, "-w", "{tmp}/x"], "is no uid"),
        (["--extract", wrong, "-w", "{tmp}/x"], f"findings in this input has this uid; did you mean {uid}?"),
        (
            ["--extract", uid, "-w", "{tmp}/x", "--filter", "port 1"],
            "no finding has this uid: there are none in this input",
        ),
        (["--extract", uid, "-w", "{tmp}"], "is a directory; name a file in it"),
        (["--extract", uid, "-w", "{tmp}/no/x"], "{tmp}/no/x: no such file or directory"),
        (["--extract", uid, "-w", "{input}"], "is an input, which is never overwritten; name another file"),
        (["--extract", uid, "-w", "{tmp}/hard"], "is an input, which is never overwritten; name another file"),
        (["--extract", uid, "-w", "{tmp}/x", "-"], "standard input can be read only once"),
        (["--extract", uid, "-w", "{tmp}/x", "{tmp}/fifo"], "fifo: not a regular file, and an extraction reads twice"),
        (["--extract", uid, "-w", "/dev/full"], "/dev/full: no space left on device"),
    ]


@pytest.mark.parametrize(("arguments", "words"), [pytest.param(*m, id=str(n)) for n, m in enumerate(_mistakes())])
def test_mistakes_get_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    capture = tmp_path / "input.pcap"
    capture.write_bytes(TLS.read_bytes())
    (tmp_path / "hard").hardlink_to(capture)
    os.mkfifo(tmp_path / "fifo")
    names = {"tmp": tmp_path, "input": capture}
    arguments = [argument.format(**names) for argument in arguments]
    named = arguments[-1] == "-" or arguments[-1].endswith("fifo")
    done = run(*arguments, *(() if named else (capture,)))
    error = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert words.format(**names) in error
    assert len([line for line in error.splitlines() if "taken as UTC" not in line]) == 1
    assert capture.read_bytes() == TLS.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fifo", "hard", "input.pcap"]


def test_a_missing_time_zone_is_said() -> None:
    done = run("--from", "2026-11-24T00:33", SHOWCASE)
    assert done.stderr == b"transitproof: --from 2026-11-24T00:33: taken as UTC, because it names no time zone\n"
    assert run("--from", "2026-11-24T00:33Z", SHOWCASE).stderr == b""


def test_the_table_says_what_was_left_out() -> None:
    text = run("--format", "table", "--filter", "class plaintext", SHOWCASE).stdout.decode()
    assert "only class plaintext; 161 packets left out" in text
    assert (
        "nothing in the input is what was asked for"
        in run("--format", "table", "--filter", "port 1", TLS).stdout.decode()
    )


def test_fragments_belong_to_their_flow(tmp_path: Path) -> None:
    """Every packet of a SIP call in fragments by scapy, last ones first, amidst another conversation."""
    whole = [Ether(frame) for _, frame in packets(PCAPS / "sip.pcap")]
    for number, packet in enumerate(whole):
        packet[IP].id, packet[IP].flags = number, 0
    parts = [
        Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(bytes(part))
        for packet in whole
        for part in reversed(packet.fragment(200))
    ]
    assert len(parts) > 2 * len(whole)
    others = [Ether(frame) for _, frame in packets(TLS)]
    mixed = [packet for pair in zip_longest(parts, others) for packet in pair if packet is not None]
    for number, packet in enumerate(mixed):
        packet.time = 1_790_000_000 + number / 1000
    capture, target = tmp_path / "mixed.pcap", tmp_path / "out.pcap"
    wrpcap(str(capture), mixed)
    found = [record for record in probe.replay(capture) if record.get("check") == "plaintext.protocol"]
    assert [finding["count"] for finding in found] == [1]
    probe.extract(capture, uid=found[0]["uid"], file=target)
    assert Counter(frame for _, frame in packets(target)) == Counter(map(bytes, parts))
    again = [record for record in probe.replay(target) if record.get("uid") == found[0]["uid"]]
    assert [finding["count"] for finding in again] == [1]
    # The ports are those of the first fragment; all of them count.
    for text in ("protocol sip", "port 5060", "not transport tcp"):
        summary = list(probe.replay(capture, filter=text))[-1]
        assert (summary["packets"], summary["filtered"]["packets"]) == (len(parts), len(others)), text

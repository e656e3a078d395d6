"""The command as a user meets it: a process of its own, its exit code, its two streams."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from captures import PCAPS

GOOD: Final = PCAPS / "tls13.pcap"
WEAK: Final = PCAPS / "tls10.pcap"
ROOT: Final = PCAPS / "pki" / "root.pem"
MANDATORY: Final = (
    "type",
    "start",
    "end",
    "community_id",
    "src_ip",
    "dst_ip",
    "transport",
    "packets",
    "bytes",
    "class",
)


def run(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "probe", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr
    return done


def replay(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return run("replay", "--format", "jsonl", "--trust", ROOT, *arguments, stdin=stdin)


def test_records_are_json_in_the_order_of_the_contract() -> None:
    done = replay(PCAPS / "showcase.pcapng")
    assert (done.returncode, done.stderr) == (0, b"")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["type"] for record in records].count("summary") == 1
    assert records[-1]["type"] == "summary"
    for flow in (record for record in records if record["type"] == "flow"):
        assert [key for key in flow if key in MANDATORY] == list(MANDATORY)
        assert flow["class"] in ("tls", "ipsec", "encrypted", "plaintext", "unknown")
        assert ("protocol" in flow) == (flow["class"] != "unknown")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", flow["start"])


def test_findings_decide_the_exit_code_only_if_asked() -> None:
    assert replay(WEAK).returncode == 0
    assert replay("--fail-on", "high", WEAK).returncode == 1
    assert replay("--fail-on", "critical", WEAK).returncode == 0
    assert replay("--fail-on", "low", GOOD).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("replay", "no-such.pcap"), "no-such.pcap: no such file or directory; check the path"),
        (("replay", str(ROOT)), "not a pcap or pcapng capture"),
        (("replay", str(PCAPS)), "is a directory"),
        (("replay",), "missing: FILE"),
        (("replay", "--polcy", "x", str(GOOD)), "--policy"),
        (("replay", "--policy", "rfc9235", str(GOOD)), "did you mean rfc9325?"),
        (("replay", "--policy", str(ROOT) + ".toml", str(GOOD)), "no such file"),
        (("replay", "--trust", str(GOOD), str(GOOD)), "no PEM certificate in it"),
        (("replay", "--fail-on", "hihg", str(GOOD)), "high"),
        (("replya", str(GOOD)), "did you mean replay?"),
        (("explain", "certificate.chian"), "certificate.chain"),
    ],
)
def test_mistakes_get_one_line_with_the_remedy(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert len(done.stderr.splitlines()) == 1


def test_an_empty_file_and_an_unreadable_one(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.touch()
    done = replay(empty)
    assert (done.returncode, done.stdout.count(b"\n")) == (2, 1)
    assert b"the file is empty" in done.stderr
    if os.getuid() != 0:  # root reads everything
        empty.chmod(0)
        assert b"permission denied" in replay(empty).stderr.lower()


def test_a_broken_policy_names_file_and_line(tmp_path: Path) -> None:
    policy = tmp_path / "own.toml"
    policy.write_text(
        'title = "Own"\nissuer = "x"\nversion = "1"\nurl = "x"\n\n[[rule]]\nid = "A"\nfact = "tls.verison"\n'
        'level = "must"\nclause = "1"\ntitle = "t"\nremediation = "r"\nin = ["TLSv1.3"]\n'
    )
    done = replay("--policy", policy, GOOD)
    assert done.returncode == 2
    assert (
        f"{policy}:8: rule A: fact: tls.verison is no fact that can be observed; did you mean tls.version?"
        in done.stderr.decode()
    )


def test_the_other_files_still_run() -> None:
    done = replay("no-such.pcap", WEAK)
    assert done.returncode == 2
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["flows"] == 1
    assert summary["unread"][0]["file"] == "no-such.pcap"


@pytest.mark.parametrize("name", ["formats/cut.pcap", "formats/cut.pcapng"])
def test_damage_is_reported_with_its_offset(name: str) -> None:
    done = replay(PCAPS / name)
    assert done.returncode == 3
    summary = json.loads(done.stdout.splitlines()[-1])
    damage = summary["damaged"][0]
    assert damage["file"] == str(PCAPS / name)
    assert 24 < damage["offset"] < (PCAPS / name).stat().st_size
    assert summary["flows"] == 1
    assert run("replay", "--fail-on", "info", PCAPS / name, WEAK).returncode == 3


def test_every_way_in_gives_the_same_flows(tmp_path: Path) -> None:
    plain = WEAK.read_bytes()
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(plain))

    def flows(*arguments: object, stdin: bytes | None = None) -> list[bytes]:
        done = replay(*arguments, stdin=stdin)
        assert done.returncode == 0
        return [line for line in done.stdout.splitlines() if b'"type":"flow"' in line]

    assert flows(WEAK) == flows(packed) == flows("-", stdin=plain) == flows("-", stdin=gzip.compress(plain))
    names = [PCAPS / "formats" / f"us_le.pcap{ending}" for ending in ("", ".gz", ".xz", ".zst")]
    assert len({tuple(flows(name)) for name in names}) == 1


def test_a_closed_pipe_ends_quietly() -> None:
    command = f"{sys.executable} -m probe replay --format jsonl {PCAPS / 'showcase.pcapng'} | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (b'{"type":"c', b"")


def test_an_interrupt_reports_what_was_read() -> None:
    """A capture that never ends: its packets so far, the mark, and 130."""
    command = [sys.executable, "-m", "probe", "replay", "--format", "jsonl", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as probe:
        assert probe.stdin is not None
        probe.stdin.write(GOOD.read_bytes())
        probe.stdin.flush()
        time.sleep(1)  # for the reader to come to wait for more; a slow machine only tests an earlier interrupt
        probe.send_signal(signal.SIGINT)
        time.sleep(0.2)
        output, errors = probe.communicate(timeout=60)
    assert probe.returncode == 130
    assert b"Traceback" not in errors
    assert json.loads(output.splitlines()[-1])["interrupted"] is True


def test_small_commands() -> None:
    assert re.fullmatch(rb"transitproof \d+\.\d+\.\d+\n", run("--version").stdout)
    assert b"rfc9325" in run("policies").stdout
    assert b"unknown_root" in run("explain", "certificate.chain").stdout
    assert b"130" in run("--help").stdout

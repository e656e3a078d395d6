"""TLS 1.3 opened with keys: what the server sent, and what is said of keys that are wrong, cut, too many or strange."""

import hashlib
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from captures import FILES, PCAPS, standard_input
from sessions import recorded, write, write_datagrams

import probe

TRACES: Final = Path(probe.__file__).parents[1] / "parsers/flow/src/tls/testdata"
CAPTURE: Final = "tls13_keys.pcapng"
LOG: Final = PCAPS / "tls13_keys.log"
ROOT: Final = str(PCAPS / "pki" / "tls13_keys.pem")
SESSIONS: Final = len(FILES[CAPTURE]["flow"])
SECRETS: Final = 10
"""The block type."""
HANDSHAKE: Final = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")


def _lines() -> list[str]:
    return LOG.read_text().splitlines()


def _blocks(capture: bytes) -> list[tuple[int, bytes]]:
    """Type and bytes of each block of a little-endian pcapng file."""
    blocks, at = [], 0
    while at < len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        blocks.append((kind, capture[at : at + length]))
        at += length
    return blocks


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The capture without its secrets."""
    path = tmp_path_factory.mktemp("keys") / "bare.pcapng"
    blocks = _blocks((PCAPS / CAPTURE).read_bytes())
    path.write_bytes(b"".join(block for kind, block in blocks if kind != SECRETS))
    return path


def _replay(capture: Path, *, log: str | None = None, tmp_path: Path | None = None) -> list[dict[str, Any]]:
    logs = []
    if log is not None and tmp_path is not None:
        logs.append(tmp_path / "keylog")
        logs[0].write_text(log)
    return list(probe.replay(capture, trust=[ROOT], keylog=logs, passes=True))


def _flows(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    flows = [record["tls"] for record in records if record["type"] == "flow"]
    return [{key: flow.get(key) for key in ("certificates", "client_certificates", "alpn")} for flow in flows]


def _statuses(records: list[dict[str, Any]], check: str) -> set[str]:
    return {record["status"] for record in records if record.get("check") == check}


def test_a_key_log_gives_what_the_block_gives(bare: Path) -> None:
    with_block = list(probe.replay(PCAPS / CAPTURE, trust=[ROOT]))
    with_log = list(probe.replay(bare, trust=[ROOT], keylog=LOG))
    assert _flows(with_block) == _flows(with_log)
    assert with_log[-1]["keys"] == {"secrets": 2 * SESSIONS, "malformed": 0, "decrypted": SESSIONS, "unfit": 0}


def test_findings_of_decrypted_chains_say_so() -> None:
    records = _replay(PCAPS / CAPTURE)
    chains = [record for record in records if record.get("check") == "certificate.chain" and record["status"] == "pass"]
    assert chains
    assert {record["evidence"]["class"] for record in chains} == {"decrypted"}


def test_without_keys_nothing_is_observable_and_nothing_is_said_of_keys(bare: Path) -> None:
    records = _replay(bare)
    assert _statuses(records, "certificate.chain") == {"not_observable"}
    assert "keys" not in records[-1]
    assert not any("decrypted" in flow["tls"] for flow in records if flow["type"] == "flow")


@pytest.mark.parametrize("side", [0, 1])
def test_wrong_secrets_are_noticed(bare: Path, side: int, tmp_path: Path) -> None:
    flipped = [
        line[:-1] + ("0" if line[-1] != "0" else "1") if line.startswith(HANDSHAKE[side]) else line for line in _lines()
    ]
    records = _replay(bare, log="\n".join(flipped), tmp_path=tmp_path)
    assert records[-1]["keys"]["unfit"] == SESSIONS
    assert _statuses(records, "tls.keys") == {"warn"}
    if side == 1:
        assert _statuses(records, "certificate.chain") == {"not_observable"}


def test_the_secrets_of_another_session_do_not_fit(bare: Path, tmp_path: Path) -> None:
    lines = [line.split() for line in _lines() if line.startswith(HANDSHAKE)]
    randoms = list(dict.fromkeys(words[1] for words in lines))
    shifted = dict(zip(randoms, randoms[1:] + randoms[:1], strict=True))
    log = "\n".join(" ".join((label, shifted[random], secret)) for label, random, secret in lines)
    records = _replay(bare, log=log, tmp_path=tmp_path)
    assert records[-1]["keys"] == {"secrets": 2 * SESSIONS, "malformed": 0, "decrypted": 0, "unfit": SESSIONS}


def test_a_log_of_other_sessions_changes_nothing(bare: Path, tmp_path: Path) -> None:
    log = "\n".join(f"{label} {'ab' * 32} {'cd' * 32}" for label in HANDSHAKE)
    records = _replay(bare, log=log, tmp_path=tmp_path)
    assert records[-1].pop("keys") == {"secrets": 2, "malformed": 0, "decrypted": 0, "unfit": 0}
    assert records == _replay(bare)


def test_a_log_cut_short_opens_what_it_can(bare: Path, tmp_path: Path) -> None:
    text = LOG.read_text()
    cut = [at for at in range(len(text)) if text.startswith(HANDSHAKE[1], at)][SESSIONS // 2] + 130
    records = _replay(bare, log=text[:cut], tmp_path=tmp_path)
    keys = records[-1]["keys"]
    assert 0 < keys["decrypted"] < SESSIONS
    assert (keys["malformed"], keys["unfit"]) == (1, 0)


def test_malformed_lines_are_counted_and_never_shown(bare: Path, tmp_path: Path) -> None:
    secret = "5ec4e7" * 16
    wrong = f"{HANDSHAKE[0]} {'0' * 63}x {secret}\nnonsense {secret}\n{'x' * 200_000}{secret}\n\0\1\2\n"
    (tmp_path / "log").write_text(wrong + LOG.read_text())
    for form in ("jsonl", "table"):
        command = [sys.executable, "-m", "probe", "replay", "--format", form, "--passes"]
        command += ["--keylog", str(tmp_path / "log"), str(bare)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0
        output = done.stdout + done.stderr
        assert "5ec4e7" not in output
        for line in _lines():
            assert line.split()[2] not in output
    assert (
        '"malformed":4,"decrypted":10'
        in subprocess.run([*command[:5], "jsonl", *command[6:]], capture_output=True, text=True, check=True).stdout
    )


def test_a_missing_log_is_a_usage_error(bare: Path) -> None:
    command = [sys.executable, "-m", "probe", "replay", "--keylog", "/nowhere/log", str(bare)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "/nowhere/log: no such file" in done.stderr
    assert "SSLKEYLOGFILE" in done.stderr


def test_a_large_log_is_bounded(bare: Path, tmp_path: Path) -> None:
    """More sessions than are kept: 300,000 of 262,144; memory stays bounded and the rest is counted."""
    log = tmp_path / "large"
    with log.open("w") as file:
        file.writelines(f"{HANDSHAKE[0]} {number:064x} {'ab' * 32}\n" for number in range(300_000))
    records = list(probe.replay(bare, keylog=log))
    assert records[-1]["limits"]["key_log_sessions"] == 300_000 - 262_144
    assert records[-1]["keys"]["secrets"] == 262_144


def test_a_block_in_the_middle_serves_what_comes_behind(tmp_path: Path) -> None:
    """Also from a pipe, which may be read one block at a time: the answer must not depend on that."""
    blocks = _blocks((PCAPS / CAPTURE).read_bytes())
    secrets = [block for kind, block in blocks if kind == SECRETS]
    others = [block for kind, block in blocks if kind != SECRETS]
    moved = b"".join([*others[:60], *secrets, *others[60:]])
    path = tmp_path / "moved.pcapng"
    path.write_bytes(moved)
    records = list(probe.replay(path))
    assert 0 < records[-1]["keys"]["decrypted"] < SESSIONS
    assert records[-1]["keys"]["unfit"] == 0
    with standard_input(moved):
        assert list(probe.replay("-"))[-1] == records[-1]
    assert list(probe.replay(path, workers=2))[-1] == records[-1]


@pytest.mark.parametrize("capture", [CAPTURE, "quic_keys.pcapng"])
def test_tshark_reads_the_same_certificates(capture: str) -> None:
    fields = ["-T", "fields", "-e", "tls.handshake.certificate", "-E", "aggregator=,"]
    command = ["tshark", "-r", str(PCAPS / capture), "-d", "tcp.port==4430-4440,tls", *fields]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = [hashlib.sha256(bytes.fromhex(der)).hexdigest() for line in done.stdout.split() for der in line.split(",")]
    flows = _flows(_replay(PCAPS / capture))
    ours = [one for flow in flows for key in ("certificates", "client_certificates") for one in flow[key] or []]
    assert sorted(theirs) == sorted(ours)


def test_keys_of_quic_that_do_not_fit(tmp_path: Path) -> None:
    blocks = _blocks((PCAPS / "quic_keys.pcapng").read_bytes())
    path = tmp_path / "quic.pcapng"
    path.write_bytes(b"".join(block for kind, block in blocks if kind != SECRETS))
    log = (PCAPS / "quic_keys.log").read_text().replace("a", "b")
    sessions = len(FILES["quic_keys.pcapng"]["flow"])
    lines = [line.split() for line in log.splitlines()]
    good = dict.fromkeys(words[1] for words in map(str.split, (PCAPS / "quic_keys.log").read_text().splitlines()))
    randoms = dict(zip(dict.fromkeys(words[1] for words in lines), good, strict=True))
    wrong = "\n".join(" ".join((words[0], randoms[words[1]], words[2])) for words in lines)
    records = _replay(path, log=wrong, tmp_path=tmp_path)
    assert records[-1]["keys"]["unfit"] == sessions
    assert _statuses(records, "certificate.chain") == {"not_observable"}


@pytest.mark.parametrize("suite", ["1301", "1302", "1303"])
def test_dtls_13_over_udp(suite: str, tmp_path: Path) -> None:
    """What dimpl at both ends said (see dtls13_tests.rs), as a capture with a key log."""
    datagrams, log = recorded(TRACES / f"dtls13_{suite}.txt")
    capture = write_datagrams(tmp_path / "dtls.pcap", datagrams)
    records = _replay(capture, log=log, tmp_path=tmp_path)
    [tls] = [record["tls"] for record in records if record["type"] == "flow"]
    assert (tls["version"], tls["decrypted"], tls["proven"]) == ("DTLSv1.3", True, True)
    assert (tls["client_certificate"], tls["client_certificate_evidence"]) == ("accepted", "decrypted")
    assert [len(tls[key]) for key in ("certificates", "client_certificates")] == [1, 1]
    assert records[-1]["keys"] == {"secrets": 2, "malformed": 0, "decrypted": 1, "unfit": 0}
    [without] = [record["tls"] for record in _replay(capture) if record["type"] == "flow"]
    assert "certificates" not in without


@pytest.mark.parametrize("algorithm", ["zlib", "brotli", "zstd"])
def test_compressed_certificates_are_those_that_tshark_sees(algorithm: str, tmp_path: Path) -> None:
    """rustls at both ends; tshark opens the handshake with the same log, and says which algorithm it met."""
    flights, log = recorded(TRACES / f"tls13_{algorithm}.txt")
    capture = write(tmp_path / "tls.pcap", [flights])
    records = _replay(capture, log=log, tmp_path=tmp_path)
    [tls] = [record["tls"] for record in records if record["type"] == "flow"]
    command = ["tshark", "-r", str(capture), "-o", f"tls.keylog_file:{tmp_path / 'keylog'}", "-T", "fields"]
    fields = ["-e", "tls.handshake.type", "-e", "tls.compress_certificate.algorithm", "-E", "aggregator=,"]
    done = subprocess.run([*command, *fields], capture_output=True, text=True, check=True)
    number = {"zlib": "1", "brotli": "2", "zstd": "3"}[algorithm]
    assert any("25" in types.split(",") and number in rest for types, _, rest in map(_split, done.stdout.splitlines()))
    assert (len(tls["certificates"]), tls["proven"]) == (2, True)


def _split(line: str) -> tuple[str, str, str]:
    return line.partition("\t")

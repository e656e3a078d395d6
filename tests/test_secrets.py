"""No secret of a capture leaves the core: not into records, tables or messages, in no coding; its keyed hash may."""

import base64
import hashlib
import hmac
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import dpkt
import pytest
from captures import FILES, NAMES, PCAPS

import probe

KEY: Final = b"a key that is for tests only"
PASSWORD: Final = "example-password"
PLANTED: Final = (PASSWORD, "example-community", "example-token", "example-radius-secret", "example password & more")
LOGINS: Final = {
    name: file
    for name, file in FILES.items()
    if any("plaintext.credentials" in str(flow.get("findings")) for flow in file["flow"])
}


def _codings(secret: str) -> set[bytes]:
    """The secret raw, quoted, in hex, as numbers, and in base64 at each of its three alignments."""
    raw = secret.encode()
    found = {
        raw,
        raw.hex().encode(),
        ", ".join(map(str, raw)).encode(),
        raw.replace(b" ", b"+"),
        raw.replace(b" ", b"%20"),
    }
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        found.add(coded[4 if shift else 0 : len(coded) // 4 * 4 - 4])  # whole groups of the secret alone
    return found


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(KEY)
    return path


def _hash(secret: str) -> str:
    """With Python's own HMAC: the first 128 bits."""
    return hmac.new(KEY, secret.encode(), hashlib.sha256).hexdigest()[:32]


def _credentials(name: str) -> list[dict[str, Any]]:
    flows = (record for record in probe.replay(PCAPS / name, hash_key=KEY) if record["type"] == "flow")
    return [one for flow in flows for one in flow.get("credentials", [])]


@pytest.mark.parametrize("form", ["jsonl", "table", "ocsf"])
@pytest.mark.parametrize("with_key", [False, True])
def test_secrets_stay_inside(form: str, with_key: bool, key: Path) -> None:
    options = ["--hash-key", str(key)] if with_key else []
    command = [sys.executable, "-m", "probe", "replay", "--format", form, "--passes", "--why", *options, *NAMES]
    done = subprocess.run(command, cwd=PCAPS, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr
    assert done.stdout.count(b"alice") > len(LOGINS) / 2  # it is the logins that were looked at
    output = done.stdout + done.stderr
    for secret in (*PLANTED, KEY.decode()):
        for coded in _codings(secret):
            assert coded not in output, secret


def test_the_codings_are_found_where_they_are() -> None:
    """Or the test above could not fail: the captures have the secrets raw, and in base64 for HTTP Basic and SASL."""
    for name, shift in (("ftp.pcap", None), ("http_basic.pcap", "alice:"), ("smtp.pcap", "\0alice\0")):
        content = (PCAPS / name).read_bytes()
        assert any(coded in content for coded in _codings(PASSWORD)), name
        if shift is not None:
            assert PASSWORD.encode() not in content


def test_one_password_has_one_hash_wherever_it_is_used() -> None:
    hashes = {one.get("secret_hmac") for name in LOGINS for one in _credentials(name)} - {None}
    assert _hash(PASSWORD) in hashes
    assert hashes <= {_hash(secret) for secret in PLANTED}
    for name in ("ftp", "http_basic", "imap", "ldap", "mqtt", "pop3", "postgresql", "redis", "smtp", "telnet"):
        assert [one["secret_hmac"] for one in _credentials(f"{name}.pcap")] == [_hash(PASSWORD)], name


def test_the_finding_shows_the_hash() -> None:
    findings = [
        record
        for record in probe.replay(PCAPS / "ftp.pcap", hash_key=KEY)
        if record["type"] == "finding" and record["check"] == "plaintext.credentials"
    ]
    assert [finding["observed"]["plaintext.secret_hmac"] for finding in findings] == [_hash(PASSWORD)]


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="hash_key is shorter than 16 bytes"):
        list(probe.replay(PCAPS / "ftp.pcap", hash_key=b"short"))


def _login_and_then_others(path: Path) -> bytes:
    """A capture, and behind it 6 MB of packets of somebody else: more than the buffers of several workers hold."""
    with path.open("rb") as file:
        reader = dpkt.pcap.Reader(file)
        frames = [frame for _, frame in reader]
        out = io.BytesIO()
        writer = dpkt.pcap.Writer(out, snaplen=1 << 18, linktype=reader.datalink())
    datagram = dpkt.udp.UDP(sport=50000, dport=9999, data=bytes(1372), ulen=1380)
    packet = dpkt.ip.IP(src=b"\x0a\0\0\1", dst=b"\x0a\0\0\2", p=17, data=datagram, len=1400)
    filling = bytes(dpkt.ethernet.Ethernet(src=b"\2" * 6, dst=b"\3" * 6, type=0x800, data=packet))
    for number, frame in enumerate(frames + [filling] * 4500):
        writer.writepkt(frame, ts=1_700_000_000 + number / 100)
    return out.getvalue()


def _memory(process: int) -> Iterator[bytes]:
    """All that a process may write to."""
    mappings = Path(f"/proc/{process}/maps").read_text().splitlines()
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for mapping in mappings:
            span, rights, *_ = mapping.split()
            if rights.startswith("rw"):
                start, end = (int(number, 16) for number in span.split("-"))
                memory.seek(start)
                yield memory.read(end - start)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc/PID/mem")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", [name for name in LOGINS if name.endswith(".pcap")])
def test_memory_forgets(name: str, workers: str, key: Path) -> None:
    """What a core dump or a debugger would find while the next packets are awaited: neither core nor Python has it."""
    command = [sys.executable, "-m", "probe", "replay", "-q", "--format", "jsonl", "--workers", workers]
    with subprocess.Popen(
        [*command, "--hash-key", str(key), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_login_and_then_others(PCAPS / name))
        process.stdin.flush()
        found = _all_found(process.pid)
        for _ in range(20):  # until it has read what stood in the pipe
            if not found:
                break
            time.sleep(0.25)
            found = _all_found(process.pid)
        output = process.communicate()[0]
    assert b'"credentials":[' in output
    assert not found


def _all_found(process: int) -> set[str]:
    codings = {secret: _codings(secret) for secret in PLANTED}
    return {
        secret for part in _memory(process) for secret, coded in codings.items() if any(one in part for one in coded)
    }

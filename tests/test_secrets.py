"""No secret of a capture leaves the core: not into records, tables or messages, in no coding; its keyed hash may."""

import base64
import hashlib
import hmac
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

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


@pytest.mark.parametrize("form", ["jsonl", "table"])
@pytest.mark.parametrize("with_key", [False, True])
def test_secrets_stay_inside(form: str, with_key: bool, key: Path) -> None:
    options = ["--hash-key", str(key)] if with_key else []
    command = [sys.executable, "-m", "probe", "replay", "--format", form, "--passes", *options, *NAMES]
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

"""Who speaks: a metadata service of the shape that EC2's has, and the machine's id."""

import hashlib
import hmac
import http.server
import json
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from probe import identity

# As the EC2 user guide shows it.
DOCUMENT = {
    "accountId": "123456789012",
    "architecture": "x86_64",
    "availabilityZone": "us-west-2b",
    "billingProducts": None,
    "imageId": "ami-5fb8c835",
    "instanceId": "i-1234567890abcdef0",
    "instanceType": "t3.micro",
    "pendingTime": "2016-11-19T16:32:11Z",
    "privateIp": "10.158.112.84",
    "region": "us-west-2",
    "version": "2017-09-30",
}


class Metadata(http.server.BaseHTTPRequestHandler):
    """IMDSv2 only: without a token everything is refused."""

    asked: ClassVar[list[str]] = []
    tags: ClassVar[dict[str, str] | None] = None
    token: ClassVar[str | None] = "dG9rZW4="

    def do_PUT(self) -> None:
        self.asked.append(f"PUT {self.path}")
        fit = self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"].isdecimal()
        self._answer(200 if fit and self.token else 403, self.token or "")

    def do_GET(self) -> None:
        self.asked.append(f"GET {self.path}")
        front = "/latest/meta-data/tags/instance"
        if self.headers["X-aws-ec2-metadata-token"] != self.token:
            self._answer(401, "")
        elif self.path == "/latest/dynamic/instance-identity/document":
            self._answer(200, json.dumps(DOCUMENT))
        elif self.path == front and self.tags:
            self._answer(200, "\n".join(self.tags))
        elif self.path.startswith(f"{front}/") and self.tags:
            self._answer(200, self.tags[self.path.removeprefix(f"{front}/")])
        else:
            self._answer(404, "not found")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(Metadata, "asked", [])
    with http.server.HTTPServer(("127.0.0.1", 0), Metadata) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_instance_speaks_for_itself(port: int) -> None:
    who = identity.identify(None, "eu", "yes", host="127.0.0.1", port=port)
    assert (who.id, who.source, who.site) == ("i-1234567890abcdef0", "ec2", "eu")
    assert who.ec2 == {
        "account": "123456789012",
        "region": "us-west-2",
        "instance": "i-1234567890abcdef0",
        "zone": "us-west-2b",
        "type": "t3.micro",
        "image": "ami-5fb8c835",
    }
    assert Metadata.asked[0] == "PUT /latest/api/token"
    assert not [path for path in Metadata.asked if "credentials" in path]


def test_tags_where_the_instance_exposes_them(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Metadata, "tags", {"Name": "web-1", "team": "päy"})
    monkeypatch.setattr(Metadata, "_answer", _utf8)
    assert identity.ask("127.0.0.1", port)["tags"] == {"Name": "web-1", "team": "päy"}


def _utf8(self: Metadata, status: int, text: str) -> None:
    data = text.encode()
    self.send_response(status)
    self.send_header("Content-Length", str(len(data)))
    self.end_headers()
    self.wfile.write(data)


def test_a_configured_id_is_kept_and_the_instance_told_besides(port: int) -> None:
    who = identity.identify("web-1", "eu", "yes", host="127.0.0.1", port=port)
    assert (who.id, who.source, who.ec2["region"]) == ("web-1", "configuration", "us-west-2")


def test_no_token_no_question(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that refuses version 2 is not asked by version 1."""
    monkeypatch.setattr(Metadata, "token", None)
    who = identity.identify(None, "eu", "yes", host="127.0.0.1", port=port)
    assert (who.source in ("machine_id", "random"), who.ec2) == (True, {})
    assert who.problem is not None
    assert "hop limit" in who.problem
    assert Metadata.asked == ["PUT /latest/api/token"]


def test_a_service_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a container, whose answers die on the way because of the hop limit."""
    monkeypatch.setattr(identity, "TIMEOUT", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        who = identity.identify(None, "eu", "yes", host="127.0.0.1", port=silent.getsockname()[1])
    assert who.problem is not None
    assert "timed out" in who.problem


def test_nothing_is_asked_where_the_hardware_is_not_amazons(tmp_path: Path, port: int) -> None:
    vendor = tmp_path / "sys_vendor"
    assert not identity.on_ec2(vendor)
    vendor.write_text("QEMU\n")
    assert not identity.on_ec2(vendor)
    vendor.write_text("Amazon EC2\n")
    assert identity.on_ec2(vendor)
    identity.identify(None, "eu", "no", host="127.0.0.1", port=port)
    assert Metadata.asked == []


def test_the_machines_id_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "machine-id"
    assert identity.machine_id(path) is None
    path.write_text("uninitialized\n")
    assert identity.machine_id(path) is None
    machine = uuid.uuid4().hex
    path.write_text(f"{machine}\n")
    first = identity.machine_id(path)
    assert first == identity.machine_id(path)
    assert first is not None
    assert first not in (machine, None)
    # What systemd does: HMAC-SHA-256 keyed by the machine's id over the application's, its first half as a UUID 4.
    digest = bytearray(hmac.digest(bytes.fromhex(machine), identity._APPLICATION.bytes, hashlib.sha256)[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x40, digest[8] & 0x3F | 0x80
    assert first == digest.hex()


@pytest.mark.skipif(
    shutil.which("systemd-id128") is None or not Path("/etc/machine-id").exists(), reason="needs systemd-id128"
)
def test_systemd_makes_the_same_of_the_machines_id() -> None:
    command = ["systemd-id128", "machine-id", f"--app-specific={identity._APPLICATION.hex}"]
    theirs = subprocess.run(command, check=False, capture_output=True, text=True)
    assert theirs.returncode == 0, theirs.stderr
    assert identity.machine_id() == theirs.stdout.strip()

"""What goes over the wire to a real Mosquitto besides the plain way, and that a collector understands it."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from collector import signers
from collector.messages import Aside, Envelope, State, read

from .broker import Mosquitto, free_port, needed, until
from .pki import HOST, Pki
from .probes import Probe, numbers, tables

GZIP = b"\x1f\x8b"


class Raw:
    """mosquitto_sub that writes topic, content type and payload as they came."""

    def __init__(self, broker: Mosquitto) -> None:
        self.path = broker.folder / "raw.txt"
        certificate, key = broker.pki.client("collector")
        command = [needed("mosquitto_sub", "mosquitto-clients"), "-h", broker.host, "-p", str(broker.port), "-V", "5"]
        command += [
            "--cafile",
            str(broker.pki.ca),
            "--cert",
            str(certificate),
            "--key",
            str(key),
            "-i",
            "raw",
            "-q",
            "1",
        ]
        with self.path.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "-t", "transitproof/v1/#", "-F", "%t|%C|%x"], stdout=out, stdin=subprocess.DEVNULL
            )
        until(lambda: "SUBACK to raw" in broker.log(), broker.log()[-2000:])

    def messages(self, kind: str) -> list[tuple[str, str, bytes]]:
        lines = (
            line.strip().split("|") for line in self.path.read_text().splitlines(keepends=True) if line.endswith("\n")
        )
        return [(topic, content, bytes.fromhex(payload)) for topic, content, payload in lines if topic.endswith(kind)]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[tuple[Mosquitto, Raw, int]]:
    """With a second listener for WebSockets."""
    pki, port = Pki(tmp_path), free_port()
    certificate, key = pki.broker()
    extra = "\n".join(
        (
            f"listener {port} {HOST}",
            "protocol websockets",
            f"cafile {pki.ca}",
            f"certfile {certificate}",
            f"keyfile {key}",
            "require_certificate true",
            "use_identity_as_username true",
            "allow_anonymous false",
            f"acl_file {tmp_path / 'acl'}",
        )
    )
    broker = Mosquitto(tmp_path, pki, extra=extra)
    broker.start()
    raw = Raw(broker)
    try:
        yield broker, raw, port
    finally:
        raw.stop()
        broker.kill()


def _signing(folder: Path) -> tuple[str, signers.Signers]:
    key = Ed25519PrivateKey.generate()
    path = folder / "signing.key"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    (folder / "signers").write_text(f"lab gw-1 {public}\n")
    return str(path), signers.load(str(folder / "signers"))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_web_socket_gzip_and_signatures_at_once(
    lab: tuple[Mosquitto, Raw, int], tmp_path: Path, protocol: str
) -> None:
    broker, raw, port = lab
    key, known = _signing(tmp_path)
    more: dict[str, Any] = {"websocket": "/mqtt", "compression": "gzip", "protocol": protocol, "port": port}
    probe = Probe({**tables(broker, tmp_path / "spool", **more), "publish": {"signing_key": key}})
    probe.sink.put("state", b'{"type":"state","online":true}')
    probe.say(0, 500)
    assert probe.drained()
    probe.close()
    until(lambda: sum(len(read_in.items) for read_in in _read(raw, known)) == 500, "all arrive")
    assert numbers([item for read_in in _read(raw, known) for item in read_in.items]) == list(range(500))
    packed = raw.messages("rollup")
    assert all(payload.startswith(GZIP) for _, _, payload in packed)
    assert {content for _, content, _ in packed} == ({"application/gzip"} if protocol == "5" else {""})
    states = [read(topic, payload, known.fault) for topic, _, payload in raw.messages("state")]
    assert states
    assert all(isinstance(state, State) for state in states)
    # What the broker changes does not count.
    topic, _, payload = raw.messages("state")[-1]
    assert isinstance(read(topic, payload.replace(b"false", b"true "), known.fault), Aside)


def _read(raw: Raw, known: signers.Signers) -> list[Envelope]:
    found = []
    for topic, _, payload in raw.messages("rollup"):
        read_in = read(topic, payload, known.fault)
        assert isinstance(read_in, Envelope), read_in
        found.append(read_in)
    return found


def test_ocsf_events_in_envelopes(lab: tuple[Mosquitto, Raw, int], tmp_path: Path) -> None:
    broker, raw, _ = lab
    record = {
        "type": "finding", "uid": "a" * 32, "check": "tls.version", "status": "fail", "severity": "high",
        "policy": "rfc9325", "rule": "TLS-VER", "title": "TLS 1.0 negotiated",
        "endpoint": "10.0.3.7:443/tcp", "observed": {}, "count": 1,
        "first_seen": "2026-11-18T00:00:00.000000Z", "last_seen": "2026-11-18T00:00:01.000000Z",
        "evidence": {"class": "observed", "flows": [], "frames": []}, "remediation": "Allow only TLS 1.2 and 1.3.",
    }  # fmt: skip
    probe = Probe(tables(broker, tmp_path / "spool", form="ocsf"))
    probe.sink.put("finding", json.dumps(record).encode())
    probe.sink.flush()
    assert probe.drained()
    probe.close()
    (topic, content, payload) = until(lambda: raw.messages("finding"), "the event arrives")[0]
    assert (topic, content) == ("transitproof/v1/lab/gw-1/finding", "application/json")
    (event,) = json.loads(payload)["items"]
    assert (event["class_uid"], event["severity_id"]) == (2003, 4)

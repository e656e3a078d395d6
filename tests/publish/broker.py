"""A real Mosquitto with the shipped configuration, on loopback or in a network namespace, and a real subscriber."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .pki import HOST, Pki

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "mosquitto"
NEED = ROOT / "scripts" / "need"


def needed(program: str, package: str) -> str:
    """The path of a program, from its Debian package if it is not there and may be installed."""
    path = os.environ["PATH"] + ":/usr/sbin"
    if shutil.which(program, path=path) is None:
        (ROOT / ".build").mkdir(exist_ok=True)
        done = subprocess.run(["bash", "-c", f". {NEED}; need {package}"], cwd=ROOT, check=False, capture_output=True)
        if done.returncode:
            pytest.skip(f"needs {program}: {done.stderr.decode().strip()}")
    return shutil.which(program, path=path) or program


def until(what: Callable[[], Any], why: str, seconds: float = 30) -> Any:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, f"not so in {seconds} s: {why}"
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


class Mosquitto:
    """Started with what is shipped in deploy/mosquitto, but for paths and port."""

    def __init__(
        self, folder: Path, pki: Pki, *, extra: str = "", prefix: tuple[str, ...] = (), host: str = HOST
    ) -> None:
        self.folder, self.pki, self.prefix, self.host = folder, pki, prefix, host
        self.port = free_port()
        self.program = needed("mosquitto", "mosquitto")
        self.certificate, self.key = pki.broker(host=host)
        self.extra = extra
        self.process: subprocess.Popen[bytes] | None = None
        acl = folder / "acl"
        acl.write_text((SHIPPED / "acl").read_text())
        acl.chmod(0o600)

    def configure(self) -> Path:
        text = (SHIPPED / "transitproof.conf").read_text()
        for shipped, ours in (
            ("listener 8883", f"listener {self.port} {self.host}"),
            ("/etc/mosquitto/certs/ca.pem", self.pki.ca),
            ("/etc/mosquitto/certs/broker.pem", self.certificate),
            ("/etc/mosquitto/certs/broker.key", self.key),
            ("/etc/mosquitto/transitproof.acl", self.folder / "acl"),
        ):
            assert shipped in text
            text = text.replace(shipped, str(ours))
        path = self.folder / "mosquitto.conf"
        path.write_text(
            f"user root\npersistence_location {self.folder}/\n{text}\nautosave_on_changes true\n{self.extra}"
        )
        return path

    def start(self) -> None:
        with (self.folder / "mosquitto.log").open("ab") as log:
            command = [*self.prefix, self.program, "-v", "-c", str(self.configure())]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self._listens, f"mosquitto: {self.log()[-2000:]}")

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        probe = ["ss", "-Hlnt", f"sport = :{self.port}"]
        return bool(subprocess.run([*self.prefix, *probe], check=True, capture_output=True).stdout)

    def log(self) -> str:
        path = self.folder / "mosquitto.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None


class Receiver:
    """mosquitto_sub with a session that outlives connections: what a collector would get."""

    def __init__(self, broker: Mosquitto, name: str = "collector") -> None:
        self.path = broker.folder / f"received-{name}.txt"
        program = needed("mosquitto_sub", "mosquitto-clients")
        certificate, key = broker.pki.client("collector")
        command = [*broker.prefix, program, "-h", broker.host, "-p", str(broker.port), "--cafile", str(broker.pki.ca)]
        command += ["--cert", str(certificate), "--key", str(key), "-V", "5", "-c", "-x", "3600", "-i", name]
        command += ["-q", "1", "-t", "transitproof/v1/#", "-F", "%t %p"]
        again = ["sh", "-c", 'while :; do "$@"; sleep 0.05; done', "sh"]  # it ends when the broker does
        with self.path.open("ab") as out:
            self.process = subprocess.Popen(
                [*again, *command],
                stdout=out,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until(lambda: "SUBACK to " + name in broker.log(), broker.log()[-2000:])

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(10)

    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for line in self.path.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                topic, _, payload = line.partition(b" ")
                found.append((topic.decode(), json.loads(payload)))
        return found

    def reports(self) -> list[dict[str, Any]]:
        return account([payload for topic, payload in self.messages() if not topic.endswith("/state")])


def account(envelopes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The reports in the order of their first arrival, every envelope once. Order within a boot is looked at."""
    seen: set[tuple[str, str, int, str]] = set()
    last: dict[str, tuple[int, str]] = {}
    reports = []
    for envelope in envelopes:
        boot, seq, part = envelope["boot_id"], envelope["seq"], envelope.get("part", "")
        if (envelope["probe"]["id"], boot, seq, part) in seen:
            continue
        seen.add((envelope["probe"]["id"], boot, seq, part))
        assert last.get(boot, (-1, "")) < (seq, part), "an envelope came before an earlier one"
        last[boot] = (seq, part)
        reports += envelope["items"]
    return reports


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[tuple[Mosquitto, Receiver]]:
    broker = Mosquitto(folder, Pki(folder), **options)
    broker.start()
    receiver = Receiver(broker)
    try:
        yield broker, receiver
    finally:
        receiver.stop()
        broker.kill()

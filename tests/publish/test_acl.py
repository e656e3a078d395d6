"""The shipped sample for Mosquitto: a probe speaks for itself only, the collector only reads, nobody comes unknown."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .broker import Mosquitto, Receiver, needed, running, until
from .probes import Probe, numbers, tables

Lab = tuple[Mosquitto, Receiver]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running(tmp_path) as both:
        yield both


def _say(broker: Mosquitto, who: str, topic: str, *options: str) -> subprocess.CompletedProcess[str]:
    """With Mosquitto's own client, which knows nothing of us."""
    certificate, key = broker.pki.client(who)
    command = [
        needed("mosquitto_pub", "mosquitto-clients"),
        "-h",
        broker.host,
        "-p",
        str(broker.port),
        "-V",
        "5",
        "-q",
        "1",
    ]
    command += ["--cafile", str(broker.pki.ca), "--cert", str(certificate), "--key", str(key), "-t", topic, *options]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)


ALLOWED = ("transitproof/v1/lab/gw-1/finding", "transitproof/v1/elsewhere/gw-1/state")
FORBIDDEN = (
    "transitproof/v1/lab/gw-2/finding",
    "transitproof/v1/lab/gw-10/finding",
    "transitproof/v1/gw-1/lab/finding",
    "transitproof/v1/lab/gw-2/gw-1/finding",
    "transitproof/v2/lab/gw-1/finding",
    "other",
    "$SYS/broker/version",
)


def test_a_probe_speaks_for_itself_only(lab: Lab) -> None:
    broker, receiver = lab
    for number, topic in enumerate((*ALLOWED, *FORBIDDEN)):
        _say(broker, "gw-1", topic, "-m", f'{{"n":{number}}}')
    for topic in FORBIDDEN:
        assert f"Denied PUBLISH from {topic}" not in broker.log()
    _say(broker, "gw-3", "transitproof/v1/lab/gw-3/finding", "-m", '{"n":-1}')
    until(lambda: len(receiver.messages()) == len(ALLOWED) + 1, "what is allowed arrives")
    assert [topic for topic, _ in receiver.messages()] == [*ALLOWED, "transitproof/v1/lab/gw-3/finding"]
    assert broker.log().count("Denied PUBLISH") == len(FORBIDDEN)


def test_the_collector_only_reads(lab: Lab) -> None:
    broker, receiver = lab
    _say(broker, "collector", "transitproof/v1/lab/gw-1/finding", "-m", '{"n":1}')
    _say(broker, "gw-1", "transitproof/v1/lab/gw-1/finding", "-m", '{"n":2}')
    until(receiver.messages, "what is allowed arrives")
    assert [payload for _, payload in receiver.messages()] == [{"n": 2}]


def test_a_probe_reads_nothing(lab: Lab, tmp_path: Path) -> None:
    broker, _ = lab
    certificate, key = broker.pki.client("gw-2")
    command = [needed("mosquitto_sub", "mosquitto-clients"), "-h", broker.host, "-p", str(broker.port), "-V", "5"]
    command += ["--cafile", str(broker.pki.ca), "--cert", str(certificate), "--key", str(key)]
    command += ["-t", "#", "-t", "transitproof/v1/lab/gw-2/#", "-W", "2", "-v"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=-3) as listening:
        until(lambda: "gw-2" in broker.log() or "SUBACK" in broker.log(), "it has subscribed")
        time.sleep(0.3)
        for who in ("gw-1", "gw-2"):
            _say(broker, who, f"transitproof/v1/lab/{who}/finding", "-m", "{}", "-r")
        assert listening.stdout is not None
        assert listening.stdout.read() == b""
    assert tmp_path.exists()


def test_nobody_comes_without_a_certificate(lab: Lab) -> None:
    broker, _ = lab
    command = [needed("mosquitto_pub", "mosquitto-clients"), "-h", broker.host, "-p", str(broker.port), "-q", "1"]
    command += ["--cafile", str(broker.pki.ca), "-t", ALLOWED[0], "-m", "{}"]
    refused = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    assert refused.returncode != 0
    assert "PUBLISH" not in broker.log()


def test_our_own_probe_under_another_name(lab: Lab, tmp_path: Path) -> None:
    """Its certificate says gw-1, its configuration gw-2: the broker says no, and all stays in the spool."""
    broker, receiver = lab
    wanted = tables(broker, tmp_path / "spool", "gw-1")
    wanted["identity"]["id"] = "gw-2"
    probe = Probe(wanted)
    probe.say(0, 1000)
    until(lambda: probe.said, "the reason is said")
    time.sleep(0.5)
    counters = probe.sink.counters()
    probe.close()
    assert (counters["mqtt_sent"], counters["mqtt_lost"]) == (0, 0)
    assert receiver.messages() == []
    assert any("0x87 (not authorized)" in line for line in probe.said), probe.said
    again = Probe(tables(broker, tmp_path / "spool", "gw-1"))  # mended
    assert again.drained(30)
    again.close()
    until(lambda: len(receiver.reports()) == 1000, "all arrive")
    assert numbers(receiver.reports()) == list(range(1000))


def test_birth_and_will(lab: Lab, tmp_path: Path) -> None:
    """Retained: online with what the agent says; after a death without a word the broker says so."""
    broker, receiver = lab

    def states() -> list[tuple[bool, str | None, int]]:
        found = [payload for topic, payload in receiver.messages() if topic.endswith("/gw-1/state")]
        return [(one["online"], one.get("reason"), one["session"]) for one in found]

    child = os.fork()
    if child == 0:
        try:
            probe = Probe(tables(broker, tmp_path / "spool"))
            probe.sink.put("state", b'{"type":"state","interfaces":["eth0"]}')
            time.sleep(60)
        finally:
            os._exit(1)
    until(lambda: states() and states()[-1] == (True, None, 1), "it is born")
    time.sleep(0.3)
    os.kill(child, 9)
    os.waitpid(child, 0)
    until(lambda: states()[-1] == (False, "lost", 1), "the broker tells of its death")
    probe = Probe(tables(broker, tmp_path / "spool"))
    probe.sink.put("state", b'{"type":"state","interfaces":["eth1"]}')
    until(lambda: states()[-1] == (True, None, 1), "it is born again")
    probe.close()
    until(lambda: states()[-1] == (False, "stopped", 1), "it says farewell")
    late = Receiver(broker, "collector-2")
    until(late.messages, "a late reader sees the retained state at once")
    assert [payload["reason"] for _, payload in late.messages()] == ["stopped"]
    late.stop()

"""Whatever breaks between probe and broker: at the end every report is at the broker, once, in order.

`make test` runs each fault once; TRANSITPROOF_FAULTS=full (make test-faults) with more reports, and for longer.
"""

import datetime as dt
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .broker import Mosquitto, Receiver, needed, running, until
from .pki import Pki
from .probes import Probe, numbers, tables
from .proxy import Proxy

FULL = os.environ.get("TRANSITPROOF_FAULTS") == "full"
REPORTS = 20_000 if FULL else 10_000
AWHILE = 30.0 if FULL else 0.7  # seconds that something stays broken
CHUNK = 100

Lab = tuple[Mosquitto, Receiver]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with running(tmp_path) as both:
        yield both


class Feed:
    """Reports for some seconds, from a thread as the engine's."""

    def __init__(self, probe: Probe, seconds: float, count: int = REPORTS) -> None:
        self._probe, self._pause, self._count = probe, seconds * CHUNK / count, count
        self._thread = threading.Thread(target=self._run)
        self.longest = 0.0
        self._thread.start()

    def _run(self) -> None:
        for first in range(0, self._count, CHUNK):
            begun = time.monotonic()
            self._probe.say(first, CHUNK)
            self.longest = max(self.longest, time.monotonic() - begun)
            time.sleep(self._pause)

    def end(self) -> None:
        self._thread.join()


def settle(probe: Probe, receiver: Receiver, count: int = REPORTS) -> None:
    """The account: what was put is what has arrived, once and in order, and nothing was given up."""
    assert probe.drained(120), (probe.sink.counters(), probe.said)
    counters = probe.sink.counters()
    assert (counters["mqtt_put"], counters["mqtt_acknowledged"], counters["mqtt_lost"]) == (count, count, 0)
    probe.close()
    until(lambda: len(numbers(receiver.reports())) >= count, "all have arrived", 30)
    assert numbers(receiver.reports()) == list(range(count))


def test_the_broker_is_killed_again_and_again(lab: Lab, tmp_path: Path) -> None:
    broker, receiver = lab
    probe = Probe(tables(broker, tmp_path / "spool"))
    feed = Feed(probe, 4 * AWHILE)
    for _ in range(3):
        time.sleep(AWHILE)
        broker.kill()
        broker.start()
    feed.end()
    settle(probe, receiver)
    assert any("publish_down" in line for line in probe.said)
    assert any("publish_up" in line for line in probe.said)
    assert len(probe.said) < 40, "a line for each failure"


def test_the_broker_is_away_for_long(lab: Lab, tmp_path: Path) -> None:
    broker, receiver = lab
    broker.kill(signal.SIGTERM)
    probe = Probe(tables(broker, tmp_path / "spool"))
    feed = Feed(probe, AWHILE)
    feed.end()
    assert probe.sink.counters()["mqtt_sent"] == 0
    assert feed.longest < 2, "the engine's thread waited for a broker"
    broker.start()
    settle(probe, receiver)


def test_a_broker_that_stands_still(lab: Lab, tmp_path: Path) -> None:
    broker, receiver = lab
    probe = Probe(tables(broker, tmp_path / "spool", timeout="500ms"))
    feed = Feed(probe, 3 * AWHILE)
    time.sleep(AWHILE)
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    time.sleep(AWHILE + 1)
    broker.process.send_signal(signal.SIGCONT)
    feed.end()
    settle(probe, receiver)
    assert any("timed out" in line for line in probe.said), probe.said


def test_a_connection_that_is_dead_without_a_word(lab: Lab, tmp_path: Path) -> None:
    broker, receiver = lab
    proxy = Proxy(broker.port)
    probe = Probe(tables(broker, tmp_path / "spool", port=proxy.port, timeout="500ms"))
    feed = Feed(probe, 3 * AWHILE)
    time.sleep(AWHILE)
    proxy.dead.set()
    time.sleep(AWHILE + 1)
    proxy.dead.clear()
    feed.end()
    settle(probe, receiver)
    proxy.close()
    assert any("publish_down" in line for line in probe.said), probe.said


def test_a_slow_broker(lab: Lab, tmp_path: Path) -> None:
    broker, receiver = lab
    proxy = Proxy(broker.port)
    proxy.bytes_per_second = 2e6
    probe = Probe(tables(broker, tmp_path / "spool", port=proxy.port))
    feed = Feed(probe, 0)
    feed.end()
    assert probe.sink.counters()["mqtt_sent"] < REPORTS
    assert feed.longest < 2, "the engine's thread waited for a broker"
    settle(probe, receiver)
    proxy.close()


def test_the_network_is_cut(tmp_path: Path) -> None:
    """Two namespaces and a cable between them, which goes down and comes back."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    needed("ip", "iproute2")
    name = f"tp-pub-{os.getpid()}"

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", name)
    try:
        near, far = f"tpp{os.getpid() % 100_000}a", f"tpp{os.getpid() % 100_000}b"
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        ip("addr", "add", "198.51.100.1/30", "dev", near)
        ip("link", "set", near, "up")
        for words in (
            ("addr", "add", "198.51.100.2/30", "dev", far),
            ("link", "set", far, "up"),
            ("link", "set", "lo", "up"),
        ):
            ip("-n", name, *words)
        with running(tmp_path, prefix=("ip", "netns", "exec", name), host="198.51.100.2") as (broker, receiver):
            probe = Probe(tables(broker, tmp_path / "spool", timeout="500ms"))
            feed = Feed(probe, 3 * AWHILE)
            time.sleep(AWHILE)
            ip("-n", name, "link", "set", far, "down")
            time.sleep(AWHILE + 1)
            ip("-n", name, "link", "set", far, "up")
            feed.end()
            settle(probe, receiver)
            assert any("publish_down" in line for line in probe.said)
    finally:
        ip("netns", "del", name)


BAD: dict[str, tuple[str, str]] = {
    "expired": ("certificate has expired", ""),
    "another_authority": ("self-signed certificate in certificate chain|unable to get local issuer", ""),
    "another_name": ("IP address mismatch", ""),
}


@pytest.mark.parametrize("what", BAD)
def test_a_broker_with_a_bad_certificate(lab: Lab, tmp_path: Path, what: str) -> None:
    """Nothing is said to it, the reason is logged once; with a new certificate everything arrives."""
    broker, receiver = lab
    broker.kill(signal.SIGTERM)
    pki = broker.pki
    match what:
        case "expired":
            bad = pki.broker("bad", ends=dt.datetime.now(dt.UTC) - dt.timedelta(days=1))
        case "another_authority":
            (tmp_path / "other").mkdir()
            bad = Pki(tmp_path / "other").broker()
        case _:
            bad = pki.broker("bad", host="192.0.2.7")
    broker.certificate, broker.key = bad
    broker.start()
    probe = Probe(tables(broker, tmp_path / "spool"))
    probe.say(0, REPORTS)
    time.sleep(AWHILE)
    until(lambda: probe.said, "the reason is said")
    assert probe.sink.counters()["mqtt_sent"] == 0
    assert sum(any(part in line for part in BAD[what][0].split("|")) for line in probe.said) == 1, probe.said
    broker.kill(signal.SIGTERM)
    broker.certificate, broker.key = pki.broker("rotated")
    broker.start()
    settle(probe, receiver)


def test_the_brokers_certificate_is_renewed_under_way(lab: Lab, tmp_path: Path) -> None:
    broker, receiver = lab
    probe = Probe(tables(broker, tmp_path / "spool"))
    feed = Feed(probe, 2 * AWHILE)
    time.sleep(AWHILE)
    broker.kill(signal.SIGTERM)
    broker.certificate, broker.key = broker.pki.broker("renewed")
    broker.start()
    feed.end()
    settle(probe, receiver)


def _password(folder: Path, text: str) -> None:
    program = needed("mosquitto_passwd", "mosquitto")
    subprocess.run([program, "-b", "-c", str(folder / "passwords"), "gw-1", text], check=True, capture_output=True)


def test_the_password_is_refused(tmp_path: Path) -> None:
    """A second listener asks for user and password; the right one comes with the next start of the broker."""
    (tmp_path / "password").write_text("correct horse\n")
    _password(tmp_path, "another")
    pki = Pki(tmp_path)
    broker = Mosquitto(tmp_path, pki)
    from .broker import free_port

    port = free_port()
    broker.extra = (
        f"listener {port} 127.0.0.1\ncafile {pki.ca}\ncertfile {broker.certificate}\nkeyfile {broker.key}\n"
        f"allow_anonymous false\npassword_file {tmp_path}/passwords\nacl_file {tmp_path}/acl\n"
    )
    broker.start()
    receiver = Receiver(broker)
    try:
        wanted = tables(broker, tmp_path / "spool", port=port, user="gw-1", password=str(tmp_path / "password"))
        del wanted["mqtt"]["certificate"], wanted["mqtt"]["key"]
        probe = Probe(wanted)
        probe.say(0, REPORTS)
        until(lambda: probe.said, "the reason is said")
        time.sleep(AWHILE)
        assert any("not authorized" in line.lower() for line in probe.said), probe.said
        assert "horse" not in "".join(probe.said)
        broker.kill(signal.SIGTERM)
        _password(tmp_path, "correct horse")
        broker.start()
        settle(probe, receiver)
    finally:
        receiver.stop()
        broker.kill()


def test_a_client_certificate_that_the_broker_does_not_know(lab: Lab, tmp_path: Path) -> None:
    broker, receiver = lab
    wanted = tables(broker, tmp_path / "spool")
    (tmp_path / "other").mkdir()
    certificate, key = Pki(tmp_path / "other").client("gw-1")
    wanted["mqtt"] |= {"certificate": str(certificate), "key": str(key)}
    probe = Probe(wanted)
    probe.say(0, REPORTS)
    until(lambda: probe.said, "the reason is said")
    probe.close()
    assert probe.sink.counters is not None
    again = Probe(tables(broker, tmp_path / "spool"))  # the operator has mended it: what was spooled goes out
    assert again.drained(60), again.said
    again.close()
    until(lambda: len(receiver.reports()) == REPORTS, "all have arrived")
    assert numbers(receiver.reports()) == list(range(REPORTS))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_packets_larger_than_the_broker_takes(tmp_path: Path, protocol: str) -> None:
    """MQTT 5 says so in its CONNACK; 3.1.1 only breaks the connection. Either way the envelope is cut."""
    with running(tmp_path, extra="") as (broker, receiver):
        broker.kill(signal.SIGTERM)
        shipped = broker.configure().read_text()
        assert "max_packet_size 262144" in shipped
        broker.configure = lambda: _write(tmp_path, shipped.replace("262144", "40000"))  # type: ignore[method-assign]
        probe = Probe(tables(broker, tmp_path / "spool", protocol=protocol))
        probe.say(0, REPORTS)
        broker.start()
        settle(probe, receiver)
        cut = [payload["part"] for topic, payload in receiver.messages() if "part" in payload]
        assert cut, "something was cut"


def _write(folder: Path, text: str) -> Path:
    path = folder / "mosquitto.conf"
    path.write_text(text)
    return path


def test_one_report_that_no_broker_takes_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with running(tmp_path) as (broker, receiver):
        broker.kill(signal.SIGTERM)
        shipped = broker.configure().read_text()
        broker.configure = lambda: _write(tmp_path, shipped.replace("262144", "40000"))  # type: ignore[method-assign]
        probe = Probe(tables(broker, tmp_path / "spool"))
        probe.say(0, 5)
        probe.sink.put("rollup", b'{"type":"rollup","n":-1,"payload":"%s"}' % (b"y" * 60_000))
        probe.say(5, 5)
        broker.start()
        assert probe.drained(60), probe.said
        assert probe.sink.counters()["mqtt_lost"] == 1
        probe.sink.put("rollup", b'{"type":"rollup","n":10}')
        probe.sink.flush()
        assert probe.drained(60)
        probe.close()
        until(lambda: len(receiver.reports()) == 11, "all others have arrived")
        assert numbers(receiver.reports()) == list(range(11))
        said = [payload["drops"] for _, payload in receiver.messages() if "drops" in payload]
        assert said[-1] == {"refused": {"rollup": 1}}


def test_the_clock_goes_back(lab: Lab, tmp_path: Path) -> None:
    """An hour back under way: only `sent_at` shows it. Order and waiting know no wall clock."""
    broker, receiver = lab
    jumped = threading.Event()
    real = time.time_ns
    probe = Probe(tables(broker, tmp_path / "spool"))
    writer: Any = probe.sink.outlets[0].end._writer
    writer._clock = lambda: real() - (3_600_000_000_000 if jumped.is_set() else 0)
    feed = Feed(probe, 1)
    time.sleep(0.5)
    jumped.set()
    broker.kill()
    broker.start()
    feed.end()
    settle(probe, receiver)
    times = [payload["sent_at"] for topic, payload in receiver.messages() if topic.endswith("/rollup")]
    assert times != sorted(times)

"""A real Mosquitto: nothing is lost or doubled when the collector is killed in the middle, again and again."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from fleet import finding
from sqlalchemy import create_engine, text

pytestmark = pytest.mark.skipif(shutil.which("mosquitto") is None, reason="Debian package mosquitto is not installed")

KILLS = 8
MESSAGES = 1600


def _free() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    port = _free()
    (tmp_path / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 200\nlog_type error\n"
    )
    with subprocess.Popen(["mosquitto", "-c", str(tmp_path / "mosquitto.conf")]) as process:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
        process.terminate()


class Collector:
    """`transitproof collect` in a process of its own."""

    def __init__(self, folder: Path, broker: int) -> None:
        self.database = folder / "c.db"
        self._config = folder / "collector.toml"
        self._config.write_text(
            f'[store]\nurl = "sqlite:///{self.database}"\n[web]\nlisten = "127.0.0.1:{_free()}"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {broker}\nplain = true\n'
        )
        self.process = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "probe", "collect", "--config", str(self._config)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        return self.process

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        _, told = self.process.communicate(timeout=30)
        self.told = told.decode()
        return self.process.returncode

    def count(self, what: str) -> int:
        engine = create_engine(f"sqlite:///{self.database}")
        try:
            with engine.connect() as connection:
                return int(connection.execute(text(f"SELECT count(*) FROM {what}")).scalar_one())
        except Exception:  # noqa: BLE001 - the file is not there yet
            return -1
        finally:
            engine.dispose()


def _publish(client: mqtt.Client, seqs: range) -> None:
    for seq in seqs:
        envelope = {
            "schema": "transitproof.finding/1", "probe": {"id": "p1", "site": "s1"}, "boot_id": "b1", "seq": seq, "sent_at": "",
            "items": [finding(f"u{seq}")],
        }  # fmt: skip
        client.publish("transitproof/v1/s1/p1/finding", json.dumps(envelope), qos=1)
    while client.want_write():
        time.sleep(0.01)


def _until(true: object, what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_killed_again_and_again_it_has_everything_once(tmp_path: Path, broker: int) -> None:
    collector = Collector(tmp_path, broker)
    try:
        _until(lambda: collector.count("meta") >= 1, "the database is made")
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.max_inflight_messages_set(100)
        client.connect("127.0.0.1", broker)
        client.loop_start()
        client.publish("transitproof/v1/s1/p1/state", b'{"online":true}', qos=1, retain=True).wait_for_publish(10)
        _until(lambda: collector.count("probes") == 1, "the collector is subscribed")
        step = MESSAGES // KILLS
        for kill in range(KILLS):
            _publish(client, range(kill * step, (kill + 1) * step))
            before = collector.count("findings")
            _until(
                lambda before=before: collector.count("findings") > before or before == (kill + 1) * step, "it goes on"
            )
            collector.process.kill()
            collector.process.communicate(timeout=30)
            collector.start()
        # One more, so that the last of them is known to have come so far that it can be asked to stop.
        _publish(client, range(MESSAGES, MESSAGES + 1))
        _until(lambda: collector.count("findings") == MESSAGES + 1, f"all came; {collector.count('findings')} did")
        client.loop_stop()
        client.disconnect()
        engine = create_engine(f"sqlite:///{collector.database}")
        with engine.connect() as connection:
            assert connection.execute(text("SELECT low, high, given_up FROM streams")).all() == [
                (MESSAGES, MESSAGES, 0)
            ]
            assert connection.execute(text("SELECT count(*) FROM aside")).scalar_one() == 0
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        engine.dispose()
        assert collector.stop() == 0, collector.told
    finally:
        if collector.process.poll() is None:
            collector.stop(signal.SIGKILL)


def test_a_broker_that_is_away_is_waited_for(tmp_path: Path) -> None:
    collector = Collector(tmp_path, _free())
    _until(lambda: collector.count("meta") >= 1, "the database is made")
    time.sleep(0.5)
    assert collector.stop() == 0
    assert "is away" in collector.told
    assert "Traceback" not in collector.told

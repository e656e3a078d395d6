"""The agent and its broker: it captures with or without one, and what it saw arrives once there is one."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from publish.broker import free_port, needed

from .test_service import Configured, _of, _speak, _start, _tls_server
from .wire import Wire, laid, needs_root, until

pytestmark = needs_root


@pytest.fixture
def wire() -> Iterator[Wire]:
    with laid() as wire:
        yield wire


class Broker:
    """A Mosquitto without TLS on the agent's own loopback, and somebody who listens."""

    def __init__(self, wire: Wire, port: int) -> None:
        self._wire, self._port = wire, port
        self._config, self._heard = wire.folder / "mosquitto.conf", wire.folder / "heard"
        self._config.write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n")

    def start(self) -> None:
        mosquitto, listen = needed("mosquitto", "mosquitto"), needed("mosquitto_sub", "mosquitto-clients")
        self._wire.start(self._wire.server, mosquitto, "-c", str(self._config), stdout=-3, stderr=-3, stdin=-3)
        until(lambda: self._wire.listens(self._port), "a broker")
        with self._heard.open("wb") as out:
            self._wire.start(
                self._wire.server, *f"{listen} -p {self._port} -V 5 -q 1 -t transitproof/v1/# -F %t|%p".split(),
                stdout=out, stderr=-3, stdin=-3,
            )  # fmt: skip

    def heard(self, kind: str) -> list[dict[str, Any]]:
        lines = (
            line.partition("|") for line in self._heard.read_text().splitlines(keepends=True) if line.endswith("\n")
        )
        return [
            json.loads(payload) for topic, _, payload in lines if topic == f"transitproof/v1/default/probe-1/{kind}"
        ]


def test_what_was_seen_without_a_broker_arrives_once_there_is_one(wire: Wire) -> None:
    configured, broker = Configured(wire), Broker(wire, free_port())
    spool = wire.folder / "spool"
    spool.mkdir()
    shutil.chown(spool, "nobody", "nogroup")
    mqtt = f'host = "127.0.0.1"\nport = {broker._port}\nplain = true\nclient_id = "probe-1"'
    configured.write(f'[spool]\ndirectory = "{spool}"\n[mqtt]\n{mqtt}\n')
    _tls_server(wire)
    agent = _start(wire, configured)
    _speak(wire)
    until(lambda: b'"type":"finding"' in agent.output(), "findings without a broker")
    threads = list(Path(f"/proc/{agent.process.pid}/task").iterdir())
    assert len(threads) > 2  # the loop, the capture, the sender
    assert agent.capabilities() == {"0000000000000000"}
    broker.start()
    until(lambda: broker.heard("finding") and broker.heard("certificate"), "reports at the broker", 30)
    records = agent.stop()
    until(lambda: broker.heard("state")[-1:] and not broker.heard("state")[-1]["online"], "the farewell")
    boots = {envelope["boot_id"] for kind in ("finding", "rollup", "state") for envelope in broker.heard(kind)}
    assert boots == {records[0]["boot_id"]}
    assert broker.heard("state")[0]["items"][0]["boot_id"] == records[0]["boot_id"]
    for kind in ("finding", "rollup", "certificate"):
        arrived = [item for envelope in broker.heard(kind) for item in envelope["items"]]
        assert arrived == _of(records, kind)

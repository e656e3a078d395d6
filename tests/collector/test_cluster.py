"""Three NATS nodes, two collectors, 200 probes; a node and a collector are killed midway, and every report is there once."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
from fleet import envelope, finding
from sqlalchemy import func, select

from collector.nats import subject, topic
from collector.store.store import Store
from collector.store.tables import FLEET, findings, probes, received

PROBES = 200
EACH = int(os.environ.get("TRANSITPROOF_CLUSTER", "3"))  # envelopes of each probe
ITEMS = 5
NATS = shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin")

pytestmark = pytest.mark.skipif(NATS is None, reason="Debian package nats-server is not installed")


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Cluster:
    """Three nodes on loopback; messages of MQTT on all three of them."""

    def __init__(self, folder: Path) -> None:
        ports = _free_ports(9)
        self.clients, self.mqtt, routes = ports[:3], ports[3:6], ports[6:]
        self._folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        others = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
        for number in range(3):
            (folder / f"{number}.conf").write_text(
                f"server_name: n{number}\nlisten: 127.0.0.1:{self.clients[number]}\n"
                f'jetstream {{ store_dir: "{folder}/{number}" }}\n'
                f"cluster {{ name: lab, listen: 127.0.0.1:{routes[number]}, routes: [{others}] }}\n"
                f"mqtt {{ listen: 127.0.0.1:{self.mqtt[number]}, stream_replicas: 3 }}\n"
            )
            self.processes.append(self._started(number))

    def _started(self, number: int) -> "subprocess.Popen[bytes]":
        assert NATS is not None
        with (self._folder / f"{number}.log").open("ab") as log:
            return subprocess.Popen([NATS, "-c", str(self._folder / f"{number}.conf")], stdout=log, stderr=log)

    def restart(self, number: int) -> None:
        self.processes[number] = self._started(number)

    def kill(self, number: int) -> None:
        self.processes[number].kill()
        self.processes[number].wait(10)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(10)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.end()


def _collector(cluster: Cluster, folder: Path, url: str, number: int) -> "subprocess.Popen[bytes]":
    servers = ", ".join(f'"127.0.0.1:{port}"' for port in cluster.clients)
    config = folder / f"collector{number}.toml"
    (web,) = _free_ports(1)
    config.write_text(
        f'[store]\nurl = "{url}"\n[web]\nlisten = "127.0.0.1:{web}"\n[nats]\nservers = [{servers}]\nplain = true\nack_wait = 5\n'
    )
    with (folder / f"collector{number}.log").open("wb") as log:
        command = [sys.executable, "-m", "probe", "collect", "--config", str(config)]
        return subprocess.Popen(command, stdout=log, stderr=log)


async def _speak(cluster: Cluster, number: int, done: list[int]) -> None:
    """One probe: goes to another node when one fails, and says again what was not confirmed."""
    name, node, seq = f"p{number}", number, 0
    while seq < EACH:
        try:
            async with aiomqtt.Client(
                "127.0.0.1", cluster.mqtt[node % 3], identifier=f"{name}-{node}", timeout=8
            ) as client:
                while seq < EACH:
                    told = envelope(*(finding(f"{name}-{seq}-{n}") for n in range(ITEMS)), seq=seq, by=name)
                    await client.publish(f"transitproof/v1/s1/{name}/finding", json.dumps(told), qos=1, timeout=8)
                    seq += 1
                    done[0] += 1
        except (aiomqtt.MqttError, OSError):
            node += 1
            await asyncio.sleep(0.2)


async def _ready(cluster: Cluster) -> None:
    """Until the nodes have found each other and take a message."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                async with aiomqtt.Client("127.0.0.1", cluster.mqtt[0], identifier="ready", timeout=3) as client:
                    return await client.publish("ready", b"", qos=1, timeout=3)
            await asyncio.sleep(0.2)


async def _all_speak(cluster: Cluster, first: "subprocess.Popen[bytes]") -> None:
    """A third of the way a node dies, half way a collector; the node comes back."""
    # aiomqtt leaves futures of broken connections behind, and asyncio tells of each.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    done = [0]
    speaking = [asyncio.create_task(_speak(cluster, number, done)) for number in range(PROBES)]
    async with asyncio.timeout(300):
        while done[0] < PROBES * EACH // 3:
            await asyncio.sleep(0.05)
        cluster.kill(2)
        while done[0] < PROBES * EACH // 2:
            await asyncio.sleep(0.05)
        first.send_signal(signal.SIGKILL)
        first.wait(10)
        cluster.restart(2)
        await asyncio.gather(*speaking)


def _kept(store: Store) -> tuple[int, int]:
    """What probes reported; the collector has findings of its own."""
    reported = (
        select(findings.c.uid).join(probes, probes.c.id == findings.c.probe_id).where(probes.c.site != FLEET).subquery()
    )
    with store.reading() as connection:
        uids = connection.execute(select(func.count(func.distinct(reported.c.uid)))).scalar_one()
        return uids, connection.execute(select(func.count()).select_from(reported)).scalar_one()


@pytest.mark.timeout(420)
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_node_and_a_collector_are_killed_and_nothing_is_lost_or_doubled(
    cluster: Cluster, tmp_path: Path, url: str
) -> None:
    asyncio.run(_ready(cluster))
    store = Store(url)
    collectors = [_collector(cluster, tmp_path, url, number) for number in range(2)]
    try:
        # NATS keeps nothing of MQTT that nobody has asked for.
        logs, end = [tmp_path / f"collector{number}.log" for number in range(2)], time.monotonic() + 60
        while not all("connected to NATS" in log.read_text() for log in logs):
            assert time.monotonic() < end, [log.read_text() for log in logs]
            time.sleep(0.1)
        asyncio.run(_all_speak(cluster, collectors[0]))
        end = time.monotonic() + 240  # what the dead collector held comes again, and this machine has other work
        while _kept(store)[0] < PROBES * EACH * ITEMS and time.monotonic() < end:
            time.sleep(0.2)
        assert _kept(store) == (PROBES * EACH * ITEMS, PROBES * EACH * ITEMS), (tmp_path / "collector1.log").read_text()
        with store.reading() as connection:
            there = select(func.count()).select_from(probes).where(probes.c.site != FLEET)
            assert connection.execute(there).scalar_one() == PROBES
            assert connection.execute(select(func.sum(probes.c.missed))).scalar_one() == 0
            assert connection.execute(select(func.count()).select_from(received)).scalar_one() == 0
    finally:
        for process in collectors:
            process.kill()
            process.wait(10)
        store.close()


def test_topics_as_subjects() -> None:
    for name in ("transitproof/v1/fra1/gw-1/finding", "transitproof/v1/a.b/gw.1.x/state"):
        assert topic("$MQTT.msgs." + subject(name)) == name
    assert subject("transitproof/v1") == "transitproof.v1"

"""The whole house on this machine: a broker, a collector and two probes that replay captures as if live.

    scripts/demo                 until Ctrl-C; prints where the page is
    DEMO_EXIT=1 scripts/demo     (or without a terminal) waits for the reports, prints what the page shows, and ends

DEMO_BROKER=amqtt takes the broker in Python although Mosquitto is there.

Ports are free ones of loopback, files lie in a folder that goes at the end, processes are ended by their number.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
HOST: Final = "127.0.0.1"
WAIT: Final = 90.0  # seconds until everything has to be there: a small machine that has just built the core
ENOUGH: Final = 2  # probes
CALM: Final = 1.5  # seconds without a new finding, after which the first round of reports is taken to be in
ENDING: Final = 10.0  # seconds that a process has to end by itself
SEVERITIES: Final = ("critical", "high", "medium", "low")


class NotTheseError(Exception):
    """The demo cannot go on; one line says why."""


def main() -> int:
    """The exit code."""
    staying = sys.stdout.isatty() and not os.environ.get("DEMO_EXIT")
    signal.signal(signal.SIGTERM, _ended)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell in the background had it ignored
    try:
        with House() as house:
            house.wait()
            if staying:
                print(
                    f"\n  {house.url}\n\n  Two probes replay captures as if live. Ctrl-C ends everything.", flush=True
                )
                house.stay()
            else:
                print("\n".join(shown(house)), flush=True)
    except KeyboardInterrupt:
        print("\n  ended", flush=True)
    except NotTheseError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def _ended(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


class House:
    """Broker, collector and probes, from the first to the last."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="transitproof-demo-"))
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._broker, web = free_port(), free_port()
        self.url = f"http://{HOST}:{web}/"
        self._web = web

    def __enter__(self) -> Self:
        try:
            mqtt5 = self._start_broker()
            collector = self.folder / "collector.toml"
            collector.write_text(
                f'[store]\nurl = "sqlite:///{self.folder}/collector.db"\n[web]\nlisten = "{HOST}:{self._web}"\n'
                f'[broker]\nhost = "{HOST}"\nport = {self._broker}\nplain = true\nprotocol = "{mqtt5}"\n'
            )
            self._start("collector", sys.executable, "-m", "probe", "collect", "--config", str(collector))
            log = self.folder / "collector.log"  # what comes before it has subscribed, a broker drops
            self._until(lambda: "connected to" in log.read_text(errors="replace"), "the collector finds no broker")
            for site, probe in (("fra1", "gateway"), ("office", "mirror")):
                self._start(f"probe {probe}", sys.executable, str(HERE / "replaying.py"), str(self._probe(site, probe)))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Probes first, so that what they have still arrives."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for name, process in reversed(self._running):
            process.terminate()
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                print(f"demo: {name} did not end by itself", file=sys.stderr)
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, *command: str) -> None:
        """In a session of its own, so that Ctrl-C comes to us alone and we end things in order."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running.append(
                (
                    name,
                    subprocess.Popen(
                        command,
                        cwd=ROOT,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    ),
                )
            )

    def _start_broker(self) -> str:
        """Mosquitto where it is, else amqtt, which knows MQTT 3.1.1 only. Returns the version of the protocol."""
        path = f"{os.environ.get('PATH', '')}:/usr/sbin"
        mosquitto = None if os.environ.get("DEMO_BROKER") == "amqtt" else shutil.which("mosquitto", path=path)
        if mosquitto is not None:
            configuration = self.folder / "mosquitto.conf"
            configuration.write_text(
                f"listener {self._broker} {HOST}\nallow_anonymous true\npersistence true\nautosave_on_changes true\n"
                f"autosave_interval 1\npersistence_location {self.folder}/\nlog_type error\n"
                + ("user root\n" if os.geteuid() == 0 else "")
            )
            self._start("broker", mosquitto, "-c", str(configuration))
        else:
            self._start("broker", sys.executable, str(HERE / "embedded.py"), HOST, str(self._broker))
        self._until(lambda: _answers(self._broker), "the broker does not answer")
        return "5" if mosquitto is not None else "3.1.1"

    def _probe(self, site: str, probe: str) -> Path:
        path = self.folder / f"{probe}.toml"
        path.write_text(
            f'[identity]\nid = "{probe}"\nsite = "{site}"\n[spool]\ndirectory = "{self.folder}/{probe}"\n'
            f'[mqtt]\nhost = "{HOST}"\nport = {self._broker}\nplain = true\n'
        )
        (self.folder / probe).mkdir()
        return path

    def ask(self, what: str) -> Any:  # noqa: ANN401 - what the API answers
        """The collector's API."""
        with urllib.request.urlopen(f"{self.url}api/v1/{what}", timeout=10) as answer:
            return json.load(answer)

    def wait(self) -> None:
        """Until both probes have reported, and for a moment nothing new comes. Raises NotTheseError."""
        self._until(lambda: _answers(self._web), "the collector does not answer")
        last, since = -1, time.monotonic()

        def settled() -> bool:
            nonlocal last, since
            summary = self.ask("summary")
            open_ = sum(summary["findings"].values())
            if open_ != last:
                last, since = open_, time.monotonic()
            reported = [row for row in self.ask("probes")["items"] if row["health"]]
            return len(reported) >= ENOUGH and open_ > 0 and time.monotonic() - since >= CALM

        self._until(settled, "the reports did not arrive")

    def stay(self) -> None:
        """Until Ctrl-C, or one of them ends."""
        while True:
            self._look()
            time.sleep(1)

    def _look(self) -> None:
        for name, process in self._running:
            if process.poll() is not None:
                log = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
                raise NotTheseError(f"the {name} ended with exit code {process.returncode}: {' '.join(log[-2:])}")

    def _until(self, true: Any, otherwise: str) -> None:  # noqa: ANN401 - a question without arguments
        end = time.monotonic() + WAIT
        while not true():
            self._look()
            if time.monotonic() > end:
                raise NotTheseError(f"{otherwise} within {WAIT:.0f} s")
            time.sleep(0.1)


def _answers(port: int) -> bool:
    with socket.socket() as one, contextlib.suppress(OSError):
        one.settimeout(1)
        return one.connect_ex((HOST, port)) == 0
    return False


def shown(house: House) -> Iterator[str]:
    """What the page says, for a terminal."""
    summary, probes = house.ask("summary"), house.ask("probes")["items"]
    findings = house.ask("findings?limit=8")
    total = sum(row["bytes"] for row in summary["last_day"].values())
    yield f"  The collector's page at {house.url} shows:"
    yield ""
    yield f"  {summary.get('protected_share', 0):.1%} of bytes protected, last 24 hours"
    for name, row in summary["last_day"].items():
        if row["flows"]:
            yield f"    {name:<10} {row['bytes'] / total:>6.1%}  {row['flows']:>4} flows"
    yield ""
    for row in probes:
        yield f"  probe {row['site']}/{row['probe']} is {row['word']}, {row['missed']} reports missing"
    yield ""
    yield "  open findings: " + ", ".join(f"{summary['findings'][name]} {name}" for name in SEVERITIES)
    for row in findings["items"]:
        yield f"  {row['severity']:<9} {row['title']} · {row['endpoint']}"
    if findings["total"] > len(findings["items"]):
        yield f"  … and {findings['total'] - len(findings['items'])} more"
    yield ""
    certificates, endpoints = house.ask("certificates?limit=1")["total"], house.ask("endpoints?limit=1")["total"]
    yield f"  {endpoints} endpoints, {certificates} certificates of servers"


if __name__ == "__main__":
    sys.exit(main())

"""Real tunnels through DNS on a real wire: the agent says what a replay of the same wire says, with the same times."""

import datetime as dt
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import probe

from .wire import CLIENT, INTERFACE, SERVER, Wire, laid, needs_root, run, until

ZONE = "t.relay.example.com"
PASSWORD = "example-password"
INSIDE = "172.31.9.1"
QUIET: dict[str, Any] = {"stdin": -3, "stdout": -3, "stderr": -3}
FETCH = "import sys, urllib.request as r; print(len(r.urlopen(sys.argv[1], timeout=20).read()))"

pytestmark = needs_root


@pytest.fixture
def wire() -> Iterator[Wire]:
    with laid() as wire:
        yield wire


def fetch(wire: Wire, where: str) -> None:
    """A page of three kilobytes."""
    assert wire.talk(sys.executable, "-c", FETCH, f"http://{where}/page").stdout.strip() == "3072"


def serve(wire: Wire) -> None:
    (wire.folder / "page").write_bytes(bytes(range(256)) * 12)
    wire.start(wire.server, sys.executable, "-m", "http.server", "8080", "--directory", str(wire.folder), **QUIET)
    until(lambda: wire.listens(8080), "the page")


def iodine(wire: Wire) -> None:
    settings = f"-f -c -P {PASSWORD} {INSIDE}/24 {ZONE}"
    wire.start(wire.server, "iodined", *settings.split(), **QUIET)
    until(lambda: INSIDE in run("ip", "-n", wire.server, "addr").stdout, "iodined")
    wire.start(wire.client, *f"iodine -f -r -T NULL -I 1 -P {PASSWORD} {SERVER} {ZONE}".split(), **QUIET)
    until(lambda: "172.31.9." in run("ip", "-n", wire.client, "route").stdout, "the tunnel")
    fetch(wire, f"{INSIDE}:8080")


def dns2tcp(wire: Wire) -> None:
    settings = wire.folder / "dns2tcpd.conf"
    settings.write_text(
        f"listen = {SERVER}\nport = 53\nuser = root\nchroot = {wire.folder}\ndomain = {ZONE}\n"
        f"key = {PASSWORD}\nresources = web:127.0.0.1:8080\n"
    )
    wire.start(wire.server, "dns2tcpd", "-F", "-d", "1", "-f", str(settings), **QUIET)
    shown = ("ip", "netns", "exec", wire.server, "cat", "/proc/net/udp")
    until(lambda: ":0035 " in run(*shown).stdout, "dns2tcpd")
    wire.start(wire.client, *f"dns2tcpc -r web -z {ZONE} -k {PASSWORD} -l 9000 {SERVER}".split(), **QUIET)
    shown = ("ip", "netns", "exec", wire.client, "cat", "/proc/net/tcp")
    until(lambda: ":2328 " in run(*shown).stdout, "dns2tcpc")
    fetch(wire, "127.0.0.1:9000")


def moment(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="iodine wants /dev/net/tun")
@pytest.mark.parametrize(("session", "program"), [(iodine, "iodined"), (dns2tcp, "dns2tcpd")])
def test_a_session_live_and_replayed(wire: Wire, session: Callable[[Wire], None], program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"the Debian package of {program} is not installed")
    agent = wire.agent("-i", INTERFACE)
    agent.hears("READY=1")
    recording = wire.folder / "wire.pcap"
    tcpdump = wire.tcpdump(recording)
    serve(wire)
    session(wire)
    tcpdump.send_signal(signal.SIGTERM)
    tcpdump.wait(10)
    live = [record for record in agent.stop() if record.get("check") == "dns.tunnel"]
    replayed = [record for record in probe.replay(recording) if record.get("check") == "dns.tunnel"]
    (theirs,) = replayed
    # Told within a second, and again at the end as it came to stand.
    assert {record["uid"] for record in live} == {theirs["uid"]}
    ours = live[-1]
    assert (ours["client"], ours["domain"], ours["uid"]) == (CLIENT, "example.com", theirs["uid"])
    assert (ours["score"], ours["why"]) == (theirs["score"], theirs["why"])
    for time in ("first_seen", "first_alert"):
        # Each packet socket reads the clock for itself, a few microseconds apart.
        assert moment(ours[time]) == pytest.approx(moment(theirs[time]), abs=0.002), time
    assert 0 <= moment(ours["first_alert"]) - moment(ours["first_seen"]) < 2

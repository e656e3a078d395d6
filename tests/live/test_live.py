"""The agent on a real wire, against a replay of what tcpdump recorded there."""

import datetime as dt
import json
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

import probe

from .wire import CLIENT, INTERFACE, SERVER, Wire, laid, needs_root, run, until

pytestmark = needs_root

FLOOD = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    s.sendto(b"x" * 1400, (sys.argv[2], 9999))
"""
FETCH = """
import sys, urllib.request as u
u.urlopen(u.Request(sys.argv[1], headers={"Authorization": "Basic YWxpY2U6c2VjcmV0"})).read()
"""


@pytest.fixture
def wire() -> Iterator[Wire]:
    with laid() as wire:
        yield wire


def serve(wire: Wire) -> None:
    """A TLS 1.2 server with a certificate of its own, a web server in the clear, one that answers nothing."""
    key, certificate = wire.folder / "key.pem", wire.folder / "cert.pem"
    files = f"-keyout {key} -out {certificate}"
    run(*f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=live.example -days 2 {files}".split())
    quiet: dict[str, Any] = {"stdout": -3, "stderr": -3, "stdin": -3}
    tls = f"openssl s_server -accept {SERVER}:4433 -cert {certificate} -key {key} -tls1_2 -WWW -quiet"
    wire.start(wire.server, *tls.split(), cwd=wire.folder, **quiet)
    wire.start(wire.server, "/usr/bin/python3", "-m", "http.server", "8080", "--directory", str(wire.folder), **quiet)
    for port in (4433, 8080):
        until(lambda port=port: wire.listens(port), f"a server on {port}")


def _speak(wire: Wire) -> None:
    for name in ("live.example", "other.example"):
        request = "GET / HTTP/1.0\r\n\r\n"
        command = f"openssl s_client -connect {SERVER}:4433 -servername {name} -quiet -no_ign_eof"
        wire.talk(*command.split(), input=request)
    wire.talk("/usr/bin/python3", "-c", FETCH, f"http://{SERVER}:8080/")
    wire.talk("/usr/bin/python3", "-c", FLOOD, "20", SERVER)


TIMES = ("start", "end", "first_seen", "last_seen")


def compared(records: list[dict[str, Any]]) -> list[tuple[str, list[float]]]:
    """Flows, certificates and findings, sorted, without the names of the captures; their times apart.

    Of a finding the last record, which has the whole count; its evidence is of what came since the one before.
    """
    findings = {record["uid"]: record for record in records if record["type"] == "finding"}
    kept = []
    for record in [*findings.values(), *(record for record in records if record["type"] in ("flow", "certificate"))]:
        rest = {key: value for key, value in record.items() if key not in TIMES}
        if record["type"] == "finding":
            rest["evidence"] = record["evidence"]["class"]
        times = [dt.datetime.fromisoformat(record[key]).timestamp() for key in TIMES if key in record]
        kept.append((json.dumps(rest, sort_keys=True), times))
    return sorted(kept)


def test_the_same_as_a_replay_of_the_same_wire(wire: Wire) -> None:
    agent = wire.agent("-i", INTERFACE)
    agent.hears("READY=1")
    assert agent.capabilities() == {"0" * 16}
    serve(wire)
    recording = wire.folder / "wire.pcap"
    tcpdump = wire.tcpdump(recording)
    _speak(wire)
    wire.recorded(tcpdump)
    agent.hears("WATCHDOG=1")
    assert len(agent.filters()) == 2, "the capture thread has one more than the others"
    live = agent.stop()
    replayed = list(probe.replay(recording))
    assert {record["class"] for record in live if record["type"] == "flow"} >= {"tls", "plaintext"}
    assert [record for record in live if record["type"] == "finding"]
    ours, theirs = compared(live), compared(replayed)
    assert [text for text, _ in ours] == [text for text, _ in theirs]
    # Each packet socket reads the clock for itself, a few microseconds apart.
    for (text, times), (_, others) in zip(ours, theirs, strict=True):
        assert times == pytest.approx(others, abs=0.002), text
    assert live[-1]["type"] == "summary"
    for counter in ("packets", "bytes", "flows", "by_class", "findings", "drops"):
        assert live[-1][counter] == replayed[-1][counter], counter


def test_a_stalled_agent_says_what_it_lost(wire: Wire) -> None:
    agent = wire.agent("-i", INTERFACE)
    agent.hears("READY=1")
    agent.process.send_signal(signal.SIGSTOP)
    sent = 60_000  # of 1.4 kB: more than the ring holds
    wire.talk("/usr/bin/python3", "-c", FLOOD, str(sent), SERVER)
    agent.process.send_signal(signal.SIGCONT)
    agent.hears("WATCHDOG=1")
    records = agent.stop()
    summary = records[-1]
    lost = summary["drops"][INTERFACE]
    assert lost > 1000
    assert "event=drops" in agent.errors()
    counted = sum(
        sum(record["packets"]) for record in records if record["type"] == "flow" and record["transport"] == "udp"
    )
    assert 0 < counted <= sent
    assert summary["packets"] + lost >= sent


SET_CLOCK = """
import pathlib, time
off, time_ns = pathlib.Path(__file__).with_name("off"), time.time_ns
time.time_ns = lambda: time_ns() + int(off.read_text()) * 10**9
time.time = lambda: time.time_ns() / 1e9
"""


def test_a_clock_that_is_set_ends_no_flow(wire: Wire) -> None:
    """An hour ahead and back, for the agent alone: no namespace has a clock to be set. Packets keep their times."""
    clock = wire.folder / "clock"
    clock.mkdir()
    off = clock / "off"
    off.write_text("0")
    (clock / "sitecustomize.py").write_text(SET_CLOCK)
    agent = wire.agent("-i", INTERFACE, modules=clock)
    agent.hears("READY=1")
    begun = time.time()
    talker = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('', 5005))\n"
    for hour, times in ((0, 0), (1, 1), (0, 2)):
        (new := clock / "new").write_text(str(hour * 3600))
        new.replace(off)
        until(lambda times=times: agent.errors().count("event=clock_set") == times, f"word {times} of the clock")
        wire.talk("/usr/bin/python3", "-c", f"{talker}[s.sendto(b'x', ('{SERVER}', 9999)) for _ in range(3)]")
        agent.hears("WATCHDOG=1")
    records = agent.stop()
    flow = next(record for record in records if record["type"] == "flow" and record["src_port"] == 5005)
    assert flow["packets"] == [9, 0]
    assert [dt.datetime.fromisoformat(flow[key]).timestamp() for key in ("start", "end")] == pytest.approx(
        [begun, time.time()], abs=20
    )


def test_an_interface_that_goes_and_comes_back_is_followed(wire: Wire) -> None:
    agent = wire.agent("-i", INTERFACE)
    agent.hears("READY=1")
    run("ip", "-n", wire.server, "link", "set", INTERFACE, "down")
    run("ip", "-n", wire.server, "link", "set", INTERFACE, "up")
    wire.talk("/usr/bin/python3", "-c", FLOOD, "3", SERVER)
    run("ip", "-n", wire.server, "link", "del", INTERFACE)
    agent.hears("(gone)")
    wire.join()
    until(lambda: agent.hears("WATCHDOG=1") or "(gone)" not in agent.told[-1], "the return of the interface")
    wire.talk("/usr/bin/python3", "-c", FLOOD, "4", SERVER)
    time.sleep(0.3)
    flows = [record for record in agent.stop() if record["type"] == "flow" and record["transport"] == "udp"]
    assert sorted(flow["packets"][0] for flow in flows) == [3, 4]


def test_frames_of_the_loopback_count_once_and_any_sees_all(wire: Wire) -> None:
    agent = wire.agent()
    agent.hears("READY=1")
    run("ip", "netns", "exec", wire.server, "/usr/bin/python3", "-c", FLOOD, "5", "127.0.0.1")
    wire.talk("/usr/bin/python3", "-c", FLOOD, "6", SERVER)
    time.sleep(0.3)
    flows = [record for record in agent.stop() if record["type"] == "flow" and record["transport"] == "udp"]
    assert {(flow["src_ip"], flow["packets"][0]) for flow in flows} == {("127.0.0.1", 5), (CLIENT, 6)}


def test_several_interfaces_and_promiscuous_by_choice(wire: Wire) -> None:
    def promiscuity() -> int:
        return int(
            json.loads(run(*f"ip -j -d -n {wire.server} link show {INTERFACE}".split()).stdout)[0]["promiscuity"]
        )

    agent = wire.agent("-i", INTERFACE, "-i", "lo", "--promiscuous")
    agent.hears("READY=1")
    assert promiscuity() == 1
    run("ip", "netns", "exec", wire.server, "/usr/bin/python3", "-c", FLOOD, "5", "127.0.0.1")
    wire.talk("/usr/bin/python3", "-c", FLOOD, "6", SERVER)
    time.sleep(0.3)
    flows = [record for record in agent.stop() if record["type"] == "flow" and record["transport"] == "udp"]
    assert {(flow["src_ip"], flow["packets"][0]) for flow in flows} == {("127.0.0.1", 5), (CLIENT, 6)}
    assert promiscuity() == 0


def test_any_sees_an_interface_that_comes_later(wire: Wire) -> None:
    run("ip", "-n", wire.server, "link", "del", INTERFACE)
    agent = wire.agent()
    agent.hears("READY=1")
    wire.join()
    wire.talk("/usr/bin/python3", "-c", FLOOD, "4", SERVER)
    time.sleep(0.3)
    flows = [record for record in agent.stop() if record["type"] == "flow" and record["transport"] == "udp"]
    assert {(flow["src_ip"], flow["packets"][0]) for flow in flows} == {(CLIENT, 4)}


def test_vlan_tags_of_the_hardware_are_put_back(wire: Wire) -> None:
    """A tag travels beside the frame in the kernel; the flow inside must be read, and its tag be stepped over."""
    agent = wire.agent("-i", INTERFACE)
    agent.hears("READY=1")
    send = (
        "from scapy.all import *; sendp(Ether(dst='ff:ff:ff:ff:ff:ff')/Dot1Q(vlan=42)/Dot1Q(vlan=7)"
        f"/IP(src='192.0.2.1',dst='192.0.2.2')/UDP(sport=4000,dport=4001)/b'tagged', iface='{INTERFACE}', verbose=0)"
    )
    wire.talk(sys.executable, "-c", send)
    time.sleep(0.3)
    records = agent.stop()
    flows = [record for record in records if record["type"] == "flow" and record["src_ip"] == "192.0.2.1"]
    assert [(flow["src_port"], flow["dst_port"], flow["packets"]) for flow in flows] == [(4000, 4001, [1, 0])]


def test_without_the_right_to_capture(wire: Wire) -> None:
    agent = wire.agent("-i", INTERFACE, rights="-all")
    assert agent.process.wait(15) == 4
    assert "CAP_NET_RAW" in agent.errors()
    assert "setpriv" in agent.errors()


def test_no_such_interface(wire: Wire) -> None:
    agent = wire.agent("-i", "nothere")
    assert agent.process.wait(15) == 2
    assert "nothere: no such interface" in agent.errors()

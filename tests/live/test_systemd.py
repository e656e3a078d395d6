"""The shipped unit under a real systemd: start, rights, watchdog, reload, crash, restart, stop."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .manager import UNIT, Manager, booted, cgroups, missing
from .wire import ROOT, Wire, bypass_permitted, laid, until

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")

CONFIG = """
[rollup]
interval = "1s"
[state]
interval = "1s"
[health]
interval = "1s"
"""
QUICK = "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n"
"""The unit's own are half a minute and five seconds."""


@pytest.fixture(scope="module")
def manager() -> Iterator[Manager]:
    with laid() as wire, booted(wire) as manager:
        manager.wire = wire  # type: ignore[attr-defined]
        manager.write("/etc/transitproof/transitproof.toml", CONFIG)
        manager.write(f"/etc/systemd/system/{UNIT}.d/quick.conf", QUICK)
        manager.run("systemctl", "daemon-reload")
        yield manager


@pytest.fixture
def running(manager: Manager) -> Manager:
    """The unit as it is after a start of its own."""
    manager.write("/etc/transitproof/transitproof.toml", CONFIG)
    manager.run("systemctl", "reset-failed", UNIT)
    started = manager.run("systemctl", "restart", UNIT)
    assert started.returncode == 0, manager.journal()
    return manager


def _records(manager: Manager) -> list[dict[str, Any]]:
    return [json.loads(line) for line in manager.journal().splitlines() if line.startswith("{")]


def _restarts(manager: Manager, before: str, why: str) -> None:
    until(
        lambda: manager.show("MainPID") not in (before, "0") and manager.show("ActiveState") == "active",
        f"a restart after {why}",
    )


def test_it_has_no_rights_once_it_is_started(running: Manager) -> None:
    assert running.show("ActiveState") == "active"
    threads = running.status(running.show("MainPID"))
    assert len(threads) >= 2
    for thread in threads:
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(thread[name], 16) == 0 or (name == "CapBnd" and int(thread[name], 16) == 1 << 13), (name, thread)
        assert thread["Uid"].split()[0] not in ("0", "65534")
        assert (thread["NoNewPrivs"], thread["Seccomp"]) == ("1", "2")
    assert "packets" in running.show("StatusText")


def test_the_bypass_is_loaded_before_its_right_is_given_up(manager: Manager) -> None:
    if not bypass_permitted():
        pytest.skip("this kernel permits no bpf(2), not even to root")
    path = f"/etc/systemd/system/{UNIT}.d/bypass.conf"
    manager.run("systemctl", "stop", UNIT)
    manager.write(path, (ROOT / "systemd" / "bypass.conf").read_text())
    manager.run("systemctl", "daemon-reload")
    before = len(manager.journal())
    try:
        manager.run("systemctl", "reset-failed", UNIT)
        assert manager.run("systemctl", "start", UNIT).returncode == 0, manager.journal()
        until(lambda: '"type":"health"' in manager.journal()[before:], "a word on its health")
        said = manager.journal()[before:]
        assert '"bypass":{"flows":0,"packets":0,"bytes":0}' in said
        assert {int(thread["CapEff"], 16) for thread in manager.status(manager.show("MainPID"))} == {0}
    finally:
        manager.run("rm", path)
        manager.run("systemctl", "daemon-reload")
        manager.run("systemctl", "stop", UNIT)


def test_it_sees_packets_in_the_memory_that_the_unit_has(running: Manager) -> None:
    wire: Wire = running.wire  # type: ignore[attr-defined]
    send = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('10.77.0.2', 9999))"
    wire.talk("/usr/bin/python3", "-c", send)
    until(lambda: any(record.get("packets") for record in _records(running)), "a packet in a record")
    group = cgroups()
    assert group is not None
    health = [record for record in _records(running) if record["type"] == "health"]
    # Where memory is still counted by cgroup v1, systemd cannot hold a unit to MemoryMax, and nothing shows it.
    limited = "memory" in (group / "cgroup.controllers").read_text().split()
    assert {record["flows"]["most"] for record in health} == {(256 - 96) * 1024 if limited else 1 << 20}
    assert health[-1]["memory"] < 80 << 20


def test_a_stalled_process_is_ended_by_the_watchdog_and_started_anew(running: Manager) -> None:
    before = running.show("MainPID")
    running.run("kill", "-STOP", before)
    _restarts(running, before, "a stall")
    assert int(running.show("NRestarts")) == 1
    assert "atchdog" in running.run("journalctl", "--no-pager", "--output=cat").stdout


def test_a_crash_is_survived_with_what_was_saved(running: Manager) -> None:
    before = running.show("MainPID")
    until(lambda: any("state_saved" in record.get("events", {}) for record in _records(running)), "saved state")
    running.run("systemctl", "kill", "--signal=KILL", UNIT)
    _restarts(running, before, "a crash")
    assert running.run("ls", "/var/lib/private/transitproof").stdout.split() == ["dns.state", "state.json"]
    assert "event=state_damaged" not in running.journal()


def test_a_reload_that_is_wrong_is_refused_and_one_that_is_right_holds(running: Manager) -> None:
    before = running.show("MainPID")
    running.write("/etc/transitproof/transitproof.toml", CONFIG + "[judge]\npolicy = []\n")
    assert running.run("systemctl", "reload", UNIT).returncode == 0
    until(lambda: "event=reload_refused" in running.journal(), "a refusal")
    running.write("/etc/transitproof/transitproof.toml", CONFIG + '[judge]\npolicies = ["rfc8247"]\n')
    assert running.run("systemctl", "reload", UNIT).returncode == 0
    until(lambda: "event=reload policies=1" in running.journal(), "a reload")
    assert running.show("MainPID") == before
    assert running.show("ActiveState") == "active"


def test_what_needs_new_rings_starts_it_anew(running: Manager) -> None:
    before = running.show("MainPID")
    running.write("/etc/transitproof/transitproof.toml", CONFIG + '[capture]\ninterfaces = ["lo"]\n')
    running.run("systemctl", "reload", UNIT)
    _restarts(running, before, "a change of interfaces")
    assert _records(running)[-1]["type"] in ("state", "rollup", "health")
    assert [record["interfaces"] for record in _records(running) if record["type"] == "state"][-1] == ["lo"]


def test_a_stop_is_in_good_order(running: Manager) -> None:
    assert running.run("systemctl", "stop", UNIT).returncode == 0
    assert (running.show("ActiveState"), running.show("Result")) == ("inactive", "success")
    last = _records(running)[-1]
    assert (last["type"], last["online"]) == ("state", False)


@pytest.mark.parametrize(
    ("dropin", "code", "said"),
    [
        ("[Service]\nCapabilityBoundingSet=\nAmbientCapabilities=\n", "4", "capturing needs CAP_NET_RAW"),
        ("[Service]\nExecStart=\nExecStart=/opt/transitproof/bin/transitproof run --config /nothere\n", "2", "no such"),
    ],
)
def test_what_only_a_person_can_mend_is_not_tried_again(manager: Manager, dropin: str, code: str, said: str) -> None:
    path = f"/etc/systemd/system/{UNIT}.d/wrong.conf"
    manager.run("systemctl", "stop", UNIT)
    manager.run("systemctl", "reset-failed", UNIT)
    manager.write(path, dropin)
    manager.run("systemctl", "daemon-reload")
    try:
        assert manager.run("systemctl", "start", UNIT).returncode != 0
        assert (manager.show("ExecMainStatus"), manager.show("NRestarts")) == (code, "0")
        assert manager.show("ActiveState") == "failed"
        assert said in manager.journal()
    finally:
        manager.run("rm", path)
        manager.run("systemctl", "daemon-reload")

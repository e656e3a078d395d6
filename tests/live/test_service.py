"""The agent as a service: configuration, reload, state over crashes, what it says of itself."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dpkt
import jsonschema
import pytest

import probe

from .wire import INTERFACE, NOBODY, ROOT, SERVER, Agent, Wire, laid, needs_root, run, until

pytestmark = needs_root

SCHEMAS = ROOT / "docs" / "schemas"
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])):
    s.sendto(b"x", (sys.argv[2], 9999))
"""


@pytest.fixture
def wire() -> Iterator[Wire]:
    with laid() as wire:
        yield wire


class Configured:
    """A configuration with a state folder of nobody's."""

    def __init__(self, wire: Wire) -> None:
        self.path = wire.folder / "transitproof.toml"
        self.state = wire.folder / "state"
        self.state.mkdir()
        os.chown(self.state, int(NOBODY), int(NOBODY))
        self.write()

    def write(self, more: str = "", *, interface: str = INTERFACE, stdout: str = "reports") -> None:
        self.path.write_text(
            f'[capture]\ninterfaces = ["{interface}"]\n[state]\ndirectory = "{self.state}"\ninterval = "1s"\n'
            f'[output]\nstdout = "{stdout}"\n[rollup]\ninterval = "1s"\n[identity]\nid = "probe-1"\nec2 = "no"\n{more}'
        )
        self.path.chmod(0o644)


@pytest.fixture
def configured(wire: Wire) -> Configured:
    return Configured(wire)


def _start(wire: Wire, configured: Configured) -> Agent:
    agent = wire.agent("--config", str(configured.path))
    agent.hears("READY=1")
    return agent


def _tls_server(wire: Wire, *options: str, told: Path | None = None) -> None:
    key, certificate = wire.folder / "key.pem", wire.folder / "cert.pem"
    files = f"-keyout {key} -out {certificate}"
    run(*f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=live.example -days 2 {files}".split())
    command = f"stdbuf -oL openssl s_server -accept {SERVER}:4433 -cert {certificate} -key {key} -www"
    with (told or Path(os.devnull)).open("wb") as output:
        wire.start(
            wire.server, *command.split(), *(options or ("-tls1_2", "-quiet")), stdout=output, stderr=-3, stdin=-3
        )
    until(lambda: wire.listens(4433), "a server")


def _speak(wire: Wire, *options: str) -> None:
    command = f"openssl s_client -connect {SERVER}:4433 -servername live.example -quiet -no_ign_eof"
    wire.talk(*command.split(), *options, input="GET / HTTP/1.0\r\n\r\n")


def _of(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == kind]


def test_reports_are_sent_and_flows_are_not(wire: Wire, configured: Configured) -> None:
    _tls_server(wire)
    agent = _start(wire, configured)
    for _ in range(3):
        _speak(wire)
    until(lambda: b'"changes":[{' in agent.output(), "a rollup of what was seen")
    records = agent.stop()
    assert {record["type"] for record in records} == {"state", "certificate", "finding", "rollup", "health"}
    first, last = records[0], records[-1]
    assert (first["online"], last["online"], first["boot_id"]) == (True, False, last["boot_id"])
    assert first["probe"]["id"] == "probe-1"
    rollups = _of(records, "rollup")
    assert sum(rollup["by_class"].get("tls", {}).get("flows", 0) for rollup in rollups) == 3
    pairs = [pair for rollup in rollups for pair in rollup["pairs"] if pair["class"] == "tls"]
    assert {(pair["endpoint"], pair["peer"]) for pair in pairs} == {(f"{SERVER}:4433/tcp", "10.77.0.1")}
    assert sum(pair["flows"] for pair in pairs) == 3
    for rollup in rollups:
        for counted in ("flows", "bytes"):
            whole = sum(sums[counted] for sums in rollup["by_class"].values())
            rows = [*rollup["pairs"], *rollup["others"].values()]
            assert sum(sum(row[counted]) if counted == "bytes" else row[counted] for row in rows) == whole
    schemas = {name: json.loads((SCHEMAS / f"{name}.json").read_bytes()) for name in ("state", "rollup", "health")}
    for record in records:
        if record["type"] in schemas:
            jsonschema.validate(record, schemas[record["type"]], format_checker=jsonschema.FormatChecker())
    changes = [change for rollup in rollups for change in rollup["changes"]]
    assert [change["after"]["tls.version"] for change in changes if "tls.version" in change["after"]] == ["TLSv1.2"]
    health = _of(records, "health")[-1]
    assert health["missed"] == {}
    assert health["packets"] == sum(rollup["packets"] for rollup in rollups)
    assert health["memory"] < 120 << 20


def test_a_reload_applies_or_keeps_the_old_and_says_so(wire: Wire, configured: Configured) -> None:
    _tls_server(wire)
    agent = _start(wire, configured)
    _speak(wire)
    until(lambda: b'"type":"finding"' in agent.output(), "a finding")
    configured.write("[judge]\npolicy = []\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.hears("STATUS=reload refused: ")
    assert "did you mean policies?" in agent.errors()
    assert "event=reload_refused" in agent.errors()

    waiver = wire.folder / "waivers.toml"
    waiver.write_text('[[waiver]]\nowner = "ops"\nreason = "a test"\nexpires = 2099-01-01\ncheck = "certificate.*"\n')
    waiver.chmod(0o644)
    configured.write(f'[judge]\npolicies = ["nist-sp-800-52r2"]\nwaivers = ["{waiver}"]\n')
    agent.told.clear()
    agent.process.send_signal(signal.SIGHUP)
    agent.hears("READY=1")
    reloading = next(told for told in agent.told if "RELOADING=1" in told)
    assert "MONOTONIC_USEC=" in reloading
    assert "event=reload " in agent.errors()
    before = len(agent.output().splitlines())
    _speak(wire)
    records = agent.stop()
    later = [record for record in records[before:] if record["type"] == "finding"]
    assert "nist-sp-800-52r2" in {finding.get("policy") for finding in later}
    # The certificate was sent before the reload, and chains can still be judged by it.
    reasons = {finding["observed"]["reason"]: finding for finding in later if finding["check"] == "certificate.chain"}
    assert reasons["self_signed"]["waived"]["owner"] == "ops"
    assert reasons["self_signed"]["count"] == 2
    assert _of(records, "health")[-1]["events"] == {"reloads": 1, "reloads_refused": 1} | {
        "state_saved": _of(records, "health")[-1]["events"]["state_saved"]
    }


def test_what_needs_new_rings_is_applied_by_a_restart(wire: Wire, configured: Configured) -> None:
    agent = _start(wire, configured)
    configured.write(interface="any")
    agent.process.send_signal(signal.SIGHUP)
    agent.hears("STOPPING=1")
    assert agent.process.wait(15) == 75
    assert "event=restart: capture: " in agent.errors()
    assert '"online":false' in agent.output().decode()


def test_new_ends_are_applied_by_a_restart_unless_they_are_wrong(wire: Wire, configured: Configured) -> None:
    """A configuration that would keep the agent from starting again is refused while it runs."""
    agent = _start(wire, configured)
    for wrong, why in (
        ('[mqtt]\nhots = "127.0.0.1"\n', "hots"),
        ('[mqtt]\nhost = "192.0.2.1"\nplain = true\n', "under TLS only"),
        ('[mqtt]\nhost = "192.0.2.1"\nca = "/nonexistent.pem"\n', "/nonexistent.pem"),
        ('[mqtt]\nhost = "127.0.0.1"\nplain = true\n[spool]\ndirectory = "/proc/spool"\n', "spool.directory: /proc: "),
    ):
        configured.write(wrong)
        agent.told.clear()
        agent.process.send_signal(signal.SIGHUP)
        agent.hears("STATUS=reload refused: ")
        assert why in agent.errors()
    configured.write(f'[mqtt]\nhost = "127.0.0.1"\nplain = true\n[spool]\ndirectory = "{configured.state}/spool"\n')
    agent.process.send_signal(signal.SIGHUP)
    assert agent.process.wait(15) == 75
    assert "event=restart: mqtt, spool: " in agent.errors()


def test_a_crash_forgets_nothing_that_was_saved(wire: Wire, configured: Configured) -> None:
    _tls_server(wire)
    first = _start(wire, configured)
    _speak(wire)
    _speak(wire)
    saved = configured.state / "state.json"
    until(lambda: saved.exists() and b'"count":2' in saved.read_bytes(), "the state of two flows")
    first.process.kill()
    first.process.wait(10)
    before = {record["uid"]: record for record in map(json.loads, first.output().splitlines()) if "uid" in record}

    second = _start(wire, configured)
    _speak(wire)
    records = second.stop()
    after = {finding["uid"]: finding for finding in _of(records, "finding")}
    assert set(before) <= set(after)
    for uid, finding in before.items():
        assert after[uid]["first_seen"] == finding["first_seen"]
        assert after[uid]["count"] == 3
    assert _of(records, "certificate") == []
    assert sum(rollup["findings"]["opened"] for rollup in _of(records, "rollup")) == 0
    assert sum(rollup["observations"]["new"] for rollup in _of(records, "rollup")) == 0
    assert records[0]["boot_id"] != json.loads(first.output().splitlines()[0])["boot_id"]


def test_a_damaged_state_is_set_aside_and_said(wire: Wire, configured: Configured) -> None:
    for name in ("state.json", "dns.state"):
        (configured.state / name).write_bytes(b'{"version":1,"find')
    agent = _start(wire, configured)
    agent.stop()
    assert agent.errors().count("event=state_damaged") == 2
    assert sorted(path.name for path in configured.state.iterdir()) == [
        "dns.state",
        "dns.state.damaged",
        "state.json",
        "state.json.damaged",
    ]
    assert json.loads((configured.state / "state.json").read_bytes())["version"] == 1


def test_a_full_disk_is_said_and_survived(wire: Wire, configured: Configured) -> None:
    run("mount", "-t", "tmpfs", "-o", f"size=64k,uid={NOBODY},gid={NOBODY}", "none", str(configured.state))
    try:
        agent = _start(wire, configured)
        until(lambda: "event=state_unsaved" in agent.errors(), "a word on the full disk")
        wire.talk("/usr/bin/python3", "-c", SEND, "3", SERVER)
        records = agent.stop()
        assert _of(records, "health")[-1]["events"]["state_unsaved"] >= 1
        assert sum(rollup["packets"] for rollup in _of(records, "rollup")) >= 3
        assert not list(configured.state.glob("*.part"))
    finally:
        run("umount", str(configured.state))


def test_a_new_finding_does_not_wait_for_the_interval(wire: Wire, configured: Configured) -> None:
    _tls_server(wire)
    configured.path.write_text(
        configured.path.read_text().replace('[rollup]\ninterval = "1s"', '[rollup]\ninterval = "1h"')
    )
    agent = _start(wire, configured)
    _speak(wire)
    until(lambda: b'"check":"certificate.chain"' in agent.output(), "a finding before the hour is over")
    _speak(wire)
    records = agent.stop()
    rollup = _of(records, "rollup")
    assert len(rollup) == 1, "the one at the end"
    findings = _of(records, "finding")
    opened = {finding["uid"] for finding in findings}
    assert (rollup[0]["findings"]["opened"], set(rollup[0]["findings"]["opened_uids"])) == (len(opened), opened)
    told: dict[str, list[int]] = {}
    for finding in findings:
        if finding["check"] == "certificate.chain":
            told.setdefault(finding["uid"], []).append(finding["count"])
    assert all(counts == [1, 2] for counts in told.values()), "at once, and at the end with the whole count"


def test_metrics_and_counters_on_demand(wire: Wire, configured: Configured) -> None:
    configured.write('[health]\nmetrics = "127.0.0.1:9464"\ninterval = "1s"\n')
    agent = _start(wire, configured)
    wire.talk("/usr/bin/python3", "-c", SEND, "5", SERVER)

    def scraped() -> str:
        fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/metrics').read().decode())"
        return run("ip", "netns", "exec", wire.server, "/usr/bin/python3", "-c", fetch).stdout

    counted = re.compile(r"^transitproof_packets_total (\d+)$", re.MULTILINE)
    until(lambda: int(counted.findall(scraped())[0]) >= 5, "five packets")
    agent.process.send_signal(signal.SIGUSR1)
    until(lambda: "event=counters" in agent.errors(), "the counters")
    outside = subprocess.run(
        [
            "ip",
            "netns",
            "exec",
            wire.client,
            "/usr/bin/python3",
            "-c",
            f"import socket; socket.create_connection(('{SERVER}', 9464), 2)",
        ],
        check=False,
        capture_output=True,
    )
    assert outside.returncode != 0, "only the loopback is served"
    agent.stop()


def test_state_that_cannot_be_read_is_no_missing_right(wire: Wire, configured: Configured) -> None:
    Path(configured.state / "state.json").write_text("{}")
    (configured.state / "state.json").chmod(0o600)
    agent = wire.agent("--config", str(configured.path))
    assert agent.process.wait(15) == 2
    assert "state.json" in agent.errors()


def test_the_packets_behind_findings_are_kept(wire: Wire, configured: Configured) -> None:
    _tls_server(wire)
    kept = configured.state / "findings.pcapng"
    configured.write()
    configured.path.write_text(configured.path.read_text().replace("[state]", f'write = "{kept}"\n[state]'))
    agent = _start(wire, configured)
    wire.talk("/usr/bin/python3", "-c", SEND, "500", SERVER)
    _speak(wire)
    records = agent.stop()
    uids = {finding["uid"] for finding in _of(records, "finding") if finding["evidence"]["frames"]}
    with kept.open("rb") as file:
        packets = list(dpkt.pcapng.Reader(file))
    assert uids
    assert {uid for uid in uids if uid.encode() in kept.read_bytes()} == uids
    assert len(packets) < 100, "the flows behind findings, not all"
    assert _of(records, "health")[-1]["events"]["packets_written"] == len(packets)
    # What was kept leads to the same verdicts about the session.
    again = list(probe.replay(kept))
    assert {record["check"] for record in again if record["type"] == "finding"} >= {"certificate.chain"}


def test_a_hidden_certificate_is_asked_for_as_the_client_did(wire: Wire, configured: Configured) -> None:
    told = wire.folder / "server.out"
    _tls_server(wire, "-tls1_3", "-alpn", "h2,http/1.1", told=told)
    configured.write(
        f'[reprobe]\nnetworks = ["10.77.0.0/24"]\n[[host.certificates]]\nfile = "{wire.folder}/absent.pem"\n'
    )
    agent = _start(wire, configured)
    _speak(wire, "-alpn", "http/1.1,h2")
    until(lambda: b'"class":"reprobed"' in agent.output(), "what the server sends to the agent")
    found = [one for one in _of(agent.stop(), "finding") if one["evidence"]["class"] == "reprobed"]
    assert {(one["endpoint"], one["name"]) for one in found} == {(f"{SERVER}:4433/tcp", "live.example")}
    observed = [one["observed"] for one in found]
    assert "self_signed" in {one.get("reason") for one in observed}
    assert {one["flight"] for one in observed} == {"fits"}
    asked = [line for line in told.read_text().splitlines() if line.startswith("ALPN protocols advertised")]
    assert len(asked) == 2
    assert len(set(asked)) == 1
    assert agent.errors().count("absent.pem: no such file or directory") == 1

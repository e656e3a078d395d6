"""`transitproof gateway` where a gateway is: strongSwan's own word, and the unit beside the agent under systemd."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import probe

from .manager import UNIT, booted, missing
from .wire import ROOT, laid, until

MAKE: Final = Path(__file__).parents[1] / "pcaps" / "make"
HELPER: Final = "transitproof-gateway.service"
STATE: Final = "/run/transitproof-gateway/state.json"
POLICY: Final = "xfrm policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir out tmpl src 10.77.0.2 dst 10.77.0.1 proto esp"
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin"
_PROGRAMS: Final = ("charon-systemd", "swanctl", "ip", "ping", "tshark", "ethtool")
_LACKING: Final = [program for program in _PROGRAMS if shutil.which(program, path=_PATH) is None]
WHY_NOT: Final = missing()


@pytest.mark.skipif(os.geteuid() != 0 or bool(_LACKING), reason=f"needs root and {', '.join(_LACKING or _PROGRAMS)}")
def test_ike_sas_as_strongswan_says_them(tmp_path: Path) -> None:
    """In a process of its own: the scripts that make captures are no package."""
    script = tmp_path / "ask.py"
    script.write_text(
        "import sys, json\n"
        f"sys.path[:0] = [{str(MAKE)!r}, {str(ROOT)!r}]\n"
        "from types import SimpleNamespace\n"
        "from ipsec import Negotiation, peers\n"
        "from lab import Lab\n"
        "from probe.gateway.vici import ask\n"
        "import msgspec\n"
        "offer = Negotiation('aes256-sha256-curve25519', 'aes256gcm16')\n"
        "with Lab() as lab, peers(SimpleNamespace(lab=lab), offer) as peer:\n"
        "    peer.swanctl('--initiate', '--child', 'net')\n"
        "    said = peer.swanctl('--list-sas')\n"
        "    found = msgspec.to_builtins(ask(str(peer.directory / 'vici'), 0).ike_sas)\n"
        "print(json.dumps([said, found]))\n"
    )
    said, [found] = json.loads(_run(script))
    assert (found["version"], found["name"]) == (2, "lab")
    assert {found["initiator_spi"], found["responder_spi"]} <= {word.split("_")[0] for word in said.split()}
    assert f"{found['local']}[" in said
    assert f"{found['remote']}[" in said
    # strongSwan's list: AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519
    line = next(line.strip() for line in said.splitlines() if "/PRF_" in line)
    assert found["encr"].removeprefix("ENCR_") + f"-{found['key_length']}" == line.split("/")[0]
    assert found["integ"].removeprefix("AUTH_") == line.split("/")[1]
    assert found["prf"] in line.split("/")
    assert found["ke"] == line.split("/")[-1].replace("_", "").lower()


def _run(script: Path, *arguments: str) -> str:
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


_CHILDREN: Final = """esp_proposals = aes256gcm16 }
  trapped { local_ts = 203.0.113.0/25
    remote_ts = 10.8.0.0/16
    start_action = trap
  }
  shunt { local_ts = 203.0.113.0/25
    remote_ts = 203.0.113.129/32[tcp/22]
    mode = pass
    start_action = trap
  }
  nope { local_ts = 203.0.113.0/25
    remote_ts = 10.9.0.0/16
    mode = drop
    start_action = trap
"""


@pytest.mark.skipif(os.geteuid() != 0 or bool(_LACKING), reason=f"needs root and {', '.join(_LACKING or _PROGRAMS)}")
def test_strongswan_alone_is_enough(tmp_path: Path) -> None:
    """Without CAP_NET_ADMIN: child SAs against the wire, what passes, what nothing holds back."""
    script = tmp_path / "ask.py"
    script.write_text(
        "import sys, json, subprocess, threading, time\n"
        f"sys.path[:0] = [{str(MAKE)!r}, {str(ROOT)!r}]\n"
        "from pathlib import Path\n"
        "from types import SimpleNamespace\n"
        "from ipsec import Negotiation, peers, ping\n"
        "from lab import Lab\n"
        f"out = Path({str(tmp_path)!r})\n"
        f"offer = Negotiation('aes256-sha256-curve25519', 'aes256gcm16', child_more={_CHILDREN!r})\n"
        "with Lab() as lab, peers(SimpleNamespace(lab=lab), offer) as peer:\n"
        "    peer.swanctl('--initiate', '--child', 'net')\n"
        "    with lab.capture(out / 'x.pcap'):\n"
        "        echoes = threading.Thread(target=ping, args=(SimpleNamespace(lab=lab), 40, 0.2))\n"
        "        echoes.start()\n"
        "        time.sleep(4)\n"
        "        drop = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']\n"
        f"        ask = ['env', 'PYTHONPATH={ROOT}', *drop, {sys.executable!r}, '-m', 'probe', 'gateway']\n"
        "        ask += ['--no-kernel', '--vici', str(peer.directory / 'vici'), '-o', str(out / 'state.json')]\n"
        "        lab.call('client', ask)\n"
        "        echoes.join()\n"
        "    print(json.dumps([peer.swanctl('--list-sas'), peer.swanctl('--list-pols')]))\n"
    )
    said, _ = json.loads(_run(script))
    state = json.loads((tmp_path / "state.json").read_bytes())
    assert state["asked"] == ["strongswan"]
    for association in state["associations"]:
        assert f"{association['spi']:08x}" in said
        assert (association["encr"], association["key_length"]) == ("ENCR_AES_GCM_16", 256)
    assert len(state["associations"]) == 2

    def findings() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for record in probe.replay(tmp_path / "x.pcap", gateway=tmp_path / "state.json"):
            if record.get("check", "").startswith("ipsec."):
                found.setdefault(record["check"], []).append(record["title"])
        return {check: sorted(titles) for check, titles in found.items()}

    through = "203.0.113.0/25 to 203.0.113.129/32 (out, in part)"
    back = "203.0.113.129/32 to 203.0.113.0/25 (in, in part)"
    outside = "203.0.113.128/25 to 203.0.113.0/25 (in)"
    inside = "203.0.113.0/25 to 203.0.113.128/25 (out)"
    assert findings() == {
        "ipsec.bypass": [
            f"Nothing holds {inside} back when its child SA is gone",
            f"Policy lets {through} pass unprotected, before the one that protects {inside}",
            f"Policy lets {back} pass unprotected, before the one that protects {outside}",
        ]
    }
    state["associations"] = state["associations"][:1]
    (tmp_path / "state.json").write_text(json.dumps(state))
    [unknown] = findings()["ipsec.association"]
    assert unknown.endswith("under an association that the gateway does not know")


@pytest.mark.skipif(os.geteuid() != 0 or bool(_LACKING), reason=f"needs root and {', '.join(_LACKING or _PROGRAMS)}")
def test_the_order_of_policies_is_that_of_the_kernel(tmp_path: Path) -> None:
    """As strongSwan installs them: what passes first, traps, what is dropped last."""
    script = tmp_path / "ask.py"
    script.write_text(
        "import sys, json, msgspec\n"
        f"sys.path[:0] = [{str(MAKE)!r}, {str(ROOT)!r}]\n"
        "from types import SimpleNamespace\n"
        "from ipsec import Negotiation, Peer\n"
        "from lab import Lab\n"
        "from probe.gateway.vici import ask\n"
        "class Kernel(Negotiation):\n"
        "    def daemon(self, directory, side):\n"
        "        return super().daemon(directory, side).replace(' kernel-libipsec', '', 1)\n"
        f"offer = Kernel('aes256-sha256-curve25519', 'aes256gcm16', child_more={_CHILDREN!r})\n"
        "with Lab() as lab:\n"
        "    peer = Peer(SimpleNamespace(lab=lab), 'client')\n"
        "    with peer.running(offer):\n"
        f"        command = ['env', 'PYTHONPATH={ROOT}', {sys.executable!r}, '-m', 'probe', 'gateway']\n"
        "        kernel = json.loads(lab.call('client', command))['policies']\n"
        "        print(json.dumps([kernel, msgspec.to_builtins(ask(str(peer.directory / 'vici'), 0).policies)]))\n"
    )
    kernel, said = json.loads(_run(script))

    def ordered(policies: list[dict[str, object]]) -> list[tuple[object, ...]]:
        outward = [policy for policy in policies if policy["direction"] == "out"]
        outward.sort(key=lambda policy: policy.get("priority", 0))
        return [
            tuple(policy.get(key) for key in ("src", "dst", "action", "narrowed", "transforms")) for policy in outward
        ]

    assert len(ordered(kernel)) == 3
    assert ordered(kernel) == ordered(said)


def test_again_and_again_until_it_is_told_to_stop(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for a namespace")
    path = tmp_path / "state.json"
    command = ["unshare", "-n", sys.executable, "-m", "probe", "gateway", "--every", "1s", "-o", str(path)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        until(path.exists, "a state")
        first = json.loads(path.read_bytes())
        until(lambda: json.loads(path.read_bytes())["time"] > first["time"], "another state")
        assert path.stat().st_mode & 0o777 == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert [file.name for file in tmp_path.iterdir()] == [path.name]
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait(20)


@pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")
def test_the_right_is_with_the_helper_and_its_word_with_the_agent() -> None:
    with laid() as wire, booted(wire) as manager:
        subprocess.run(["ip", "-n", wire.server, *POLICY.split()], check=True, timeout=20)
        manager.write("/etc/transitproof/transitproof.toml", f'[host]\ngateway = "{STATE}"\n')
        manager.write(f"/etc/systemd/system/{HELPER}", (ROOT / "systemd" / HELPER).read_text())
        manager.run("systemctl", "daemon-reload")
        started = manager.run("systemctl", "start", HELPER, UNIT)
        assert started.returncode == 0, started.stderr + manager.journal()
        until(lambda: manager.run("cat", STATE).stdout.endswith("}\n"), "a state")
        state = json.loads(manager.run("cat", STATE).stdout)
        assert [found["transforms"] for found in state["policies"]] == [["esp"]]
        pid = manager.run("systemctl", "show", HELPER, "--property=MainPID", "--value").stdout.strip()
        [helper] = manager.status(pid)
        assert int(helper["CapEff"], 16) == 1 << 12, "CAP_NET_ADMIN"
        agent = manager.status(manager.show("MainPID"))[0]
        assert (int(agent["CapEff"], 16), agent["Uid"]) == (0, helper["Uid"])
        assert manager.run("setpriv", f"--reuid={agent['Uid'].split()[0]}", "--clear-groups", "cat", STATE).stdout
        assert "gateway_unread" not in manager.journal()

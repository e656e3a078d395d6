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
        "from probe.gateway.vici import ike_sas\n"
        "import msgspec\n"
        "offer = Negotiation('aes256-sha256-curve25519', 'aes256gcm16')\n"
        "with Lab() as lab, peers(SimpleNamespace(lab=lab), offer) as peer:\n"
        "    peer.swanctl('--initiate', '--child', 'net')\n"
        "    said = peer.swanctl('--list-sas')\n"
        "    found = msgspec.to_builtins(ike_sas(str(peer.directory / 'vici')))\n"
        "print(json.dumps([said, found]))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said, [found] = json.loads(done.stdout)
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

"""strongSwan at both ends of a wire, now: what is recorded must be judged as the manifest of the captures says it is.

The scenarios are those of tests/pcaps/make, each played anew: addresses and names are the lab's, keys and SPIs are not.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

import probe

MAKE: Final = Path(__file__).parents[1] / "pcaps" / "make"
PLAYED: Final = tuple(
    f"ipsec/{name}.pcap"
    for name in ("v2_chacha", "v2_ecdsa", "v2_null", "v2_wrong_psk", "v2_child_rekey", "v1_main_rsa")
)
_PROGRAMS: Final = ("charon-systemd", "swanctl", "tcpdump", "tshark", "ip", "ethtool", "ping")
_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin"
_MISSING: Final = [program for program in _PROGRAMS if shutil.which(program, path=_PATH) is None]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or bool(_MISSING) or not Path("/dev/net/tun").exists(),
    reason=f"needs root, /dev/net/tun and {', '.join(_MISSING or _PROGRAMS)}",
)

IDENTITY: Final = ("transport", "src_ip", "dst_ip", "dst_port")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    """Each scenario once: its capture, and the flows that it must have."""
    folder = tmp_path_factory.mktemp("played")
    command = [sys.executable, str(MAKE), "--into", str(folder), *PLAYED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = tomllib.loads((folder / "manifest.toml").read_text())["file"]
    return {entry["name"]: (folder / entry["name"], entry["flow"]) for entry in entries}


def _holds(expected: Any, found: Any) -> bool:
    """Of tables only the named members; a number where there is a list is its length."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(_holds(value, found.get(key)) for key, value in expected.items())
    return expected == (len(found) if isinstance(expected, int) and isinstance(found, list) else found)


@pytest.mark.parametrize("name", PLAYED)
def test_what_was_played_is_said(played: dict[str, tuple[Path, Any]], name: str) -> None:
    path, flows = played[name]
    records = list(probe.replay(path))
    left = [record for record in records if record["type"] == "flow"]
    for expected in flows:
        wanted = {key: expected[key] for key in IDENTITY if key in expected} | {"tunnel": expected.get("tunnel")}
        flow = next(flow for flow in left if all(flow.get(key) == value for key, value in wanted.items()))
        left.remove(flow)
        for area in ("class", "protocol", "ike", "esp"):
            assert area not in expected or _holds(expected[area], flow.get(area)), (expected[area], flow.get(area))
        if "findings" in expected:
            noted = {
                record["check"]
                for record in records
                if record["type"] == "finding"
                and record["status"] in ("warn", "fail")
                and flow["community_id"] in record["evidence"]["flows"]
            }
            assert noted == {finding["check"] for finding in expected["findings"]}
    assert not left
    [tunnel] = [record for record in records if record["type"] == "tunnel"]
    assert tunnel["ike"]["chosen"] == next(flow["ike"]["chosen"] for flow in records if "chosen" in flow.get("ike", {}))

"""`make demo`: the whole house comes up, shows what it found, and leaves nothing behind."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "scripts" / "demo"


def _left(folder: Path) -> list[str]:
    """Files and processes (by a path in their command line) that are still there."""
    found = [str(path) for path in folder.iterdir()]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"])
def test_it_shows_what_it_found_and_ends(tmp_path: Path, broker: str) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "DEMO_EXIT": "1"}
    if broker == "amqtt":
        pytest.importorskip("amqtt", reason="PyPI package amqtt is not installed")
        environment["DEMO_BROKER"] = "amqtt"
    done = subprocess.run(
        [sys.executable, str(DEMO)], env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "of bytes protected" in done.stdout
    assert "probe fra1/gateway is up, 0 reports missing" in done.stdout
    assert "probe office/mirror is up, 0 reports missing" in done.stdout
    assert "sent in the clear" in done.stdout
    assert "alice" in done.stdout
    assert done.stderr == ""
    assert _left(tmp_path) == []


def test_it_stays_at_a_terminal_until_ctrl_c(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "DEMO_EXIT"} | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, str(DEMO)], env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        said = b""
        end = time.monotonic() + 60
        try:
            while b"Ctrl-C ends" not in said:
                assert time.monotonic() < end, said
                said += os.read(ours, 4096)
            assert b"http://127.0.0.1:" in said
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(40) == 0
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(10)
    os.close(ours)
    assert _left(tmp_path) == []

"""A real systemd in namespaces of its own, with the shipped unit installed; and why that may be impossible here."""

import contextlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .wire import ROOT, Wire, until

UNIT: Final = "transitproof.service"
BOOT: Final = Path(__file__).with_name("boot.sh")
_PROGRAMS: Final = ("unshare", "nsenter", "systemctl", "pivot_root", "ip")


def cgroups() -> Path | None:
    """Where cgroup v2 is mounted."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return next((Path(point) for _, point, kind, *_ in mounts if kind == "cgroup2"), None)


def missing() -> str | None:
    """What of it is missing here."""
    if os.geteuid() != 0:
        return "needs root"
    if programs := [program for program in _PROGRAMS if shutil.which(program) is None]:
        return f"needs {', '.join(programs)}"
    if not Path("/lib/systemd/systemd").exists():
        return "needs systemd"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "needs overlayfs"
    group = cgroups()
    if group is None or not os.access(group / "cgroup.procs", os.W_OK):
        return "needs cgroup v2"
    ours = [str(ROOT), sysconfig.get_path("purelib")]
    command = ["/usr/bin/python3", "-c", "import probe.agent, probe._parsers, cryptography.x509"]
    found = subprocess.run(
        command, check=False, capture_output=True, env={"PYTHONPATH": os.pathsep.join(ours)}, cwd="/"
    )
    return None if found.returncode == 0 else "needs a /usr/bin/python3 that can run this project"


class Manager:
    """systemd, PID 1 of its namespaces, in the network of a wire's server."""

    def __init__(self, wire: Wire) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tp-systemd-"))
        root = cgroups()
        assert root is not None
        self._group = root / f"transitproof-{os.getpid()}"
        self._group.mkdir()
        environment = {
            "PATH": os.environ["PATH"],
            "WORK": str(self._folder),
            "SOURCE": str(ROOT),
            "SITE": sysconfig.get_path("purelib"),
        }
        # Into the cgroup first, which is then the root of its own view; `ip netns exec` would hide it by a new /sys.
        spaces = "--cgroup --mount --uts --ipc --pid --fork --kill-child"
        command = f"echo $$ > {self._group}/cgroup.procs && exec unshare {spaces} bash {BOOT}"
        inside = ["nsenter", f"--net=/run/netns/{wire.server}", "bash", "-c", command]
        self._console = self._folder.with_suffix(".log")
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                inside, env=environment, stdout=console, stderr=console, stdin=subprocess.DEVNULL
            )
        wire.processes.append(self._process)
        until(self._is_up, f"the start of systemd ({self._console.read_text()})", 30)

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self._console.read_text()
        return self._pid() is not None and self.run("systemctl", "is-active", "bench.target").stdout == "active\n"

    def _pid(self) -> str | None:
        """Of its PID 1 as seen from here: the child of unshare."""
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
            if children and Path(f"/proc/{children[0]}/comm").read_text() == "systemd\n":
                return children[0]
        return None

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """One command inside."""
        pid = self._pid()
        assert pid is not None, self._console.read_text()
        inside = ("nsenter", "--target", pid, "--mount", "--uts", "--ipc", "--pid", "--cgroup", *command)
        return subprocess.run(inside, check=False, capture_output=True, text=True, timeout=60)

    def write(self, path: str, text: str) -> None:
        """A file inside."""
        pid = self._pid()
        file = Path(f"/proc/{pid}/root{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def show(self, name: str) -> str:
        """A property of the unit."""
        return self.run("systemctl", "show", UNIT, f"--property={name}", "--value").stdout.strip()

    def journal(self) -> str:
        """What the unit said."""
        return self.run("journalctl", "--unit", UNIT, "--output=cat", "--no-pager").stdout

    def status(self, pid: str) -> list[dict[str, str]]:
        """/proc/PID/status of every thread of a process inside."""
        shown = self.run("sh", "-c", f"cat /proc/{pid}/task/*/status").stdout
        threads: list[dict[str, str]] = []
        for line in shown.splitlines():
            name, _, value = line.partition(":")
            if name == "Name":
                threads.append({})
            threads[-1][name] = value.strip()
        return threads

    def close(self) -> None:
        """End what is in its cgroup, and nothing else."""
        (self._group / "cgroup.kill").write_text("1")
        self._process.wait(20)
        groups = sorted(self._group.rglob("*/"), key=lambda path: len(path.parts), reverse=True)
        for group in [*(path for path in groups if path.is_dir()), self._group]:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    group.rmdir()
                if not group.exists():
                    break
                time.sleep(0.1)
        self._console.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def booted(wire: Wire) -> Iterator[Manager]:
    """systemd, for a while."""
    manager = Manager(wire)
    try:
        yield manager
    finally:
        manager.close()

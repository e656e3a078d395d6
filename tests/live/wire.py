"""Two network namespaces with a wire between them, the agent at one end, and the service manager's side of it.

Everything is made and removed by the test. Only root can do that; others skip.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import probe
from probe import _parsers

ROOT: Final = Path(probe.__file__).parents[1]
CLIENT, SERVER = "10.77.0.1", "10.77.0.2"
NOBODY: Final = "65534"
INTERFACE: Final = "e0"

_PROGRAMS: Final = ("ip", "tcpdump", "setpriv", "openssl")
_MISSING: Final = [program for program in _PROGRAMS if shutil.which(program) is None]
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or bool(_MISSING), reason=f"needs root and {', '.join(_MISSING or _PROGRAMS)}"
)


def run(*command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20, **options)


def until(true: Any, what: str, seconds: float = 15) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"{what} did not happen in {seconds} s"
        time.sleep(0.02)


def bypass_permitted() -> bool:
    """Whether this kernel lets root load a socket filter with a map."""
    try:
        _parsers.Live(["lo"], ring_bytes=2 << 20).bypass()
    except OSError:
        return False
    return True


class Wire:
    """The namespaces `client` and `server`; processes started here end with it."""

    def __init__(self) -> None:
        self.client, self.server = f"tpc{os.getpid()}", f"tps{os.getpid()}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.agents: list[Agent] = []
        self.folder = Path(tempfile.mkdtemp(prefix="tp-live-"))
        self.folder.chmod(0o755)

    def up(self) -> None:
        for name in (self.client, self.server):
            run("ip", "netns", "add", name)
            run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            run("ip", "-n", name, "link", "set", "lo", "up")
        self.join()

    def join(self) -> None:
        """Lay the wire."""
        run(*f"ip link add {INTERFACE} netns {self.client} type veth peer name {INTERFACE} netns {self.server}".split())
        for name, address in ((self.client, CLIENT), (self.server, SERVER)):
            run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", INTERFACE)
            run("ip", "-n", name, "link", "set", INTERFACE, "up")

    def down(self) -> None:
        for agent in self.agents:
            agent.close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(10)
            if process.stdin:
                process.stdin.close()
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, where: str, *command: str, **options: Any) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(["ip", "netns", "exec", where, *command], **options)
        self.processes.append(process)
        return process

    def talk(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """One client command, to its end."""
        return run("ip", "netns", "exec", self.client, *command, **options)

    def listens(self, port: int, *, udp: bool = False) -> bool:
        """Whether a server has this port, in IPv4 or for both families."""
        transport, state = ("udp", "07") if udp else ("tcp", "0A")  # include/net/tcp_states.h
        tables = f"/proc/net/{transport}", f"/proc/net/{transport}6"
        shown = run("ip", "netns", "exec", self.server, "cat", *tables).stdout
        return any(f":{port:04X} {'0' * width}:0000 {state}" in shown for width in (8, 32))

    def tcpdump(self, path: Path) -> "subprocess.Popen[bytes]":
        """Record the server's end; gives the process once it listens."""
        told = self.folder / "tcpdump.err"
        with told.open("wb") as stderr:
            process = self.start(
                self.server,
                *f"tcpdump --immediate-mode -U -Z root -i {INTERFACE} --time-stamp-precision=nano -w {path}".split(),
                stderr=stderr,
            )
        until(lambda: b"listening on" in told.read_bytes(), "tcpdump's start")
        return process

    def recorded(self, tcpdump: "subprocess.Popen[bytes]") -> None:
        """End a recording once it holds what was sent."""
        time.sleep(0.3)
        tcpdump.send_signal(signal.SIGTERM)
        tcpdump.wait(10)

    def agent(self, *arguments: str, rights: str = "-all,+net_raw", modules: Path | None = None) -> "Agent":
        """`modules`: a folder that its interpreter looks into first."""
        self.agents.append(Agent(self, arguments, rights, modules))
        return self.agents[-1]


class Agent:
    """`transitproof run` as nobody, with the service manager's socket."""

    def __init__(self, wire: Wire, arguments: tuple[str, ...], rights: str, modules: Path | None) -> None:
        self.path = str(wire.folder / f"notify{len(wire.processes)}")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(self.path)
        self._notify.settimeout(0.1)
        os.chmod(self.path, 0o666)  # noqa: PTH101
        self.told: list[str] = []
        number = len(wire.agents)
        self._out, self._err = wire.folder / f"out{number}", wire.folder / f"err{number}"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(str(entry) for entry in (modules, ROOT, *sys.path) if entry),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NOTIFY_SOCKET": self.path,
            "WATCHDOG_USEC": "400000",
        }
        user = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --bounding-set {rights}"
        given = f"--inh-caps {rights} --ambient-caps {rights} --no-new-privs"
        with self._out.open("wb") as stdout, self._err.open("wb") as stderr:
            command = (*user.split(), *given.split(), python(), "-m", "probe", "run", *arguments)
            self.process = wire.start(wire.server, *command, stdout=stdout, stderr=stderr, env=environment, cwd="/")

    def hears(self, state: str, seconds: float = 15) -> None:
        """Wait until the agent told the service manager this from now on."""
        self.told.clear()
        until(lambda: any(state in told for told in self._listen()), f"{state} ({self.errors()})", seconds)

    def _listen(self) -> list[str]:
        with contextlib.suppress(TimeoutError):
            self.told.append(self._notify.recv(4096).decode())
        return self.told

    def stop(self) -> list[dict[str, Any]]:
        """SIGTERM, and the records."""
        self.process.send_signal(signal.SIGTERM)
        self.hears("STOPPING=1")
        assert self.process.wait(15) == 0, self.errors()
        return [json.loads(line) for line in self.output().splitlines()]

    def output(self) -> bytes:
        """What it wrote so far."""
        return self._out.read_bytes()

    def close(self) -> None:
        self._notify.close()

    def errors(self) -> str:
        return self._err.read_text()

    def filters(self) -> set[str]:
        """Of its threads: under how many filters of system calls each is."""
        found = set()
        for status in Path(f"/proc/{self.process.pid}/task").glob("*/status"):
            lines = status.read_text().splitlines()
            found |= {line.split()[1] for line in lines if line.startswith("Seccomp_filters")}
        return found

    def capabilities(self) -> set[str]:
        """Of all of its threads, effective, permitted, inheritable and ambient ones."""
        found = set()
        for status in Path(f"/proc/{self.process.pid}/task").glob("*/status"):
            lines = status.read_text().splitlines()
            found |= {line.split()[1] for line in lines if line.startswith(("CapEff", "CapPrm", "CapInh", "CapAmb"))}
        return found


def python() -> str:
    """An interpreter that nobody can run and that has what the agent needs."""
    for path in (sys.executable, "/usr/bin/python3"):
        command = [
            "setpriv",
            "--reuid",
            NOBODY,
            "--regid",
            NOBODY,
            "--clear-groups",
            path,
            "-c",
            "import probe.service, probe._parsers, cryptography.x509",
        ]
        environment = {
            "PYTHONPATH": os.pathsep.join((str(ROOT), *filter(None, sys.path))),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if subprocess.run(command, check=False, capture_output=True, env=environment, cwd="/").returncode == 0:
            return path
    pytest.skip("no Python here that another user can run with this project")


@contextlib.contextmanager
def laid() -> Iterator[Wire]:
    wire = Wire()
    try:
        wire.up()
        yield wire
    finally:
        wire.down()

"""Two network namespaces joined by a veth pair, and the programs that run in them.

Everything a scenario starts is started here and ended here, by its own process group. Nothing in this file
knows about a protocol. Readiness of a server is read from the kernel's socket tables (proc(5)), never by
connecting: a probing connection would end up in the capture.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Documentation addresses (RFC 5737, RFC 3849): several of each side, so that the actors of one capture differ.
CLIENTS = [f"192.0.2.{host}" for host in range(10, 30)]
SERVERS = [f"198.51.100.{host}" for host in range(10, 30)]
CLIENT_6, SERVER_6 = "2001:db8:1::10", "2001:db8:2::10"
INTERFACE = "wan0"
TCP_LISTEN = "0A"  # include/net/tcp_states.h
UDP_UNCONNECTED = "07"


class LabError(Exception):
    """A program did not do what the scenario told it to."""


def run(command: Sequence[str], *, stdin: str = "", check: bool = True, env: dict[str, str] | None = None) -> str:
    """Run to the end and return stdout and stderr together."""
    done = subprocess.run(
        command,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
        env=os.environ | (env or {}),
    )
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Poll until `condition` holds; a scenario that cannot go on must fail, not hang."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise LabError(f"timed out waiting for {what}")
        time.sleep(0.02)


def expect(output: str, *wanted: str) -> str:
    """Fail unless the program printed each of `wanted`: expectations rest on what programs said."""
    for text in wanted:
        if text not in output:
            raise LabError(f"{text!r} is not in the program's output:\n{output}")
    return output


class Program:
    """A running program in a process group of its own, with its output in a file."""

    def __init__(self, command: Sequence[str], log: Path, *, env: dict[str, str] | None = None) -> None:
        self.command = command
        self.log = log
        self._log_file: IO[bytes] = log.open("wb")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | (env or {}),
        )
        self.pid = self._process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def wait_for(self, text: str) -> None:
        """Wait until the program has printed `text`; say what it printed if it ended without."""

        def printed() -> bool:
            if text in self.output():
                return True
            if self._process.poll() is not None and text not in self.output():
                raise LabError(f"{' '.join(self.command)} ended before it printed {text!r}:\n{self.output()}")
            return False

        wait_until(printed, f"{text!r} from {self.command[0]}; its output:\n{self.output()}")

    def wait_listening(self, *ports: int, udp: bool = False) -> None:
        def listening() -> bool:
            if self._process.poll() is not None:
                raise LabError(f"{' '.join(self.command)} ended with {self._process.returncode}:\n{self.output()}")
            return set(ports) <= self._open_ports(udp)

        wait_until(listening, f"{' '.join(self.command)} on {ports}")

    def _open_ports(self, udp: bool) -> set[int]:
        """The ports that anyone in the program's namespace listens on; none if the program is about to end."""
        state = UDP_UNCONNECTED if udp else TCP_LISTEN
        found = set()
        for table in ("udp", "udp6") if udp else ("tcp", "tcp6"):
            try:
                lines = Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]
            except OSError:
                return set()
            rows = (line.split() for line in lines)
            found |= {int(columns[1].rsplit(":", 1)[1], 16) for columns in rows if columns[3] == state}
        return found

    def end_input(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def wait(self, seconds: float = 10.0) -> str:
        self._process.wait(seconds)
        return self.output()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the program and its children; its process group is its own pid."""
        with suppress(BrokenPipeError):
            self.end_input()
        for sign in (how, signal.SIGKILL):
            try:
                os.killpg(self.pid, sign)
                self._process.wait(3)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
            break
        self._process.wait(3)
        self._log_file.close()


class Lab:
    """The namespaces `client` and `server`; use as a context manager."""

    def __init__(self) -> None:
        self._names = {side: f"tp-{side}-{os.getpid()}" for side in ("client", "server")}
        self._stack = ExitStack()
        self._logs = 0
        self.directory = Path()

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="tp-lab-"))
        self.directory.chmod(0o755)  # postgres, mysql and others leave root and must reach their files
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _build(self) -> None:
        for name in self._names.values():
            run(["ip", "netns", "add", name])
            self._stack.callback(run, ["ip", "netns", "del", name], check=False)
        client, server = self._names["client"], self._names["server"]
        veth = ["type", "veth", "peer", "name", INTERFACE, "netns", server]
        run(["ip", "link", "add", INTERFACE, "netns", client, *veth])
        sides = {"client": (CLIENTS, CLIENT_6, SERVERS, SERVER_6), "server": (SERVERS, SERVER_6, CLIENTS, CLIENT_6)}
        for side, (own, own6, peers, peer6) in sides.items():
            # No IPv6 neighbour noise, no rejection of asymmetric routes (IPsec tunnels).
            for setting in ("ipv4.conf.all.rp_filter=0", "ipv6.conf.all.accept_ra=0", "ipv6.conf.all.accept_dad=0"):
                self.call(side, ["sysctl", "-qw", f"net.{setting}"])
            # Checksums and segments as they would be on a wire, not as the kernel hands them to an offloading card.
            self.call(side, ["ethtool", "-K", INTERFACE, "tx", "off", "gso", "off", "tso", "off", "gro", "off"])
            self.call(side, ["ip", "link", "set", INTERFACE, "addrgenmode", "none"])
            for link in ("lo", INTERFACE):
                self.call(side, ["ip", "link", "set", link, "up"])
            for address in own:
                self.call(side, ["ip", "addr", "add", f"{address}/32", "dev", INTERFACE])
            self.call(side, ["ip", "addr", "add", f"{own6}/128", "dev", INTERFACE, "nodad"])
            network = peers[0].rsplit(".", 1)[0] + ".0/24"
            self.call(side, ["ip", "route", "add", network, "dev", INTERFACE, "src", own[0]])
            self.call(side, ["ip", "route", "add", f"{peer6}/128", "dev", INTERFACE])

    def inside(self, side: str, command: Sequence[str]) -> list[str]:
        """The command as it is to be run in a side's namespace, under a host name that may be published.

        A daemon run as root may delete what it takes for its own file, /dev/null too; a file that is a mount point
        cannot be deleted. The mount is private: `ip netns exec` gives the command a mount namespace of its own.
        """
        prepare = f"mount --bind /dev/null /dev/null && echo {side}.example.test > /proc/sys/kernel/hostname"
        return [
            "ip",
            "netns",
            "exec",
            self._names[side],
            "unshare",
            "--uts",
            "sh",
            "-c",
            f'{prepare} && exec "$@"',
            "sh",
            *command,
        ]

    def call(
        self,
        side: str,
        command: Sequence[str],
        *,
        stdin: str = "",
        check: bool = True,
        env: dict[str, str] | None = None,
    ) -> str:
        return run(self.inside(side, command), stdin=stdin, check=check, env=env)

    @contextmanager
    def program(self, side: str, command: Sequence[str], *, env: dict[str, str] | None = None) -> Iterator[Program]:
        """Run a program for the length of the block."""
        self._logs += 1
        started = Program(self.inside(side, command), self.directory / f"{self._logs}.log", env=env)
        try:
            yield started
        finally:
            started.stop()

    @contextmanager
    def server(
        self, command: Sequence[str], *ports: int, udp: bool = False, env: dict[str, str] | None = None
    ) -> Iterator[Program]:
        """Run a server on the server side and go on when it listens on `ports`."""
        with self.program("server", command, env=env) as started:
            started.wait_listening(*ports, udp=udp)
            yield started

    @contextmanager
    def capture(self, out: Path, bpf: str = "not arp and not icmp6 and not ip6 proto 0") -> Iterator[None]:
        """Record the client's interface while the block runs.

        Without --immediate-mode the kernel holds a block of packets back for up to a second and a short capture
        stays empty; the pause lets the last packets reach the file.
        """
        command = ["tcpdump", "--immediate-mode", "-U", "-Z", "root", "-n", "-s", "0", "-i", INTERFACE, "-w", str(out)]
        with self.program("client", [*command, bpf]) as tcpdump:
            tcpdump.wait_for("listening on")
            yield
            time.sleep(0.3)

    def scratch(self, name: str, text: str | None = None, *, everyone: bool = False) -> Path:
        """A path in the lab's temporary directory, with `text` written to it if given."""
        path = self.directory / name
        if text is not None:
            path.write_text(text)
            if everyone:
                path.chmod(0o644)
        return path

    def scratch_directory(self, name: str, *, mode: int = 0o755) -> Path:
        path = self.directory / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=mode)
        path.chmod(mode)
        return path

"""Sessions between `openssl s_server` and `openssl s_client`.

The client's printout is the ground truth of the TLS scenarios: a session that did not negotiate what it was
told to fails the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab import CLIENTS, SERVERS, Lab, LabError, Program, expect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pki import Files

# Debian's configuration file forbids what some scenarios need; the programs' own defaults apply without it.
PLAIN_OPENSSL = {"OPENSSL_CONF": "/dev/null"}
LEGACY = "DEFAULT:@SECLEVEL=0"


@dataclass(frozen=True)
class Session:
    """One s_server and one s_client run against it."""

    server: Files
    name: str = "www.example.test"
    port: int = 443
    server_options: Sequence[str] = ()
    client_options: Sequence[str] = ()
    wanted: Sequence[str] = field(default_factory=tuple)
    client_address: str = CLIENTS[0]
    server_address: str = SERVERS[0]
    root: Path | None = None
    complete: bool = True

    def server_command(self) -> list[str]:
        files = self.server
        command = ["openssl", "s_server", "-accept", f"{self.server_address}:{self.port}"]
        if "-listen" not in self.server_options:
            command.append("-rev")  # answer each line reversed; s_server does not offer it for DTLS
        command += ["-cert", str(files.certificate), "-key", str(files.key)]
        if files.above.stat().st_size:
            command += ["-cert_chain", str(files.above)]
        return [*command, *self.server_options]

    def client_command(self) -> list[str]:
        command = ["openssl", "s_client", "-connect", f"{self.server_address}:{self.port}", "-showcerts"]
        command += ["-bind", f"{self.client_address}:0", "-verify_hostname", self.name]
        if "-noservername" not in self.client_options:
            command += ["-servername", self.name]
        if self.root:
            command += ["-CAfile", str(self.root)]
        return [*command, *self.client_options]


def talk(client: Program) -> str:
    """Send a line, wait for it reversed, and close in an orderly way: s_client sends close_notify at the end."""
    client.wait_for("---\n")
    client.send("drawer\n")
    client.wait_for("reward")
    client.end_input()
    return client.wait()


def connect(lab: Lab, session: Session) -> str:
    """Run the client of a session whose server is running; return what it printed."""
    with lab.program("client", session.client_command(), env=PLAIN_OPENSSL) as client:
        output = talk(client) if session.complete else client.wait()
    return expect(output, *session.wanted)


def play(lab: Lab, session: Session) -> str:
    """Run server and client of a session; return what the client printed."""
    with lab.server(session.server_command(), session.port, env=PLAIN_OPENSSL):
        return connect(lab, session)


def certificates_in(output: str) -> int:
    """How many certificates s_client -showcerts printed."""
    count = output.count("-----BEGIN CERTIFICATE-----")
    # The leaf stands once in the chain and once again as "Server certificate".
    return count - 1 if "\nServer certificate\n-----BEGIN" in output else count


def require_certificates(output: str, count: int) -> None:
    if certificates_in(output) != count:
        raise LabError(f"the client printed {certificates_in(output)} certificates, not {count}:\n{output}")

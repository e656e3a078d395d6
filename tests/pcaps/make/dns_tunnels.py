"""Real tunnels through DNS: iodine and dns2tcp, client and server in their namespaces, with something to carry.

    python tests/pcaps/make/dns_tunnels.py        records tests/pcaps/tunnels (root; Debian packages iodine and dns2tcp)

The sessions are short and differ in their flow records from run to run, so these captures are in no manifest: what must
be found in them is in tests/test_dns_tunnels.py; tests/live plays such sessions in front of the agent.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab import SERVERS, Lab, expect

if TYPE_CHECKING:
    from collections.abc import Callable

ZONE: Final = "t.relay.example.com"
PASSWORD: Final = "example-password"
INSIDE: Final = "172.31.9.1"
PORT: Final = 8000
NEEDS: Final = ("iodine", "iodined", "dns2tcpc", "dns2tcpd")
FOLDER: Final = Path(__file__).resolve().parent.parent / "tunnels"


def page(lab: Lab) -> list[str]:
    """What serves a page of 3072 bytes on the server."""
    folder = lab.scratch_directory("page")
    (folder / "file").write_bytes(bytes(range(256)) * 12)
    return [sys.executable, "-m", "http.server", "-d", str(folder), str(PORT)]


def fetch(lab: Lab, where: str) -> None:
    """Gets the page on the client."""
    code = f"import urllib.request as r; print(len(r.urlopen('http://{where}/file', timeout=30).read()))"
    expect(lab.call("client", [sys.executable, "-c", code]), "3072")


def iodine(lab: Lab, kind: str) -> None:
    """A page through the tunnel; `kind` is the type of the records that answer."""
    serve = ["iodined", "-f", "-c", "-P", PASSWORD, f"{INSIDE}/24", ZONE]
    # -r: through DNS, though the server could be reached directly.
    connect = ["iodine", "-f", "-r", "-T", kind, "-I", "1", "-P", PASSWORD, SERVERS[0], ZONE]
    with lab.server(serve, 53, udp=True), lab.server(page(lab), PORT), lab.program("client", connect) as client:
        client.wait_for("Connection setup complete")
        fetch(lab, f"{INSIDE}:{PORT}")


def dns2tcp(lab: Lab) -> None:
    """A file over a TCP connection through the tunnel."""
    settings = lab.scratch(
        "dns2tcpd.conf",
        f"listen = {SERVERS[0]}\nport = 53\nuser = root\nchroot = {lab.directory}\ndomain = {ZONE}\n"
        f"key = {PASSWORD}\nresources = web:127.0.0.1:{PORT}\n",
    )
    connect = ["dns2tcpc", "-r", "web", "-z", ZONE, "-k", PASSWORD, "-l", "9000", SERVERS[0]]
    serve = ["dns2tcpd", "-F", "-d", "1", "-f", str(settings)]
    with lab.server(page(lab), PORT), lab.server(serve, 53, udp=True), lab.program("client", connect) as client:
        client.wait_listening(9000)
        fetch(lab, "127.0.0.1:9000")


SESSIONS: Final[dict[str, Callable[[Lab], None]]] = {
    "iodine_null.pcap": lambda lab: iodine(lab, "NULL"),
    "iodine_txt.pcap": lambda lab: iodine(lab, "TXT"),
    "iodine_cname.pcap": lambda lab: iodine(lab, "CNAME"),
    "dns2tcp.pcap": dns2tcp,
}


def record(name: str, out: Path) -> None:
    """Plays a session and records what the client sends and receives through port 53."""
    with Lab() as lab, lab.capture(out, "port 53"):
        SESSIONS[name](lab)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in SESSIONS:
        record(each, FOLDER / each)
        print(each, (FOLDER / each).stat().st_size)

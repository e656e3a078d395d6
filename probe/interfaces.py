"""`transitproof interfaces`: what can be captured on this host, and whether this user may."""

import os
import socket
from pathlib import Path
from typing import Final

_SYS: Final = Path("/sys/class/net")
_ARPHRD: Final = {"1": "ethernet", "772": "loopback"}  # linux/if_arp.h


def table(sys: Path = _SYS) -> list[str]:
    """A line for each: name, state, kind of link, MTU; `any` last."""
    lines = [f"{'INTERFACE':16} {'STATE':8} {'LINK':9} MTU"]
    for _, name in socket.if_nameindex():
        kind = _ARPHRD.get(_read(sys / name / "type"), "raw ip")  # read from the network layer on
        lines.append(f"{name:16} {_read(sys / name / 'operstate'):8} {kind:9} {_read(sys / name / 'mtu')}")
    return [*lines, f"{'any':16} {'':8} {'':9} all of them, also those that come later"]


def may_capture() -> bool:
    """Whether a packet socket can be opened."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        return False
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text().strip() if os.access(path, os.R_OK) else "?"
    except OSError:
        return "?"

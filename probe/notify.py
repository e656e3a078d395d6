"""sd_notify(3): what the service manager wants to know, in datagrams to $NOTIFY_SOCKET. Without one nothing is sent."""

import contextlib
import os
import socket
import time
from typing import Final

PATIENCE: Final = 0.5  # seconds for a manager whose queue is full: it must not stop the loop


def notify(*states: str) -> None:
    """Send `READY=1`, `STATUS=…` and the like; a manager that does not listen is no reason to fail."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # abstract namespace
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(PATIENCE)
        sender.sendto("\n".join(states).encode(), address)


def reloading() -> tuple[str, str]:
    """The states that announce a reload, with the time that Type=notify-reload asks for."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}"


def watchdog_interval() -> float | None:
    """Seconds between two signs of life, half of what the manager allows; None if it does not watch this process."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    if not limit.isdigit() or os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(limit) / 2_000_000

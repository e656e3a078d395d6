"""The rights of this process: dropped for good once the rings are open, and looked at afterwards (capabilities(7))."""

from pathlib import Path
from typing import Final

from probe.engine import load_core

REMEDY: Final = (
    "capturing needs CAP_NET_RAW: run the service with `systemctl start transitproof`, or this command with "
    "`sudo setpriv --reuid $(id -u) --regid $(id -g) --init-groups --inh-caps +net_raw --ambient-caps +net_raw`"
)
_SETS: Final = ("CapInh:", "CapPrm:", "CapEff:", "CapAmb:")


class RightsError(RuntimeError):
    """Rights that should be gone are still there."""


def drop() -> None:
    """Give up all capabilities. Raises RightsError unless every thread of this process is then without any."""
    try:
        load_core().drop_capabilities()
    except OSError as error:
        message = f"capabilities cannot be dropped: {error}"
        raise RightsError(message) from None
    if kept := held():
        message = f"capabilities were dropped, but the kernel still shows {', '.join(kept)}; nothing was captured"
        raise RightsError(message)


def confine() -> str | None:
    """Put this thread under a filter of system calls of its own; why it is not, where the kernel has none."""
    try:
        load_core().confine()
    except OSError as error:
        return error.strerror or str(error)
    return None


def held(task: Path = Path("/proc/self/task")) -> list[str]:
    """What the kernel says that the threads of this process may do: lines such as `CapEff: 0000000000002000`."""
    found = set()
    for status in task.glob("*/status"):
        words = (line.split() for line in status.read_text().splitlines())
        found |= {" ".join(pair) for pair in words if pair and pair[0] in _SETS and int(pair[1], 16)}
    return sorted(found)

"""`transitproof gateway`: reads what this gateway knows of its IPsec and hands it over without keys.

A program of its own, because reading needs CAP_NET_ADMIN: it never sees a packet, and who parses packets never has
that right. Once, to standard output; or again and again into a file, which is replaced as a whole.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from probe.gateway import netlink, vici
from probe.gateway.state import Holder, IkeSa, State, encode

REMEDY: Final = (
    "the kernel shows IPsec to CAP_NET_ADMIN only: run it as root, or as the service transitproof-gateway (docs/vpn.md)"
)
_PRIVATE: Final = 0o600


def state(socket: str | None, *, kernel: bool = True) -> State:
    """Now; strongSwan is asked at its socket. Raises OSError."""
    now = int(time.time())
    asked: tuple[Holder, ...] = ("kernel",) if kernel else ()
    associations = netlink.associations() if kernel else []
    policies = netlink.policies() if kernel else []
    ike_sas: list[IkeSa] = []
    if socket is not None:
        asked += ("strongswan",)
        said = vici.ask(socket, now)
        ike_sas = said.ike_sas
        known = {(one.dst, one.spi) for one in associations}
        associations += [one for one in said.associations if (one.dst, one.spi) not in known]
        policies += said.policies
    return State(
        time=now,
        addresses=tuple(netlink.addresses()),
        associations=tuple(associations),
        policies=tuple(policies),
        ike_sas=tuple(ike_sas),
        default=netlink.default() if kernel else {},
        asked=asked,
    )


def write(path: Path, line: bytes) -> None:
    """Replace a file as a whole. Raises OSError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(line)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def run(ask: Callable[[], State], every: float | None, path: str | None, say: Callable[[str], None]) -> int:
    """The command: what `ask` says, every so many seconds.

    Exit code: 0, 2 for what cannot be read or written, 4 without the right to."""
    stop = threading.Event()
    if every is not None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    failed = False
    while True:
        code = _once(ask, path, say if not failed else lambda _line: None)
        failed = code != 0
        if every is None or code == 4:
            return code
        if stop.wait(every):
            return 0


def _once(ask: Callable[[], State], path: str | None, say: Callable[[str], None]) -> int:
    try:
        line = encode(ask())
        if path is None:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
        else:
            write(Path(path), line)
    except PermissionError as error:
        say(f"{error.filename}: {(error.strerror or '').lower()}" if error.filename else REMEDY)
        return 4
    except OSError as error:
        say(str(error))
        return 2
    return 0

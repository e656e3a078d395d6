"""Questions over netlink (netlink(7)): the kernel's associations and policies, and this host's addresses. Never writes.

The kernel gives associations and policies to CAP_NET_ADMIN only.
"""

import ipaddress
import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from probe.gateway import xfrm
from probe.gateway.state import Association, Policy

_NETLINK_ROUTE, _NETLINK_XFRM = 0, 6
_DUMP: Final = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
_GET: Final = 0x5  # NLM_F_REQUEST | NLM_F_ACK: what is asked for, then an error of 0
_ERROR, _DONE = 2, 3
_GETADDR, _NEWADDR = 22, 20
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFADDRMSG: Final = 8
_DEFAULT_SIZE: Final = 3
_ROOM: Final = 1 << 16  # the kernel's dumps come in parts of at most 32 KiB
MAX_ENTRIES: Final = 100_000  # of one kind: twice the associations of a large concentrator
_TIMEOUT: Final = 10.0

T = TypeVar("T")


def associations() -> list[Association]:
    """What the kernel holds. Raises OSError; PermissionError without CAP_NET_ADMIN."""
    return _of(_NETLINK_XFRM, xfrm.GETSA, {xfrm.NEWSA: xfrm.association})


def policies() -> list[Policy]:
    """The same of policies, without those of single sockets."""
    return _of(_NETLINK_XFRM, xfrm.GETPOLICY, {xfrm.NEWPOLICY: xfrm.policy})


def default() -> dict[str, str]:
    """What becomes of packets that no policy covers, by direction; empty of a kernel before 5.15."""
    try:
        request = bytes(_DEFAULT_SIZE)
        found = _of(_NETLINK_XFRM, xfrm.GETDEFAULT, {xfrm.GETDEFAULT: xfrm.default}, request, _GET)
    except PermissionError:
        raise
    except OSError:
        return {}
    return found[0] if found else {}


def addresses() -> list[str]:
    """This host's own in this network namespace."""
    return _of(_NETLINK_ROUTE, _GETADDR, {_NEWADDR: _address}, bytes(_IFADDRMSG))


def _address(body: memoryview) -> str | None:
    found = {kind: bytes(value) for kind, value in xfrm.attributes(body[_IFADDRMSG:])}
    address = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS))
    return None if address is None else str(ipaddress.ip_address(address))


def _of(
    protocol: int,
    request: int,
    readers: dict[int, Callable[[memoryview], T | None]],
    body: bytes = b"",
    flags: int = _DUMP,
) -> list[T]:
    found: list[T] = []
    for kind, message in _answer(protocol, request, body, flags):
        entry = readers[kind](message) if kind in readers and len(found) < MAX_ENTRIES else None
        if entry is not None:
            found.append(entry)
    return found


def _answer(protocol: int, request: int, body: bytes, flags: int) -> Iterator[tuple[int, memoryview]]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as link:
        link.settimeout(_TIMEOUT)
        link.send(xfrm.HEADER.pack(xfrm.HEADER.size + len(body), request, flags, 1, 0) + body)
        buffer = bytearray(_ROOM)
        while True:
            length, _, _, sender = _receive(link, buffer)
            if sender[0] != 0:
                continue  # not from the kernel
            if protocol == _NETLINK_XFRM:
                xfrm.blank_keys(buffer)
            for kind, message in xfrm.messages(memoryview(buffer)[:length]):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    if error := -struct.unpack_from("=i", message)[0]:
                        raise OSError(error, os.strerror(error))
                    return
                yield kind, message


def _receive(link: socket.socket, buffer: bytearray) -> tuple[int, Any, int, Any]:
    return link.recvmsg_into([buffer])

"""Messages of NETLINK_XFRM (include/uapi/linux/xfrm.h) as associations and policies. Pure; keys are overwritten first.

Numbers are in the host's byte order, addresses, SPIs and ports in that of the network. What is cut short or unknown is
passed over: a newer kernel has more attributes than are known here.
"""

import ipaddress
import struct
from collections.abc import Iterator
from typing import Any, Final

from probe.gateway import names
from probe.gateway.state import Association, Policy

NEWSA, GETSA, NEWPOLICY, GETPOLICY, GETDEFAULT = 0x10, 0x12, 0x13, 0x15, 0x28
HEADER: Final = struct.Struct("=IHHII")  # struct nlmsghdr
_ATTRIBUTE: Final = struct.Struct("=HH")  # struct nlattr
_TYPE_MASK: Final = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_SELECTOR: Final = struct.Struct("=16s16s8sHBBBxxxii")
_SELECTOR_SIZE: Final = 56
_LIMITS: Final = struct.Struct("=8Q")
_USAGE: Final = struct.Struct("=4Q")
_SA_SIZE: Final = 224
_POLICY_SIZE: Final = 168
_TEMPLATE_SIZE: Final = 64
_ALGORITHM_NAME: Final = 64
# Those with an algorithm have name, key length in bits, of some the length of the check value, and the key.
ALG_AUTH, ALG_CRYPT, ENCAP, TEMPLATES, REPLAY, LASTUSED, ALG_AEAD, ALG_AUTH_TRUNC, MARK, REPLAY_ESN, OFFLOAD, IF_ID = (
    1, 2, 4, 5, 10, 15, 18, 20, 21, 23, 28, 31,
)  # fmt: skip
_KEYS: Final = {ALG_AUTH: 68, ALG_CRYPT: 68, ALG_AEAD: 72, ALG_AUTH_TRUNC: 72}
_FLAG_ESN: Final = 128
_OFFLOAD_SIZE: Final = 8
_OFFLOAD_PACKET: Final = 4
_DEFAULTS: Final = {1: "block", 2: "allow"}
_MODES: Final = {0: "transport", 1: "tunnel", 2: "route_optimization", 3: "in_trigger", 4: "beet", 5: "iptfs"}
_DIRECTIONS: Final = {0: "in", 1: "out", 2: "fwd"}
_PROTOCOLS: Final = {50: "esp", 51: "ah", 108: "comp"}
_INFINITE: Final = 2**64 - 1
_V6: Final = 10  # AF_INET6


def messages(datagram: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(type, body) of each message of a datagram."""
    while len(datagram) >= HEADER.size:
        length, kind, _flags, _sequence, _port = HEADER.unpack_from(datagram)
        if not HEADER.size <= length <= len(datagram):
            return
        yield kind, datagram[HEADER.size : length]
        datagram = datagram[_aligned(length) :]


def _aligned(length: int) -> int:
    return length + 3 & ~3


def attributes(rest: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(type, value) of each; also of other families of netlink."""
    while len(rest) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(rest)
        if not _ATTRIBUTE.size <= length <= len(rest):
            return
        yield kind & _TYPE_MASK, rest[_ATTRIBUTE.size : length]
        rest = rest[_aligned(length) :]


def blank_keys(datagram: bytearray) -> None:
    """Overwrite the keys of all associations where they lie, before anybody looks at the rest."""
    with memoryview(datagram) as whole:
        for kind, body in messages(whole):
            if kind == NEWSA:
                for attribute, value in attributes(body[_SA_SIZE:]):
                    if attribute in _KEYS and len(value) > _KEYS[attribute]:
                        key = value[_KEYS[attribute] :]
                        key[:] = bytes(len(key))


def association(body: memoryview) -> Association | None:
    """Of a message NEWSA."""
    if len(body) < _SA_SIZE:
        return None
    spi, protocol = struct.unpack_from("!IB", body, 72)
    limits, usage = _LIMITS.unpack_from(body, 96), _USAGE.unpack_from(body, 160)
    family, mode, window, flags = struct.unpack_from("=HBBB", body, 212)
    found: dict[str, Any] = {"replay_window": window, "extended_sequence": bool(flags & _FLAG_ESN)}
    for attribute, value in attributes(body[_SA_SIZE:]):
        found |= _of_association(attribute, value)
    hard_bytes, hard_packets, hard_seconds = (
        0 if limit == _INFINITE else limit for limit in (limits[1], limits[3], limits[5])
    )
    return Association(
        src=_address(family, body[80:96]),
        dst=_address(family, body[56:72]),
        protocol=_protocol(protocol),
        spi=spi,
        mode=_MODES.get(mode, str(mode)),
        bytes=usage[0],
        packets=usage[1],
        added=usage[2],
        hard_bytes=hard_bytes,
        hard_packets=hard_packets,
        hard_seconds=hard_seconds,
        **found,
    )


def _of_association(attribute: int, value: memoryview) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if attribute in _KEYS and len(value) >= _KEYS[attribute]:
        name = bytes(value[:_ALGORITHM_NAME]).split(b"\0", 1)[0].decode(errors="replace")
        bits, more = struct.unpack_from("=I", value, 64)[0], value[68:72]
        second = struct.unpack("=I", more)[0] if len(more) == 4 else 0
        if attribute in (ALG_CRYPT, ALG_AEAD):
            said = names.cipher(name, bits) if attribute == ALG_CRYPT else names.aead(name, bits, second)
            found = dict(zip(("encr", "key_length"), said, strict=True))
        elif attribute == ALG_AUTH_TRUNC:  # also there where ALG_AUTH is; it says how much of the value is sent
            found["integ"] = names.integrity(name, second)
    elif attribute == ENCAP:
        found["in_udp"] = True
    elif attribute == LASTUSED and len(value) >= 8:
        found["last_used"] = struct.unpack_from("=Q", value)[0]
    elif attribute == OFFLOAD and len(value) >= _OFFLOAD_SIZE:
        found["offload"] = "packet" if value[4] & _OFFLOAD_PACKET else "crypto"
    elif attribute == REPLAY_ESN and len(value) >= 24:
        found["replay_window"] = struct.unpack_from("=I", value, 20)[0]
    return found


def policy(body: memoryview) -> Policy | None:
    """Of a message NEWPOLICY; None for those of single sockets, such as IKE's own."""
    if len(body) < _POLICY_SIZE:
        return None
    priority, _index, direction, action = struct.unpack_from("=IIBB", body, 152)
    if direction not in _DIRECTIONS:
        return None
    dst, src, ports, family, dst_bits, src_bits, protocol, interface, _user = _SELECTOR.unpack_from(body)
    narrowed = bool(protocol or interface or any(ports))
    transforms: list[str] = []
    peers: list[str] = []
    optional = False
    for attribute, value in attributes(body[_POLICY_SIZE:]):
        narrowed |= attribute in (MARK, IF_ID) and any(value)
        for at in range(0, len(value) - _TEMPLATE_SIZE + 1, _TEMPLATE_SIZE) if attribute == TEMPLATES else ():
            template = value[at : at + _TEMPLATE_SIZE]
            wanted = _protocol(template[20])
            transforms.append(wanted)
            optional |= bool(template[50]) and wanted != "comp"
            inner = struct.unpack_from("=H", template, 24)[0]
            peers += [_address(inner, template[28:44]), _address(inner, template[:16])]
    return Policy(
        src=_network(family, src, src_bits),
        dst=_network(family, dst, dst_bits),
        direction=_DIRECTIONS[direction],
        action="block" if action else "allow",
        priority=priority,
        narrowed=narrowed,
        transforms=tuple(transforms),
        optional=optional,
        peers=tuple(dict.fromkeys(peers)),
    )


def default(body: memoryview) -> dict[str, str] | None:
    """By direction what becomes of packets that no policy covers; of a message GETDEFAULT."""
    if len(body) < len(_DIRECTIONS):
        return None
    said = zip(("in", "fwd", "out"), body, strict=False)
    return {direction: _DEFAULTS[what] for direction, what in said if what in _DEFAULTS}


def _protocol(number: int) -> str:
    return _PROTOCOLS.get(number, f"ip/{number}")


def _address(family: int, value: "memoryview | bytes") -> str:
    return str(ipaddress.ip_address(bytes(value[:16] if family == _V6 else value[:4])))


def _network(family: int, value: bytes, bits: int) -> str:
    length = min(bits, 128 if family == _V6 else 32)
    return str(ipaddress.ip_network((_address(family, value), length), strict=False))

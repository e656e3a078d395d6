"""What strongSwan says over its VICI socket, read by strongSwan's own library (`transitproof[gateway]`).

IKE SAs, child SAs and policies that are there without one. How they are told: src/libcharon/plugins/vici/README.md.
"""

import ipaddress
import socket
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from probe.gateway import names
from probe.gateway.state import Association, IkeSa, Policy

SOCKET: Final = "/run/charon.vici"
_TIMEOUT: Final = 10.0
MAX_SAS: Final = 50_000
MAX_POLICIES: Final = 100_000
# In which order strongSwan has the kernel ask its policies: what passes first, what is dropped last.
_PASS, _CHILD, _TRAP, _DROP = range(4)
_SHUNTS: Final = {"pass": ("allow", _PASS), "drop": ("block", _DROP)}

Told = Mapping[Any, Any]


class ViciError(OSError):
    """strongSwan cannot be asked; the text is one line for the operator."""


class Said(NamedTuple):
    """All that was said."""

    ike_sas: list[IkeSa]
    associations: list[Association]
    policies: list[Policy]


def ask(path: str, now: int) -> Said:
    """What strongSwan holds; `now` in seconds since the epoch. Raises ViciError."""
    try:
        import vici
    except ModuleNotFoundError:
        raise ViciError("asking strongSwan needs vici: pip install 'transitproof[gateway]'") from None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(path)
            session = vici.Session(connection)
            everything = {"trap": "yes", "pass": "yes", "drop": "yes"}
            return read(session.list_sas(), session.list_policies(everything), now)
    except (OSError, EOFError, ValueError, KeyError, vici.exception.SessionException) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or error or "the connection was closed"
        raise ViciError(f"{path}: {said}") from error


def read(sas: Iterator[Told], policies: Iterator[Told], now: int) -> Said:
    """The answers to list-sas and list-policies. Raises ValueError."""
    said = Said([], [], [])
    for answer in sas:
        for name, of in answer.items():
            sa = _ike_sa(_text(name), of)
            if len(said.ike_sas) < MAX_SAS and _is_address(sa.local) and _is_address(sa.remote):
                said.ike_sas.append(sa)
                for child in _entries(of, "child-sas"):
                    said.associations.extend(_associations(sa, child, now))
                    _keep(said.policies, _of_child(sa, child))
    for answer in policies:
        for of in answer.values():
            _keep(said.policies, _of_policy(of))
    return said


def _is_address(text: str) -> bool:
    """Not so of an SA that is only begun: %any."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _keep(kept: list[Policy], found: Iterator[Policy]) -> None:
    kept.extend(islice(found, MAX_POLICIES - len(kept)))


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _words(of: Told) -> dict[str, str]:
    return {_text(key): _text(value) for key, value in of.items() if isinstance(value, bytes | str)}


def _entries(of: Told, member: str) -> list[Told]:
    found = of.get(member)
    return [entry for entry in found.values() if isinstance(entry, Mapping)] if isinstance(found, Mapping) else []


def _chosen(said: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        kind: names.of_strongswan(kind, said[member]) for kind, member in kinds.items() if member in said
    }
    if "encr-keysize" in said:
        chosen["key_length"] = int(said["encr-keysize"])
    return chosen


def _ike_sa(name: str, of: Told) -> IkeSa:
    said = _words(of)
    return IkeSa(
        local=said.get("local-host", ""),
        remote=said.get("remote-host", ""),
        name=name,
        version=int(said.get("version", 0)),
        initiator_spi=said.get("initiator-spi", ""),
        responder_spi=said.get("responder-spi", ""),
        established=int(said.get("established", 0)),
        **_chosen(said, {"encr": "encr-alg", "integ": "integ-alg", "prf": "prf-alg", "ke": "dh-group"}),
    )


def _associations(sa: IkeSa, child: Told, now: int) -> Iterator[Association]:
    """Both of a child SA: what comes in and what goes out."""
    said = _words(child)
    age = int(said.get("install-time", 0))
    for way, src, dst in (("in", sa.remote, sa.local), ("out", sa.local, sa.remote)):
        if f"spi-{way}" not in said:
            continue  # only asked for yet
        used = said.get(f"use-{way}")
        yield Association(
            src=src,
            dst=dst,
            protocol=said.get("protocol", "esp").lower(),
            spi=int(said[f"spi-{way}"], 16),
            mode=said.get("mode", "tunnel").lower(),
            extended_sequence=said.get("esn") == "1",
            in_udp=said.get("encap") == "yes",
            packets=int(said.get(f"packets-{way}", 0)),
            bytes=int(said.get(f"bytes-{way}", 0)),
            added=now - age,
            last_used=0 if used is None else now - int(used),
            hard_seconds=age + int(said["life-time"]) if "life-time" in said else 0,
            holder="strongswan",
            **_chosen(said, {"encr": "encr-alg", "integ": "integ-alg"}),
        )


def _of_child(sa: IkeSa, child: Told) -> Iterator[Policy]:
    said = _words(child)
    if said.get("state", "").startswith(("INSTALLED", "REKEY", "UPDATING")):
        more = {"transforms": (said.get("protocol", "esp").lower(),), "peers": (sa.local, sa.remote)}
        yield from _policies(child, "allow", _CHILD, fleeting=True, **more)


def _of_policy(of: Told) -> Iterator[Policy]:
    """One that is there without an association: a trap, which asks for one, or a shunt."""
    mode = _words(of).get("mode", "").lower()
    if mode in _SHUNTS:
        yield from _policies(of, *_SHUNTS[mode])
    elif mode:
        yield from _policies(of, "allow", _TRAP, transforms=("esp",))


def _policies(of: Told, action: str, priority: int, **more: Any) -> Iterator[Policy]:  # noqa: ANN401 - members
    here, there = (_networks(of.get(f"{side}-ts")) for side in ("local", "remote"))
    for local, here_narrowed in here:
        for remote, there_narrowed in there:
            for direction, src, dst in (("out", local, remote), ("in", remote, local)):
                narrowed = here_narrowed or there_narrowed
                yield Policy(src, dst, direction, action, priority, narrowed, holder="strongswan", **more)


def _networks(selectors: object) -> list[tuple[str, bool]]:
    """Networks, and whether they are meant in part: 10.1.0.0/16, 10.1.0.1/32[tcp/ssh], 10.1.0.1..10.1.0.9, dynamic."""
    found: list[tuple[str, bool]] = []
    for selector in selectors if isinstance(selectors, list) else ():
        addresses, _, transport = _text(selector).partition("[")
        first, _, last = addresses.partition("..")
        try:
            if last:
                ends = ipaddress.ip_address(first), ipaddress.ip_address(last)
                networks = list(ipaddress.summarize_address_range(*ends))
            else:
                networks = [ipaddress.ip_network(addresses, strict=False)]
        except (ValueError, TypeError):
            continue  # `dynamic`: the peer's own address, once it has one
        found += [(str(network), bool(transport)) for network in networks]
    return found

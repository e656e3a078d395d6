"""`--vpn FILE`: site-to-site VPN connections as they are meant to be, to be held against the tunnels that are seen.

Either what `aws ec2 describe-vpn-connections` prints (JSON), or TOML with the same names in lower case:

    [[vpn]]
    name = "vpn-0123456789abcdef0"

    [[vpn.tunnel]]
    outside_address = "203.0.113.17"
    ike_versions = ["ikev2"]
    phase1_encryption_algorithms = ["AES256-GCM-16"]
    phase1_integrity_algorithms = ["SHA2-384"]
    phase1_dh_group_numbers = [20]
    phase1_lifetime_seconds = 28800

An option left out permits everything. Options of phase 2 are accepted and not judged: they are agreed on under
encryption. Pre-shared keys in the JSON are not looked at.
"""

import ipaddress
import tomllib
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Struct

from probe.files import UnreadableError, read
from probe.model import Facts
from probe.tunnels import Esp, Ike, Tunnel, Tunnels

MAX_BYTES: Final = 4 * 1024 * 1024  # of the file: some thousand connections with their configurations

_ENCR: Final = {
    ("ENCR_AES_CBC", 128): "AES128",
    ("ENCR_AES_CBC", 256): "AES256",
    ("ENCR_AES_GCM_16", 128): "AES128-GCM-16",
    ("ENCR_AES_GCM_16", 256): "AES256-GCM-16",
}
_HASHES: Final = {"SHA1": "SHA1", "SHA2_256": "SHA2-256", "SHA2_384": "SHA2-384", "SHA2_512": "SHA2-512"}
_GROUPS: Final = {
    "modp1024": 2,
    "modp1536": 5,
    "modp2048": 14,
    "modp3072": 15,
    "modp4096": 16,
    "modp6144": 17,
    "modp8192": 18,
    "ecp256": 19,
    "ecp384": 20,
    "ecp521": 21,
    "modp1024s160": 22,
    "modp2048s224": 23,
    "modp2048s256": 24,
}


class VpnError(ValueError):
    """The file cannot be used; the text is one line for the operator."""


class Declared(Struct, frozen=True, forbid_unknown_fields=True):
    """A tunnel and its options; an empty list permits everything."""

    outside_address: str
    ike_versions: list[str] = []
    phase1_encryption_algorithms: list[str] = []
    phase1_integrity_algorithms: list[str] = []
    phase1_dh_group_numbers: list[int] = []
    phase1_lifetime_seconds: int | None = None
    phase2_encryption_algorithms: list[str] = []
    phase2_integrity_algorithms: list[str] = []
    phase2_dh_group_numbers: list[int] = []
    phase2_lifetime_seconds: int | None = None


class Vpn(Struct, frozen=True, forbid_unknown_fields=True):
    """A connection; AWS gives each two tunnels."""

    name: str
    tunnel: list[Declared]


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    vpn: list[Vpn]


def load(path: str) -> tuple[Vpn, ...]:
    """Raises VpnError."""
    try:
        content = read(path, MAX_BYTES)
    except UnreadableError as error:
        raise VpnError(str(error)) from None
    try:
        text = content.decode()
        given = _of_aws(msgspec.json.decode(text)) if text.lstrip().startswith("{") else tomllib.loads(text)
        vpns = msgspec.convert(given, _File).vpn
        for tunnel in (tunnel for vpn in vpns for tunnel in vpn.tunnel):
            ipaddress.ip_address(tunnel.outside_address)
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VpnError(f"{path}: no description of VPN connections: {' '.join(str(error).split())}") from None
    return tuple(vpns)


def _of_aws(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer of the API, without what is not about negotiation."""
    vpns = []
    for connection in answer["VpnConnections"]:
        options = connection.get("Options", {}).get("TunnelOptions", [])
        addresses = [entry["OutsideIpAddress"] for entry in connection.get("VgwTelemetry", [])]
        declared = {tunnel["OutsideIpAddress"]: _options(tunnel) for tunnel in options if "OutsideIpAddress" in tunnel}
        tunnels = [{"outside_address": address, **declared.get(address, {})} for address in {*addresses, *declared}]
        tunnels.sort(key=lambda tunnel: tunnel["outside_address"])
        vpns.append({"name": connection["VpnConnectionId"], "tunnel": tunnels})
    return {"vpn": vpns}


def _options(tunnel: dict[str, Any]) -> dict[str, Any]:
    names = {
        "ike_versions": "IkeVersions",
        "phase1_encryption_algorithms": "Phase1EncryptionAlgorithms",
        "phase1_integrity_algorithms": "Phase1IntegrityAlgorithms",
        "phase1_dh_group_numbers": "Phase1DHGroupNumbers",
    }
    options: dict[str, Any] = {
        name: [entry["Value"] for entry in tunnel[given]] for name, given in names.items() if given in tunnel
    }
    if "Phase1LifetimeSeconds" in tunnel:
        options["phase1_lifetime_seconds"] = tunnel["Phase1LifetimeSeconds"]
    return options


def observations(vpns: Iterable[Vpn], tunnels: Tunnels) -> list[tuple[str, Facts]]:
    """What is to be judged of each declared tunnel: where, and the facts."""
    return [seen for vpn in vpns for seen in _of_vpn(vpn, tunnels)]


def _of_vpn(vpn: Vpn, tunnels: Tunnels) -> list[tuple[str, Facts]]:
    found = {declared.outside_address: _find(declared, tunnels) for declared in vpn.tunnel}
    states = {address: _state(tunnel) for address, tunnel in found.items()}
    seen = []
    for declared in vpn.tunnel:
        address, tunnel = declared.outside_address, found[declared.outside_address]
        others = sorted({state for other, state in states.items() if other != address})
        facts: Facts = {"class": "ipsec", "vpn.name": vpn.name, "vpn.outside_address": address}
        facts |= {"vpn.state": states[address], "vpn.others": others}
        if tunnel is not None and tunnel.ike is not None and tunnel.ike.chosen:
            facts["vpn.differs"] = _differences(declared, tunnel.ike)
        seen.append((_endpoint(address, tunnel), facts))
    return seen


def _find(declared: Declared, tunnels: Tunnels) -> Tunnel | None:
    address = str(ipaddress.ip_address(declared.outside_address))
    matching = [tunnel for tunnel in tunnels.values() if address in tunnel.peers]
    return max(matching, key=lambda tunnel: sum(tunnel.bytes), default=None)


def _endpoint(address: str, tunnel: Tunnel | None) -> str:
    return f"{'<->'.join(tunnel.peers)}/ike" if tunnel is not None else f"{address}/esp"


def _state(tunnel: Tunnel | None) -> str:
    """`carries` packets both ways, `one_way`, `idle` (IKE alone), `unseen`."""
    if tunnel is None:
        return "unseen"
    carried: Esp | None = tunnel.protected
    if carried is None or not any(carried.packets):
        return "idle"
    return "carries" if all(carried.packets) else "one_way"


def _differences(declared: Declared, ike: Ike) -> list[str]:
    """What was negotiated and is not among the options, in the words of AWS."""
    chosen = ike.chosen
    encr = _ENCR.get((chosen.get("encr", ""), chosen.get("key_length", 0)), f"{chosen.get('encr')}")
    prf = str(chosen.get("prf", "")).removeprefix("PRF_HMAC_")
    negotiated: list[tuple[str, Any, list[Any]]] = [
        ("IKE version", f"ikev{ike.version}", declared.ike_versions),
        ("phase 1 encryption", encr, declared.phase1_encryption_algorithms),
        ("phase 1 integrity", _HASHES.get(prf, prf), declared.phase1_integrity_algorithms),
        ("phase 1 group", _GROUPS.get(chosen.get("ke", ""), chosen.get("ke")), declared.phase1_dh_group_numbers),
    ]
    differences = [f"{what} {value}" for what, value, options in negotiated if options and value not in options]
    limit, agreed = declared.phase1_lifetime_seconds, chosen.get("lifetime", 0)
    if limit is not None and agreed > limit:
        differences.append(f"phase 1 lifetime {agreed} s")
    return differences

"""strongSwan's IKE SAs over its VICI socket, read by strongSwan's own library (`transitproof[gateway]`)."""

import socket
from collections.abc import Mapping
from typing import Any, Final

from probe.gateway import names
from probe.gateway.state import IkeSa

SOCKET: Final = "/run/charon.vici"
_TIMEOUT: Final = 10.0
MAX_SAS: Final = 50_000


class ViciError(OSError):
    """strongSwan cannot be asked; the text is one line for the operator."""


def ike_sas(path: str) -> list[IkeSa]:
    """Those that are established. Raises ViciError."""
    try:
        import vici
    except ModuleNotFoundError:
        raise ViciError("asking strongSwan needs vici: pip install 'transitproof[gateway]'") from None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(path)
            found: list[IkeSa] = []
            for answer in vici.Session(connection).list_sas():
                found += [_sa(_text(name), of) for name, of in answer.items()][: MAX_SAS - len(found)]
            return found
    except (OSError, EOFError, ValueError, KeyError, vici.exception.SessionException) as error:
        raise ViciError(f"{path}: {error or 'the connection was closed'}") from error


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _sa(name: str, of: Mapping[Any, Any]) -> IkeSa:
    said = {_text(key): _text(value) for key, value in of.items() if isinstance(value, bytes | str)}
    kinds = {"encr": "encr-alg", "integ": "integ-alg", "prf": "prf-alg", "ke": "dh-group"}
    chosen: dict[str, Any] = {
        kind: names.of_strongswan(kind, said[member]) for kind, member in kinds.items() if member in said
    }
    if "encr-keysize" in said:
        chosen["key_length"] = int(said["encr-keysize"])
    return IkeSa(
        local=said.get("local-host", ""),
        remote=said.get("remote-host", ""),
        name=name,
        version=int(said.get("version", 0)),
        initiator_spi=said.get("initiator-spi", ""),
        responder_spi=said.get("responder-spi", ""),
        established=int(said.get("established", 0)),
        **chosen,
    )

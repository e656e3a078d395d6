"""What the first packet says of keep-alive and session, byte by byte (MQTT 5 section 3.1, MQTT 3.1.1 section 3.1)."""

import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest

from .pki import HOST
from .probes import Probe

EXPIRY = b"\x11" + (7200).to_bytes(4, "big")  # property 17
CLEAN = 0x02  # of the connect flags


def _connect(tmp_path: Path, **mqtt: Any) -> tuple[int, int, int, bytes]:
    """Version, flags, keep-alive in seconds, and the properties of the CONNECT that a probe sends."""
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(20)
        where = {
            "host": HOST,
            "port": listener.getsockname()[1],
            "plain": True,
            "keep_alive": "50s",
            "timeout": "200ms",
            **mqtt,
        }
        tables = {"identity": {"id": "gw-1"}, "spool": {"directory": str(tmp_path / "spool")}, "mqtt": where}
        with contextlib.closing(Probe(tables)):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(20)
                packet = connection.recv(4096)
    assert packet[0] == 0x10
    body = packet[2 if packet[1] < 0x80 else 3 :]
    assert body[:6] == b"\x00\x04MQTT"
    return body[6], body[7], int.from_bytes(body[8:10], "big"), body[11 : 11 + body[10]] if body[6] == 5 else b""


@pytest.mark.parametrize(
    ("protocol", "expiry", "wanted"),
    [
        ("5", "2h", (5, CLEAN, EXPIRY)),
        ("5", "0s", (5, CLEAN, b"")),
        ("3.1.1", "2h", (4, 0, b"")),  # it has no expiry: such a session lives until the broker forgets it
        ("3.1.1", "0s", (4, CLEAN, b"")),
    ],
)
def test_session_and_keep_alive(tmp_path: Path, protocol: str, expiry: str, wanted: tuple[int, int, bytes]) -> None:
    version, flags, keep_alive, properties = _connect(tmp_path, protocol=protocol, session_expiry=expiry)
    assert (version, flags & CLEAN, properties) == wanted
    assert keep_alive == 50

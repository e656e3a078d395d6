"""One connection to one endpoint: the chain that its server sends, whatever it is worth.

pyOpenSSL without callbacks: those need memory that is writable and executable, which the service's unit forbids, and
the standard library gives an unverified chain from Python 3.13 on only. Nothing is verified here: the trust engine
judges.
"""

import select
import socket
import time
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from OpenSSL import SSL

from probe.reprobe.starttls import PROTOCOLS

MAX_CHAIN: Final = 32  # certificates looked at; the longest real chains have 6


class ReprobeError(Exception):
    """The chain could not be had; the message is one line."""


class UnusableFileError(ReprobeError):
    """A certificate file that the operator named cannot be used: the operator is to be told."""


class Seen(Struct, frozen=True):
    """What an endpoint answered."""

    endpoint: str
    """As in findings: address:port/tcp."""
    chain: list[bytes]
    """DER, leaf first; empty if the server sent none."""
    version: str
    """The contract's word: TLSv1.3."""
    suite: str
    alpn: str | None = None


def fetch(
    host: str,
    port: int,
    *,
    sni: str | None = None,
    alpn: Sequence[str] = (),
    starttls: str | None = None,
    timeout: float = 10.0,
) -> Seen:
    """Connect once. `sni`: None for the host if it is a name, empty for none. Raises ReprobeError."""
    deadline = time.monotonic() + timeout
    try:
        with socket.create_connection((host, port), timeout=timeout) as connection:
            line = _Line(connection, deadline)
            if starttls is not None:
                PROTOCOLS[starttls](line, sni or host)
            return _handshake(connection, line, _sni(host, sni), alpn)
    except TimeoutError:
        raise ReprobeError(f"no answer within {timeout:g} s; give it longer by --timeout") from None
    except SSL.Error as error:
        raise ReprobeError(f"no TLS: {_why(error)}") from None
    except OSError as error:
        raise ReprobeError((error.strerror or str(error) or type(error).__name__).lower()) from None


class _Line:
    """A socket with a deadline."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline = connection, deadline

    def left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def send(self, data: bytes) -> None:
        self._connection.settimeout(self.left())
        self._connection.sendall(data)

    def receive(self, most: int) -> bytes:
        self._connection.settimeout(self.left())
        data = self._connection.recv(most)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


def _handshake(connection: socket.socket, line: _Line, sni: str | None, alpn: Sequence[str]) -> Seen:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")  # what is weak is to be seen, not refused
    if alpn:
        context.set_alpn_protos([protocol.encode() for protocol in alpn])
    connection.setblocking(False)
    tls = SSL.Connection(context, connection)
    if sni:
        tls.set_tlsext_host_name(sni.encode("idna"))
    tls.set_connect_state()
    while True:
        try:
            tls.do_handshake()
            break
        except SSL.WantReadError:
            select.select([connection], [], [], line.left())
        except SSL.WantWriteError:
            select.select([], [connection], [], line.left())
    sent = tls.get_peer_cert_chain() or []
    chain = [one.to_cryptography().public_bytes(Encoding.DER) for one in sent[:MAX_CHAIN]]
    chosen = tls.get_alpn_proto_negotiated().decode("ascii", "replace") or None
    version = tls.get_protocol_version_name()
    version = {"TLSv1": "TLSv1.0"}.get(version, version)
    return Seen(_endpoint(connection), chain, version, tls.get_cipher_name() or "", chosen)


def _endpoint(connection: socket.socket) -> str:
    address, port = connection.getpeername()[:2]
    return f"[{address}]:{port}/tcp" if ":" in address else f"{address}:{port}/tcp"


def _sni(host: str, sni: str | None) -> str | None:
    if sni is not None:
        return sni or None
    return None if ":" in host or host.replace(".", "").isdigit() else host


def _why(error: SSL.Error) -> str:
    details = error.args[0] if error.args else []
    return details[-1][-1] if isinstance(details, list) and details else "the server ended the handshake"

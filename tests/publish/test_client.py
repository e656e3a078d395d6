"""A connection that came to nothing leaves no socket behind, not even until the next garbage collection."""

import asyncio
import contextlib
import gc
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from probe.publish.client import Client, closing

from .broker import HOST
from .pki import Pki


class Server:
    """Accepts TCP at once, and begins TLS when it is told to."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context, self.go, self.accepted = context, threading.Event(), threading.Event()
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        raw, _ = self._listener.accept()
        self.accepted.set()
        self.go.wait(20)
        raw.settimeout(20)
        with contextlib.suppress(OSError), self._context.wrap_socket(raw, server_side=True) as one:
            one.recv(1000)
        raw.close()

    def end(self) -> None:
        self.go.set()
        self._thread.join(30)
        self._listener.close()


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@pytest.fixture
def server(pki: Pki) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki.broker())
    one = Server(context)
    yield one
    one.end()


def _open() -> list[ssl.SSLSocket]:
    """Client sockets that nobody closed."""
    found = [one for one in gc.get_objects() if isinstance(one, ssl.SSLSocket)]
    return [one for one in found if not one.server_side and one.fileno() >= 0]


@pytest.fixture
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_uncollected")
def test_a_handshake_that_fails(server: Server) -> None:
    async def connect() -> aiomqtt.MqttError:
        server.go.set()
        client = Client(HOST, server.port, tls_context=closing(ssl.create_default_context()), timeout=20)
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            return error
        raise AssertionError

    error = asyncio.run(connect())  # its traceback holds what paho had
    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert _open() == []


@pytest.mark.usefixtures("_uncollected")
def test_a_connection_that_is_given_up_while_it_is_made(
    server: Server, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    clients = []

    async def give_up() -> None:
        context = closing(ssl.create_default_context(cafile=str(pki.ca)))
        clients.append(Client(HOST, server.port, tls_context=context, timeout=20))
        work = asyncio.ensure_future(clients[0].__aenter__())
        assert await asyncio.to_thread(server.accepted.wait, 20)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        server.go.set()  # the thread that connects goes on; asyncio.run waits for it

    asyncio.run(give_up())
    assert clients[0].dropped
    assert _open() == []
    assert [one.message for one in caplog.records if one.name == "asyncio"] == []

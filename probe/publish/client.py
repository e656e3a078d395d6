"""aiomqtt's client, leaving nothing to the garbage collector: what a connection that failed held is closed at once."""

import ssl
from typing import Self

import aiomqtt


class _Socket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()  # paho forgets it
            raise


def closing(context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """The same context, whose sockets are closed when their handshake comes to nothing."""
    if context is not None:
        context.sslsocket_class = _Socket
    return context


class Client(aiomqtt.Client):
    """For one connection: aiomqtt's are not to be used again after a failure."""

    dropped = False

    async def __aenter__(self) -> Self:
        try:
            return await super().__aenter__()
        except BaseException:  # also when cancelled
            self.drop()
            raise

    def drop(self) -> None:
        """Close what is still open, and what a thread that is still connecting will open."""
        self.dropped = True
        self._disconnected.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._client._sock_close()  # noqa: SLF001

    def _on_socket_open(self, client, userdata, sock) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        if self.dropped:
            sock.close()
            raise ConnectionAbortedError("given up")  # or paho would begin to write
        super()._on_socket_open(client, userdata, sock)

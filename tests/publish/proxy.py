"""A wire between probe and broker that can be slow, or go dead without a word. TLS passes through it unread."""

import contextlib
import socket
import threading
import time

from .broker import HOST

PIECE = 16_384


class Proxy:
    """Listens until `close`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server((HOST, 0))
        self.port = self._server.getsockname()[1]
        self.dead = threading.Event()
        """While it is set, what is under way stays under way; connections that begin then never get an answer."""
        self.bytes_per_second: float | None = None
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self._open.append(near)
                if self.dead.is_set():
                    continue
                try:
                    far = socket.create_connection((HOST, self._to))
                except OSError:
                    near.close()
                    continue
                self._open.append(far)
                for one in (near, far):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        born_dead = False
        with contextlib.suppress(OSError):
            while data := one.recv(PIECE):
                born_dead = born_dead or self.dead.is_set()
                if born_dead:  # for ever: whoever waits for an answer must give up by itself
                    continue
                if self.bytes_per_second is not None:
                    time.sleep(len(data) / self.bytes_per_second)
                other.sendall(data)
        if not born_dead:
            for end in (one, other):
                with contextlib.suppress(OSError):
                    end.close()

    def close(self) -> None:
        for one in (self._server, *self._open):
            with contextlib.suppress(OSError):
                one.close()

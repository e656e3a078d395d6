"""A Telnet server for one login (RFC 854; ECHO RFC 857, SGA RFC 858): `telnet_server.py ADDRESS PORT`."""

import socket
import sys

IAC, WILL, DO, SB, SE = 255, 251, 253, 250, 240
ECHO, SUPPRESS_GO_AHEAD, TERMINAL_TYPE = 1, 3, 24


class Line:
    """The data of the client, without its Telnet commands."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer = peer
        self._stream = peer.makefile("rb")

    def _byte(self) -> int:
        data = self._stream.read(1)
        if not data:
            raise SystemExit("the client closed early")
        return data[0]

    def _skip_command(self) -> None:
        command = self._byte()
        if command == SB:
            previous = 0
            while not (previous == IAC and (current := self._byte()) == SE):
                previous = current if previous == IAC else self._byte()
        elif command >= WILL:
            self._byte()

    def ask(self, prompt: str, *, echo: bool) -> str:
        self._peer.sendall(prompt.encode())
        text = bytearray()
        while True:
            byte = self._byte()
            if byte == IAC:
                self._skip_command()
            elif byte == ord("\r") or byte == ord("\n"):
                if byte == ord("\r"):
                    self._byte()  # the NUL or LF that ends a line (RFC 854)
                self._peer.sendall(b"\r\n")
                return text.decode()
            else:
                text.append(byte)
                if echo:
                    self._peer.sendall(bytes([byte]))


def main() -> None:
    address, port = sys.argv[1], int(sys.argv[2])
    with socket.create_server((address, port)) as server, server.accept()[0] as peer:
        options = (WILL, ECHO), (WILL, SUPPRESS_GO_AHEAD), (DO, TERMINAL_TYPE)
        peer.sendall(b"".join(bytes([IAC, verb, option]) for verb, option in options))
        line = Line(peer)
        line.ask("server.example.test login: ", echo=True)
        line.ask("Password: ", echo=False)
        line.ask("\r\nWelcome to server.example.test\r\n$ ", echo=True)


main()

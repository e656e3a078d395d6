"""A conversation of random bytes: `serve ADDRESS PORT` or `send ADDRESS PORT FROM`."""

import os
import socket
import sys

ROUNDS, SIZE = 3, 256


def block() -> bytes:
    """Random bytes whose first one begins no protocol that this project knows."""
    return b"\xfe" + os.urandom(SIZE - 1)


def receive(peer: socket.socket) -> None:
    wanted = SIZE
    while wanted:
        got = peer.recv(wanted)
        if not got:
            raise SystemExit("the peer closed early")
        wanted -= len(got)


def main() -> None:
    role, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if role == "serve":
        with socket.create_server((address, port)) as server, server.accept()[0] as peer:
            for _ in range(ROUNDS):
                receive(peer)
                peer.sendall(block())
            peer.recv(1)
    else:
        with socket.create_connection((address, port), source_address=(sys.argv[4], 0)) as peer:
            for _ in range(ROUNDS):
                peer.sendall(block())
                receive(peer)


main()

"""A TLS session with the OpenSSL that pyOpenSSL brings along, default groups.

`serve ADDRESS PORT CHAIN KEY` or `connect ADDRESS PORT NAME ROOT`; the client prints what was negotiated.
"""

import socket
import sys

from OpenSSL import SSL


def serve(address: str, port: str, chain: str, key: str) -> None:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(chain)
    context.use_privatekey_file(key)
    with socket.create_server((address, int(port))) as server, server.accept()[0] as peer:
        session = SSL.Connection(context, peer)
        session.set_accept_state()
        session.do_handshake()
        session.sendall(session.recv(64)[::-1])
        try:
            session.recv(64)
        except SSL.ZeroReturnError:
            session.shutdown()


def connect(address: str, port: str, name: str, root: str) -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.load_verify_locations(root)
    context.set_verify(SSL.VERIFY_PEER)
    with socket.create_connection((address, int(port))) as peer:
        session = SSL.Connection(context, peer)
        session.set_tlsext_host_name(name.encode())
        session.set_connect_state()
        session.do_handshake()
        session.sendall(b"drawer")
        print(session.recv(64).decode(), session.get_protocol_version_name(), session.get_cipher_name())
        print(session.get_group_name())
        session.shutdown()


{"serve": serve, "connect": connect}[sys.argv[1]](*sys.argv[2:])

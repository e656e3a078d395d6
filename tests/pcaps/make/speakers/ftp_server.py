"""An FTP server for one user: `ftp_server.py ADDRESS PORT DIRECTORY USER PASSWORD [CHAIN KEY]` (AUTH TLS with both)."""

import sys

from pyftpdlib.authorizers import DummyAuthorizer  # type: ignore[import-untyped]
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler  # type: ignore[import-untyped]
from pyftpdlib.servers import FTPServer  # type: ignore[import-untyped]


def main() -> None:
    address, port, directory, user, password, *files = sys.argv[1:]
    handler = TLS_FTPHandler if files else FTPHandler
    if files:
        TLS_FTPHandler.certfile, TLS_FTPHandler.keyfile = files
        TLS_FTPHandler.tls_control_required = True
    handler.banner = "ftp.example.test ready."
    handler.authorizer = DummyAuthorizer()
    handler.authorizer.add_user(user, password, directory)
    FTPServer((address, int(port)), handler).serve_forever()


main()

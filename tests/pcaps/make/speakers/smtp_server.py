"""An SMTP server that takes any login and any mail: `smtp_server.py ADDRESS PORT [CHAIN KEY]` (STARTTLS with both)."""

import asyncio
import ssl
import sys

from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

NAME = "mail.example.test"


def accept(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, _login: LoginPassword) -> AuthResult:
    return AuthResult(success=True)


async def main() -> None:
    address, port, *files = sys.argv[1:]
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)

    def protocol() -> SMTP:
        return SMTP(Sink(), hostname=NAME, tls_context=context, authenticator=accept, auth_require_tls=False)

    server = await asyncio.get_running_loop().create_server(protocol, address, int(port))
    await server.serve_forever()


asyncio.run(main())

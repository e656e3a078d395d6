"""What is said in the clear before TLS, by protocol: just enough to be let in.

RFC 3207 (SMTP), RFC 2595 (IMAP, POP3), RFC 4217 (FTP), RFC 4511 section 4.14 (LDAP), RFC 6120 section 5 (XMPP);
PostgreSQL and MySQL as their manuals have it. Of an answer no more is asked than whether it is a yes.
"""

from collections.abc import Callable
from typing import Final, Protocol


class Line(Protocol):
    """A connection with a deadline; both methods raise OSError."""

    def send(self, data: bytes) -> None:
        """Send all of it."""

    def receive(self, most: int) -> bytes:
        """Up to `most` bytes, at least one."""


class StartTlsError(OSError):
    """The server does not begin TLS; the message says what it answered."""


MAX_ANSWER: Final = 16_384  # bytes; a greeting or list of capabilities has some hundred


def _until(line: Line, done: Callable[[bytes], bool]) -> bytes:
    answer = b""
    while not done(answer):
        if len(answer) > MAX_ANSWER:
            raise StartTlsError("the server's answer has no end")
        answer += line.receive(1)  # one at a time: what is behind it is TLS already
    return answer


def _lines(*asked: tuple[bytes, bytes, bytes]) -> Callable[[Line, str], None]:
    """Say each line and read up to the answer whose last line begins with `tag`, which must go on with `good`."""

    def begin(line: Line, host: str) -> None:
        for say, tag, good in asked:
            if say:
                line.send(say.replace(b"HOST", host.encode("ascii", "replace")) + b"\r\n")
            while True:
                last = _until(line, lambda answer: answer.endswith(b"\n"))
                final = not tag or (last.startswith(tag) and last[len(tag) : len(tag) + 1] != b"-")
                if final or (tag.isdigit() and last[:1] in {b"4", b"5"}):
                    break
            if not last.startswith(good):
                raise StartTlsError(f"the server answered {last[:80].decode('ascii', 'replace').strip()!r}")

    return begin


def _binary(request: bytes, good: Callable[[bytes], bool], length: int) -> Callable[[Line, str], None]:
    def begin(line: Line, _host: str) -> None:
        line.send(request)
        if not good(_until(line, lambda answer: len(answer) >= length)):
            raise StartTlsError("the server refused")

    return begin


def _ldap(line: Line, _host: str) -> None:
    oid = b"1.3.6.1.4.1.1466.20037"
    line.send(b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + oid)
    head = _until(line, lambda answer: len(answer) >= 2)
    body = _until(line, lambda answer: len(answer) >= head[1] % 128)
    if b"\x0a\x01\x00" not in body:
        raise StartTlsError("the server refused")


def _xmpp(line: Line, host: str) -> None:
    spaces = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    line.send(f"<stream:stream {spaces} to='{host}' version='1.0'>".encode())
    _until(line, lambda answer: answer.endswith(b"</stream:features>"))
    line.send(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    if b"<proceed" not in _until(line, lambda answer: answer.endswith(b">")):
        raise StartTlsError("the server refused")


def _mysql(line: Line, _host: str) -> None:
    head = _until(line, lambda answer: len(answer) >= 4)
    length = int.from_bytes(head[:3], "little")
    _until(line, lambda answer: len(answer) >= min(length, MAX_ANSWER))
    # CLIENT_SSL, CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION; 16 MiB packets; utf8.
    line.send(b"\x20\0\0\x01" + (0x8A00).to_bytes(4, "little") + b"\0\0\0\x01\x21" + bytes(23))


PROTOCOLS: Final[dict[str, Callable[[Line, str], None]]] = {
    "smtp": _lines(
        (b"", b"220", b"220"), (b"EHLO transitproof.invalid", b"250", b"250"), (b"STARTTLS", b"220", b"220")
    ),
    "imap": _lines((b"", b"* ", b"* "), (b"a STARTTLS", b"a ", b"a OK")),
    "pop3": _lines((b"", b"+OK", b"+OK"), (b"STLS", b"", b"+OK")),
    "ftp": _lines((b"", b"220", b"220"), (b"AUTH TLS", b"234", b"234")),
    "ldap": _ldap,
    "xmpp": _xmpp,
    "postgresql": _binary(b"\0\0\0\x08\x04\xd2\x16\x2f", lambda answer: answer == b"S", 1),
    "mysql": _mysql,
}

"""Dialogues in the clear: HTTP, FTP, SMTP (also up to STARTTLS), Redis, MySQL; each over an open connection."""

from typing import Final

from .conversation import CLIENT, SERVER
from .entropy import Entropy
from .names import LABELS
from .tcp import TcpConversation

HTTP_BODY_MINIMUM: Final = 2500
HTTP_BODY_SHAPE: Final = 1.05
HTTP_BODY_MAXIMUM: Final = 1_500_000

FTP_DIALOGUE: Final = (
    (SERVER, b"220 (vsFTPd 3.0.5)\r\n"),
    (CLIENT, b"USER backup\r\n"),
    (SERVER, b"331 Please specify the password.\r\n"),
    (CLIENT, b"PASS hunter2\r\n"),
    (SERVER, b"230 Login successful.\r\n"),
    (CLIENT, b"TYPE I\r\n"),
    (SERVER, b"200 Switching to Binary mode.\r\n"),
    (CLIENT, b"PASV\r\n"),
    (SERVER, b"227 Entering Passive Mode (198,18,0,9,200,10).\r\n"),
    (CLIENT, b"RETR dump.tar\r\n"),
    (SERVER, b"150 Opening BINARY mode data connection.\r\n"),
    (SERVER, b"226 Transfer complete.\r\n"),
    (CLIENT, b"QUIT\r\n"),
    (SERVER, b"221 Goodbye.\r\n"),
)
SMTP_GREETING: Final = (
    (SERVER, b"220 mail.example ESMTP Postfix\r\n"),
    (CLIENT, b"EHLO client.example\r\n"),
    (SERVER, b"250-mail.example\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 8BITMIME\r\n"),
)
SMTP_STARTTLS: Final = (
    (CLIENT, b"STARTTLS\r\n"),
    (SERVER, b"220 2.0.0 Ready to start TLS\r\n"),
)
SMTP_ENVELOPE: Final = (
    (CLIENT, b"MAIL FROM:<a@b.example>\r\n"),
    (SERVER, b"250 2.1.0 Ok\r\n"),
    (CLIENT, b"RCPT TO:<c@d.example>\r\n"),
    (SERVER, b"250 2.1.5 Ok\r\n"),
    (CLIENT, b"DATA\r\n"),
    (SERVER, b"354 End data with <CR><LF>.<CR><LF>\r\n"),
)

# MySQL: capabilities of a server, and of a client that wants no TLS.
MYSQL_SERVER_CAPABILITIES: Final = 0xDFFFFFFF
MYSQL_CLIENT_CAPABILITIES: Final = 0x000FA68D
MYSQL_QUERY: Final = 3
MYSQL_UTF8MB4: Final = 45
MYSQL_AUTOCOMMIT: Final = b"\x02\0"
MYSQL_EOF: Final = b"\xfe\0\0" + MYSQL_AUTOCOMMIT


def ftp(flow: TcpConversation) -> None:
    """A login with a password and one download; the data connection is not in the capture."""
    _speak(flow, FTP_DIALOGUE)


def smtp_until_starttls(flow: TcpConversation) -> None:
    """A submission up to the point where the TLS handshake begins."""
    _speak(flow, SMTP_GREETING + SMTP_STARTTLS)


def smtp(flow: TcpConversation) -> None:
    """A mail handed over in the clear although STARTTLS was offered."""
    _speak(flow, SMTP_GREETING + SMTP_ENVELOPE)
    text = b"lorem ipsum dolor sit amet\r\n" * flow.rng.randrange(5, 900)
    flow.send(CLIENT, b"Subject: report\r\n\r\n" + text + b".\r\n")
    flow.send(SERVER, b"250 2.0.0 Ok: queued\r\n")


def http(flow: TcpConversation, entropy: Entropy, host: str) -> None:
    """One to four requests on a kept connection."""
    rng = flow.rng
    for _ in range(rng.randrange(1, 5)):
        cookie = entropy.take(60).hex()
        flow.send(
            CLIENT,
            f"GET /{rng.choice(LABELS)}/{rng.randrange(10**6)}.html HTTP/1.1\r\nHost: {host}\r\n"
            f"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nCookie: s={cookie}\r\n\r\n".encode(),
        )
        length = int(min(HTTP_BODY_MAXIMUM, HTTP_BODY_MINIMUM * rng.paretovariate(HTTP_BODY_SHAPE)))
        head = (
            "HTTP/1.1 200 OK\r\nServer: nginx\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
        )
        flow.send(SERVER, head.encode() + entropy.take(length))


def redis(flow: TcpConversation, entropy: Entropy) -> None:
    """GETs in RESP."""
    rng = flow.rng
    for _ in range(rng.randrange(4, 40)):
        key = b"user:%d" % rng.randrange(10**6)
        flow.send(CLIENT, b"*2\r\n$3\r\nGET\r\n" + _bulk_string(key))
        flow.send(SERVER, _bulk_string(entropy.take(rng.randrange(20, 900)).hex().encode()))


def mysql(flow: TcpConversation, entropy: Entropy) -> None:
    """Login with mysql_native_password, then queries with one row of one column each."""
    rng = flow.rng
    flow.send(SERVER, _mysql_packet(0, _mysql_greeting(rng.randrange(10**5))))
    flow.send(CLIENT, _mysql_packet(1, _mysql_login(entropy)))
    flow.send(SERVER, _mysql_packet(2, b"\0\0\0" + MYSQL_AUTOCOMMIT + b"\0\0"))
    for _ in range(rng.randrange(3, 30)):
        query = b"SELECT email FROM customers WHERE id = %d" % rng.randrange(10**6)
        flow.send(CLIENT, _mysql_packet(0, bytes([MYSQL_QUERY]) + query))
        row = entropy.take(rng.randrange(40, 1500)).hex().encode()
        answer = (b"\x01", _mysql_column(), MYSQL_EOF, b"\xfc" + len(row).to_bytes(2, "little") + row, MYSQL_EOF)
        flow.send(SERVER, b"".join(_mysql_packet(1 + index, part) for index, part in enumerate(answer)))


def _speak(flow: TcpConversation, lines: tuple[tuple[int, bytes], ...]) -> None:
    for side, line in lines:
        flow.send(side, line)


def _bulk_string(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


def _mysql_packet(sequence: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([sequence]) + body


def _mysql_greeting(thread: int) -> bytes:
    capabilities = MYSQL_SERVER_CAPABILITIES.to_bytes(4, "little")
    status = bytes([MYSQL_UTF8MB4]) + MYSQL_AUTOCOMMIT
    head = b"\x0a8.0.36\0" + thread.to_bytes(4, "little") + b"abcdefgh\0" + capabilities[:2] + status
    return head + capabilities[2:] + b"\x15" + bytes(10) + b"ijklmnopqrst\0mysql_native_password\0"


def _mysql_login(entropy: Entropy) -> bytes:
    head = MYSQL_CLIENT_CAPABILITIES.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little")
    return (
        head + bytes([MYSQL_UTF8MB4]) + bytes(23) + b"app\0\x14" + entropy.take(20) + b"shop\0mysql_native_password\0"
    )


def _mysql_column() -> bytes:
    names = (b"def", b"shop", b"customers", b"customers", b"email", b"email")
    encoded = b"".join(bytes([len(text)]) + text for text in names)
    kind = b"\x0c" + MYSQL_UTF8MB4.to_bytes(2, "little") + (4000).to_bytes(4, "little") + b"\xfd\0\0\0\0\0"
    return encoded + kind

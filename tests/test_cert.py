"""`transitproof cert` against `openssl s_server` on loopback, in the clear first too, and against files."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from servers import openssl, write_chain

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is missing")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root and a leaf for localhost."""
    folder = tmp_path_factory.mktemp("pki")
    write_chain(folder, "localhost")
    return folder


def _cert(*arguments: str) -> tuple[int, list[dict[str, Any]], str]:
    done = subprocess.run(
        [sys.executable, "-m", "probe", "cert", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_good_chain(pki: Path, version: str) -> None:
    with openssl(pki, version) as port:
        code, records, _ = _cert("--trust", str(pki / "root.pem"), "--sni", "localhost", f"127.0.0.1:{port}")
    assert code == 0
    assert [record["type"] for record in records] == ["certificate", "finding"]
    finding = records[-1]
    assert (finding["observed"]["reason"], finding["evidence"]["class"]) == ("ok", "reprobed")
    assert finding["endpoint"] == f"127.0.0.1:{port}/tcp"


def test_a_wrong_name_and_an_unknown_root(pki: Path) -> None:
    with openssl(pki) as port:
        code, records, _ = _cert("--fail-on", "high", "--sni", "other.example", f"127.0.0.1:{port}")
    reasons = {record["observed"]["reason"] for record in records if record["type"] == "finding"}
    assert "wrong_name" in reasons
    assert reasons & {"unknown_root", "missing_intermediate"}
    assert code == 1


def test_a_file(pki: Path) -> None:
    code, records, _ = _cert("--trust", str(pki / "root.pem"), str(pki / "chain.pem"))
    assert (code, records[-1]["observed"]["reason"], records[-1]["evidence"]["class"]) == (0, "ok", "host")


def test_what_cannot_be_reached_says_why() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        code, records, error = _cert(f"127.0.0.1:{bound.getsockname()[1]}")
    assert (code, records) == (2, [])
    assert "connection refused" in error
    assert _cert("no:thing:here")[0] == 2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        code, _, error = _cert("--timeout", "0.5", f"127.0.0.1:{silent.getsockname()[1]}")
    assert code == 2
    assert "--timeout" in error


# (what the server says, how what the client says next begins), by protocol; as real servers speak in tests/pcaps.
DIALOGUES: dict[str, list[tuple[bytes, bytes]]] = {
    "smtp": [
        (b"220-mail.example\r\n220 ESMTP\r\n", b"EHLO "),
        (b"250-mail.example\r\n250-STARTTLS\r\n250 HELP\r\n", b"STARTTLS\r\n"),
        (b"220 go ahead\r\n", b""),
    ],
    "imap": [(b"* OK ready\r\n", b"a STARTTLS\r\n"), (b"* BYTHEWAY\r\na OK begin\r\n", b"")],
    "pop3": [(b"+OK ready\r\n", b"STLS\r\n"), (b"+OK begin\r\n", b"")],
    "ftp": [(b"220-hello\r\n220 ready\r\n", b"AUTH TLS\r\n"), (b"234 begin\r\n", b"")],
    "ldap": [(b"", b"\x30\x1d\x02\x01\x01\x77"), (b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0", b"")],
    "xmpp": [
        (b"", b"<stream:stream "),
        (b"<stream:stream><stream:features><starttls/></stream:features>", b"<starttls "),
        (b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", b""),
    ],
    "postgresql": [(b"", b"\0\0\0\x08\x04\xd2\x16\x2f"), (b"S", b"")],
    "mysql": [(b"\x05\0\0\0\x0a8.0\0", b"\x20\0\0\x01\0\x8a"), (b"", b"")],
}


def _speak(pki: Path, listening: socket.socket, dialogue: list[tuple[bytes, bytes]]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "chain.pem", pki / "key.pem")
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        connection.settimeout(5)
        for say, then in dialogue:
            connection.sendall(say)
            if then and not _heard(connection, then):
                return
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(1)


def _heard(connection: socket.socket, wanted: bytes) -> bool:
    return connection.recv(36 if wanted.startswith(b"\x20") else 4096).startswith(wanted)


@pytest.mark.parametrize("protocol", DIALOGUES)
def test_starttls(pki: Path, protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_speak, args=(pki, listening, DIALOGUES[protocol]), daemon=True).start()
        target = f"127.0.0.1:{listening.getsockname()[1]}"
        options = ("--starttls", protocol, "--sni", "localhost", "--trust", str(pki / "root.pem"))
        code, records, error = _cert(*options, target)
    assert (code, error) == (0, "")
    assert records[-1]["observed"]["reason"] == "ok"


def test_a_refused_starttls_is_told(pki: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        dialogue = [(b"220 hello\r\n", b"EHLO "), (b"250 HELP\r\n", b"STARTTLS"), (b"502 no\r\n", b"x")]
        threading.Thread(target=_speak, args=(pki, listening, dialogue), daemon=True).start()
        code, _, error = _cert("--starttls", "smtp", f"127.0.0.1:{listening.getsockname()[1]}")
    assert code == 2
    assert "the server answered '502 no'" in error

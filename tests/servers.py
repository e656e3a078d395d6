"""Servers of other people that tests talk to."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import trustme

TRIES = 200


def write_chain(folder: Path, name: str, authority: trustme.CA | None = None) -> None:
    """`root.pem`, and `chain.pem` and `key.pem` of a leaf for this name."""
    authority = authority or trustme.CA()
    leaf = authority.issue_cert(name)
    authority.cert_pem.write_to_path(str(folder / "root.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "chain.pem").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))


@contextlib.contextmanager
def openssl(folder: Path, *options: str) -> Iterator[int]:
    """`openssl s_server` on a port of loopback, which is given, with the chain of `write_chain`."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", *options]
    files = ["-cert", str(folder / "chain.pem"), "-key", str(folder / "key.pem")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, *files], **pipes) as server:
        try:
            for _ in range(TRIES):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield port
        finally:
            server.kill()

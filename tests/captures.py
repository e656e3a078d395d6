"""The test captures: what the manifest says of them, and what a replay makes of them.

Everything here is data-driven: a capture added to tests/pcaps/manifest.toml is replayed, compared with its golden
output and put before the oracles without a line of test code.
"""

import contextlib
import functools
import json
import os
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import probe
from probe.engine import Engine
from probe.policy import load as policies
from probe.replay import Replay
from probe.trust.store import Store

TESTS: Final = Path(__file__).parent
PCAPS: Final = TESTS / "pcaps"
FILES: Final[dict[str, dict[str, Any]]] = {
    entry["name"]: entry for entry in tomllib.loads((PCAPS / "manifest.toml").read_text())["file"]
}
NAMES: Final = tuple(FILES)
ODD_CHUNKS: Final = (1, 2, 3, 5, 7, 11, 23, 24, 1021, 4093)  # cut headers of files, records and packets alike


def trust_of(name: str) -> tuple[str, ...]:
    """The roots that the manifest names for a capture, as `--trust` wants them."""
    return (str(PCAPS / FILES[name]["trust"]),) if "trust" in FILES[name] else ()


@functools.cache
def records(name: str) -> tuple[dict[str, Any], ...]:
    """What `probe.replay` yields for a capture, passes included."""
    return tuple(probe.replay(PCAPS / name, trust=trust_of(name), passes=True))


def of_type(name: str, kind: str) -> list[dict[str, Any]]:
    return [record for record in records(name) if record["type"] == kind]


def flows(name: str) -> list[dict[str, Any]]:
    """In order of their first packets."""
    return sorted(of_type(name, "flow"), key=lambda flow: flow["start"])


def carried(flow: dict[str, Any]) -> bool:
    """Whether it was carried by AH or unencrypted ESP: its packets count to the flow around it as well."""
    return any(around.startswith(("ah:", "esp:")) for around in flow.get("tunnel", ()))


def summary(name: str) -> dict[str, Any]:
    return records(name)[-1]


@functools.cache
def roots(trust: tuple[str, ...]) -> Store:
    """Only the test roots: what is compared byte by byte must not depend on the roots of the host."""
    return Store(trust, host=False)


def output(name: str) -> bytes:
    """The JSON Lines of a capture, as if replayed in its own folder so that no path of this machine is in them."""
    with contextlib.chdir(PCAPS):
        return _lines(name, engine_for(name))


def output_of_pipe(name: str) -> bytes:
    """The same through standard input, in odd chunks; named like the file afterwards."""
    content = (PCAPS / name).read_bytes()
    with standard_input(content):
        lines = _lines("-", engine_for(name))
    source = Path(name).name
    return lines.replace(b'"-#', f'"{source}#'.encode()).replace(b'"file":"-"', f'"file":"{name}"'.encode())


def engine_for(name: str) -> Engine:
    """A fresh engine with the default policies and the manifest's roots."""
    return Engine(policies.load(policies.DEFAULT), roots(trust_of(name)))


def _lines(path: str, engine: Engine) -> bytes:
    return b"".join(Replay([path], engine).chunks())


@contextlib.contextmanager
def standard_input(content: bytes) -> Iterator[None]:
    """Descriptor 0 is a pipe that delivers `content` in odd chunks."""
    read, write = os.pipe()
    before = os.dup(0)
    os.dup2(read, 0)
    os.close(read)
    writer = threading.Thread(target=feed, args=(write, content))
    writer.start()
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)
        writer.join()


def feed(descriptor: int, content: bytes) -> None:
    """Write `content` in odd chunks and close."""
    at = number = 0
    with contextlib.suppress(BrokenPipeError):
        while at < len(content):
            size = ODD_CHUNKS[number % len(ODD_CHUNKS)]
            os.write(descriptor, content[at : at + size])
            at += size
            number += 1
    os.close(descriptor)


def lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]

"""What is remembered from one run to the next, in a folder of the agent's own: findings, postures, certificates, DNS.

Each file is replaced at once, so that one cut short by a crash or a full disk is never read. One that cannot be read is
set aside under another name, and the run begins anew.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from probe.ongoing import Known

VERSION: Final = 1
MAX_BYTES: Final = 256 << 20  # of the file: what the bounds of its parts come to, and room
NAME: Final = "state.json"
DNS: Final = "dns.state"


class Saved(Struct, kw_only=True):
    """The file, but for DNS, whose form is the core's."""

    version: int = VERSION
    findings: dict[str, Known] = {}
    postures: dict[str, list[str]] = {}
    shown: dict[str, list[str]] = {}
    """By endpoint and name, beginnings of SHA-256 of the certificates shown there."""
    certificates: list[str] = []
    """Beginnings of SHA-256, of those that were reported."""


_DECODER: Final = msgspec.json.Decoder(Saved)


def _decode(data: bytes) -> Saved:
    saved = _DECODER.decode(data)
    if saved.version != VERSION:
        raise ValueError(f"version {saved.version} instead of {VERSION}")
    return saved


class Folder:
    """The folder, for one process."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.aside: list[str] = []
        """What was set aside, and why."""

    def load(self) -> tuple[Saved, bytes | None]:
        """What was saved last, and what was remembered of DNS. Empty where nothing is. Raises OSError."""
        saved = Saved()
        data = self._read(NAME)
        if data is not None:
            try:
                saved = _decode(data)
            except (msgspec.MsgspecError, ValueError) as error:
                self.set_aside(NAME, str(error))
        return saved, self._read(DNS)

    def _read(self, name: str) -> bytes | None:
        try:
            with (self._path / name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return None
        if len(data) > MAX_BYTES:
            self.set_aside(name, "too large")
            return None
        return data

    def set_aside(self, name: str, why: str) -> None:
        """Keep a damaged file for whoever wants to look at it; the latest only."""
        path = self._path / name
        with contextlib.suppress(OSError):
            path.replace(path.with_name(f"{name}.damaged"))
        self.aside.append(f"{path}: {why}")

    def save(self, name: str, data: bytes) -> None:
        """Replace a file. Raises OSError, and leaves the old one then."""
        path = self._path / name
        part = path.with_name(f"{name}.part")
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink()
            raise


def encode(saved: Saved) -> bytes:
    """The file's bytes."""
    return msgspec.json.encode(saved)

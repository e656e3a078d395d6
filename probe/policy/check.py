"""Which kind of configuration file something is, and whether it is in order."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from probe.policy import load, waivers
from probe.policy.toml import read

Reader = Callable[[bytes, str], str]
"""Raises PolicyError; gives a word or two on what is in the file."""


def _policy(data: bytes, source: str) -> str:
    policy = load.parse(Path(source).stem, data, source)
    return f"policy {policy.id}, {len(policy.rules)} rules"


def _waivers(data: bytes, source: str) -> str:
    return f"{len(waivers.parse(data, source))} waivers"


KINDS: Final[dict[str, Reader]] = {"waiver": _waivers, "rule": _policy, "allow": _policy}
"""A table that only one kind of file has, and what reads that kind; others are taken for policies."""


def check(path: str) -> str:
    """What is in the file. Raises PolicyError with what is wrong with it and where."""
    data = read(Path(path))
    try:
        tables = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        tables = {}
    kind = next((reader for table, reader in KINDS.items() if table in tables), _policy)
    return kind(data, path)

"""manifest.toml: read, update, write.

The standard library reads TOML but does not write it; the few shapes used here (tables of strings, numbers,
truth values, lists and inline tables) are written below.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

HEADER = """\
# What each capture holds, how it was made, and what must be found in it. Written by tests/pcaps/make;
# README.md explains the keys. Expectations come from what the programs were told and printed, and
# `python tests/pcaps/make --check` compares them with tshark.
"""


class Manifest:
    """The entries of manifest.toml by file name, in the order in which the scenarios are declared."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files: dict[str, dict[str, Any]] = {}
        if path.exists():
            self.files = {entry["name"]: entry for entry in tomllib.loads(path.read_text())["file"]}

    def entry(self, name: str) -> dict[str, Any]:
        return self.files[name]

    def write(self, order: list[str]) -> None:
        """Entries whose scenario is gone are dropped."""
        entries = [_entry(self.files[name]) for name in order if name in self.files]
        self.path.write_text("\n".join([HEADER, *entries]))


def _entry(entry: dict[str, Any]) -> str:
    flows = entry.get("flow", [])
    lines = ["[[file]]", *(f"{key} = {_value(value)}" for key, value in entry.items() if key != "flow")]
    for one in flows:
        lines += ["", "[[file.flow]]", *(f"{key} = {_value(value)}" for key, value in one.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
        case list() | tuple():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case dict():
            return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    raise TypeError(f"manifest.toml cannot hold {value!r}")


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else f'"{key}"'

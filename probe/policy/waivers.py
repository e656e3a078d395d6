"""Waivers: findings that somebody answers for until a day. They are marked, never hidden.

A waiver covers what was last seen on its last day or before, so the same packets always give the same marks; `--as-of`
asks for another day. Patterns are those of the shell (`*`, `?`, `[…]`), case counts.
"""

import datetime as dt
import fnmatch
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from probe.policy.toml import decode, line_of, problem, read

PATTERNS: Final = ("check", "policy", "rule", "endpoint", "name", "uid")


class Waiver(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One `[[waiver]]`: every pattern given must match."""

    owner: str
    reason: str
    expires: dt.date
    """The last day on which it holds, UTC."""
    check: str | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    endpoint: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    uid: str | UnsetType = UNSET

    def matches(self, finding: dict[str, Any]) -> bool:
        """Whether it is about this finding, expired or not."""
        patterns = [(key, getattr(self, key)) for key in PATTERNS if getattr(self, key) is not UNSET]
        return all(key in finding and fnmatch.fnmatchcase(finding[key], pattern) for key, pattern in patterns)


class File(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A waiver file."""

    waiver: list[Waiver]


def load(path: str) -> list[Waiver]:
    """The waivers of a file. Raises PolicyError."""
    return parse(read(Path(path)), path)


def parse(data: bytes, source: str) -> list[Waiver]:
    """The waivers from the bytes of a file. Raises PolicyError."""
    file, text = decode(data, source, File)
    for index, waiver in enumerate(file.waiver):
        if all(getattr(waiver, key) is UNSET for key in PATTERNS):
            what = f"covers everything; give one of {', '.join(PATTERNS)}"
            raise problem(source, line_of(text, "waiver", index, "waiver"), "waiver", what)
        for key in ("owner", "reason"):
            if not getattr(waiver, key).strip():
                raise problem(source, line_of(text, "waiver", index, key), key, "empty; somebody has to answer for it")
    return file.waiver

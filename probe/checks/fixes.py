"""How to fix what a check finds, by program; the texts are data, in fixes.toml."""

import functools
import tomllib
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

PROGRAMS: Final = {
    "nginx": "nginx",
    "apache": "Apache",
    "haproxy": "HAProxy",
    "aws": "AWS",
    "java": "Java",
    "openssl": "OpenSSL",
}


class Fix(Struct, frozen=True, forbid_unknown_fields=True):
    """What to write into the configuration of a program."""

    checks: list[str]
    program: str
    where: str
    text: str


@functools.cache
def every() -> list[Fix]:
    """All of them, in the order of the file."""
    table = tomllib.loads((Path(__file__).parent / "fixes.toml").read_text(encoding="utf-8"))
    return msgspec.convert(table["fix"], list[Fix])


def fixes(check: str) -> list[Fix]:
    """Those for a check, in the order of `PROGRAMS`."""
    order = list(PROGRAMS)
    return sorted((fix for fix in every() if check in fix.checks), key=lambda fix: order.index(fix.program))

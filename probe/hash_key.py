"""`--hash-key`: the key with which secrets seen in the clear are hashed, and what keeps both out of core dumps.

A hash under a key tells its owner that one password is used in two places; whoever has the records without the key
cannot try passwords on it. So the file must be its owner's alone. The key is never part of a message.
"""

import os
import resource
import stat
from pathlib import Path
from typing import Final

SHORTEST: Final = 16  # bytes; what could be guessed would not protect the passwords either
LONGEST: Final = 4096
ABORT_DUMP: Final = 1  # core(5): less than a page, so no file; and exactly 1 also stops a dump that goes to a program


class HashKeyError(ValueError):
    """The file cannot be used; the message says how to mend it and has nothing of its content."""


def read(path: str) -> bytes:
    """The key in a file: all of its bytes, but for one line end at the end."""
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            key = file.read(LONGEST + 1)
    except OSError as error:
        message = f"{path}: {(error.strerror or 'cannot be read').lower()}; --hash-key wants a file with a key"
        raise HashKeyError(message) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        message = f"{path}: others than its owner may use it; mend it by: chmod 600 {path}"
        raise HashKeyError(message)
    key = key.removesuffix(b"\n").removesuffix(b"\r")
    if not SHORTEST <= len(key) <= LONGEST:
        what = "empty" if not key else f"shorter than {SHORTEST} bytes" if len(key) < SHORTEST else "too long for a key"
        message = f"{path}: {what}; make one by: (umask 077; openssl rand -hex 32 > {path})"
        raise HashKeyError(message)
    return key


def forbid_core_dumps() -> None:
    """From here on this process leaves no image of its memory, in which passwords of the capture would stand."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = ABORT_DUMP if hard == resource.RLIM_INFINITY else min(ABORT_DUMP, hard)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))

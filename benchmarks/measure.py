"""Runs a program once and says what it cost: CPU time, elapsed time, peak memory; or instructions, under callgrind.

Peak memory is what the kernel remembers of the process, which begins as a copy of this one; so this module and
those that import it stay small (no numpy here), or they would set a floor under every figure.
"""

import os
import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CALLGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
COLLECTED = re.compile(r"Collected : (\d+)")

# The end of what a failing program said: enough for a message, not for a core dump.
COMPLAINT_BYTES = 2000


class RunFailedError(Exception):
    """A measured program did not succeed; the message says which and what it printed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run took; CPU time is user and system time of the process and of its children."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


def run(command: Sequence[str]) -> Usage:
    """Run to the end with its output thrown away, in a directory of its own."""
    with tempfile.TemporaryFile() as complaints:
        return _run(command, complaints)


def instructions(command: Sequence[str]) -> int:
    """The instructions that valgrind counts; the same again on every run, whatever else the machine does."""
    with tempfile.TemporaryFile() as complaints:
        _run((*CALLGRIND, *command), complaints)
        complaints.seek(0)
        found = COLLECTED.search(complaints.read().decode(errors="replace"))
    if found is None:
        raise RunFailedError("valgrind printed no instruction count")
    return int(found.group(1))


def has_callgrind() -> bool:
    """Whether valgrind is installed."""
    return shutil.which(CALLGRIND[0]) is not None


def _run(command: Sequence[str], complaints: IO[Any]) -> Usage:
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        # Some peers write logs where they stand.
        os.chdir(scratch)
        try:
            actions = [
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, complaints.fileno(), 2),
            ]
            started = time.monotonic()
            pid = os.posix_spawnp(command[0], list(command), os.environ, file_actions=actions)
            _, status, used = os.wait4(pid, 0)
            wall_seconds = time.monotonic() - started
        finally:
            os.chdir(here)
    if code := os.waitstatus_to_exitcode(status):
        complaints.seek(0, os.SEEK_END)
        complaints.seek(max(0, complaints.tell() - COMPLAINT_BYTES))
        said = complaints.read().decode(errors="replace").strip()
        raise RunFailedError(f"{shlex.join(command)}: exit code {code}\n{said}")
    return Usage(used.ru_utime + used.ru_stime, wall_seconds, used.ru_maxrss * 1024)


def absolute(command: Sequence[str]) -> tuple[str, ...]:
    """The command with its program found, since it is run elsewhere; unchanged if it cannot be found."""
    found = shutil.which(command[0])
    return (str(Path(found).absolute()) if found else command[0], *command[1:])

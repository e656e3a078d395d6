"""--hash-key: which files are a key, and that no message shows one."""

import os
import signal
import sys
from pathlib import Path

import pytest

from probe.hash_key import SHORTEST, HashKeyError, read

KEY = b"0123456789abcdef" * 2


def _file(tmp_path: Path, content: bytes, mode: int = 0o600) -> str:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_line_end_is_not_part_of_the_key(tmp_path: Path, end: bytes) -> None:
    assert read(_file(tmp_path, KEY + end)) == KEY


@pytest.mark.parametrize("content", [bytes(range(0x80, 0xA0)), KEY[:SHORTEST]])
def test_bytes_are_taken_as_they_are(tmp_path: Path, content: bytes) -> None:
    assert read(_file(tmp_path, content, 0o400)) == content


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"", 0o600, "{path}: empty; make one by: (umask 077; openssl rand -hex 32 > {path})"),
        (b"\n", 0o600, "{path}: empty; make one by: (umask 077; openssl rand -hex 32 > {path})"),
        (
            b"hunter2hunter2\n",
            0o600,
            "{path}: shorter than 16 bytes; make one by: (umask 077; openssl rand -hex 32 > {path})",
        ),
        (b"k" * 4097, 0o600, "{path}: too long for a key; make one by: (umask 077; openssl rand -hex 32 > {path})"),
        (KEY, 0o640, "{path}: others than its owner may use it; mend it by: chmod 600 {path}"),
        (KEY, 0o602, "{path}: others than its owner may use it; mend it by: chmod 600 {path}"),
    ],
)
def test_what_is_no_key(tmp_path: Path, content: bytes, mode: int, message: str) -> None:
    path = _file(tmp_path, content, mode)
    with pytest.raises(HashKeyError) as error:
        read(path)
    assert str(error.value) == message.format(path=path)


def test_what_is_no_file(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "absent", "no such file or directory"), (tmp_path, "is a directory")):
        with pytest.raises(HashKeyError, match=f"{path}: {why}; --hash-key wants a file with a key"):
            read(str(path))


def test_no_core_dump_is_left() -> None:
    """Neither as a file (the limit is less than a page) nor to a program (core(5): a limit of 1 stops that)."""
    code = (
        "import os, resource, probe.hash_key as h; h.forbid_core_dumps(); h.forbid_core_dumps(); "
        "assert resource.getrlimit(resource.RLIMIT_CORE) in ((0, 0), (1, 1)); os.kill(os.getpid(), 6)"
    )
    _, status = os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ), 0)
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)

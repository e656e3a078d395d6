"""Files that an operator names, and what becomes of those that cannot be read."""

from pathlib import Path

import pytest

from probe.files import UnreadableError, read, text


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert read(tmp_path / "x", 5) == b"12345"


@pytest.mark.parametrize(
    ("name", "why"),
    [("none", "no such file or directory"), ("", "is a directory"), ("x", "larger than 4 bytes"), ("\0", "no name")],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    path = f"{tmp_path}/{name}"
    with pytest.raises(UnreadableError) as caught:
        read(path, 4)
    assert str(caught.value).startswith(f"{path}: {why}")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(UnreadableError, match="/dev/zero: larger than 100 bytes"):
        read("/dev/zero", 100)


def test_text_is_text(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes("ä".encode())
    assert text(path, 2) == "ä"
    path.write_bytes(b"\xe4")
    with pytest.raises(UnreadableError, match=f"^{path}: not text$"):
        text(path, 2)

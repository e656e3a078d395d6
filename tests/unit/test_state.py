"""State on disk: whole or not at all."""

from pathlib import Path

import pytest

from probe.ongoing import Known
from probe.state import DNS, NAME, Folder, Saved, encode

SAVED = Saved(findings={"a": Known("fail", "high", "T", 3, 1.5)}, postures={"x": ["{}"]}, certificates=["00"])


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    assert Folder(str(tmp_path)).load() == (Saved(), None)
    folder = Folder(str(tmp_path))
    folder.save(NAME, encode(SAVED))
    folder.save(DNS, b"core's own")
    assert Folder(str(tmp_path)).load() == (SAVED, b"core's own")
    assert sorted(path.name for path in tmp_path.iterdir()) == [DNS, NAME]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"version":2}', b'{"findings":{"a":{"status":1}}}', b"\xff\xfe"])
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(data)
    folder = Folder(str(tmp_path))
    assert folder.load() == (Saved(), None)
    assert (tmp_path / f"{NAME}.damaged").read_bytes() == data
    assert not (tmp_path / NAME).exists()
    assert len(folder.aside) == 1
    assert folder.aside[0].startswith(f"{tmp_path / NAME}: ")


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(str(tmp_path))
    folder.save(NAME, encode(SAVED))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.save(NAME, b"half")
    assert Folder(str(tmp_path)).load()[0] == SAVED
    assert [path.name for path in tmp_path.iterdir()] == [NAME]

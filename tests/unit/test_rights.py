from pathlib import Path

import pytest

from probe import rights


def _task(folder: Path, number: int, effective: str) -> None:
    (folder / str(number)).mkdir()
    (folder / str(number) / "status").write_text(f"Name:\tx\nCapInh:\t{'0' * 16}\nCapEff:\t{effective}\nSeccomp:\t0\n")


def test_rights_of_any_thread_are_seen(tmp_path: Path) -> None:
    _task(tmp_path, 1, "0" * 16)
    assert rights.held(tmp_path) == []
    _task(tmp_path, 2, "0000000000002000")
    assert rights.held(tmp_path) == ["CapEff: 0000000000002000"]


class _Core:
    @staticmethod
    def drop_capabilities() -> None:
        """As if the kernel had agreed."""


def test_a_drop_that_did_not_happen_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "load_core", lambda: _Core)
    monkeypatch.setattr(rights, "held", lambda: ["CapEff: 0000000000002000"])
    with pytest.raises(rights.RightsError, match="CapEff: 0000000000002000"):
        rights.drop()
    monkeypatch.setattr(rights, "held", list)
    rights.drop()

"""The progress bar."""

import io
from types import SimpleNamespace

import pytest

from probe import progress
from probe.progress import Progress, line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_line() -> None:
    assert line("x.pcap", 50_000_000, 200_000_000, 0.5) == "x.pcap  ━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌  25%  100 MB/s  2 s left"
    assert line("x.pcap", 1_000_000, 200_000_000, 1) == "x.pcap  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌   0%  1 MB/s  3 min 19 s left"
    assert line("-", 50_000_000, None, 1) == "-  50 MB  50 MB/s"


def test_appears_late_and_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now[0]))
    screen = Terminal()
    bar = Progress(screen)
    capture = SimpleNamespace(position=10, size=100)
    bar("x", capture)
    assert screen.getvalue() == ""
    now[0] += 1
    bar("x", capture)
    assert "10%" in screen.getvalue()
    bar.close()
    assert screen.getvalue().endswith("\r\x1b[2K")


def test_nothing_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "DELAY", 0)
    monkeypatch.setattr(progress, "INTERVAL", 0)
    pipe = io.StringIO()
    bar = Progress(pipe)
    bar("x", SimpleNamespace(position=10, size=100))
    bar.close()
    assert pipe.getvalue() == ""

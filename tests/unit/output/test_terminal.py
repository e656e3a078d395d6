"""Drawing for terminals."""

import io

import pytest

from probe.output.terminal import Style, clean, counted, size, style_for


class Screen(io.TextIOWrapper):
    def __init__(self, *, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_escape_sequences_from_the_network_are_harmless() -> None:
    assert clean("a\x1b[31mb\nc\u202e") == "a\\x1b[31mb\\x0ac\\x202e"
    assert clean("bücher.example") == "bücher.example"


def test_bar_shows_everything_that_is_not_zero() -> None:
    style = Style()
    assert style.bar(0, 4, "red") == "────"
    assert style.bar(0.0001, 4, "red") == "╸───"
    assert style.bar(0.5, 4, "red") == "━━──"
    assert style.bar(1, 4, "red") == "━━━━"
    assert Style(unicode=False).bar(0.5, 4, "red") == "##.."


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456, "123 kB"), (5e12, "5.0 TB")]
)
def test_size(count: float, expected: str) -> None:
    assert size(count) == expected


def test_flow_breaks_between_parts() -> None:
    style = Style(24)
    parts = ["1234567890", "12 MB", "3 flows", "x" * 30]
    assert style.flow(parts, 2) == ["1234567890 · 12 MB", "3 flows", "x" * 22, "x" * 8]
    assert style.flow([], 2) == []


def test_counted() -> None:
    assert [counted(1, "flow"), counted(12_000, "flow"), counted(2, "capacity", "capacities")] == [
        "1 flow",
        "12,000 flows",
        "2 capacities",
    ]


def test_style_follows_choice_environment_and_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "300")
    assert style_for(Screen(terminal=True)) == Style(110, color=True)
    assert not style_for(Screen(terminal=False)).color
    assert style_for(Screen(terminal=False), "always").color
    assert not style_for(Screen(terminal=True), "never").color
    assert not style_for(Screen(terminal=True, encoding="ascii")).unicode
    monkeypatch.setenv("NO_COLOR", "1")
    assert not style_for(Screen(terminal=True)).color
    assert style_for(Screen(terminal=True), "always").color

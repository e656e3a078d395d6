"""Golden replays: the same capture gives the same bytes, today, twice, and through a pipe.

`pytest --golden` writes tests/golden anew; what changes is read by eye before it is committed.
"""

import contextlib
from pathlib import Path
from typing import Final

import pytest
from captures import FILES, NAMES, PCAPS, TESTS, engine_for, output, output_of_pipe, trust_of

from probe.output.table import Context, render
from probe.output.terminal import Style
from probe.replay import Replay

GOLDEN: Final = TESTS / "golden"
SHOWCASE: Final = "showcase.pcapng"
MAX_BYTES: Final = 1_500_000  # of the folder: it is in every clone


def _compare(path: Path, content: bytes, rewrite: bool) -> None:
    if rewrite:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert path.is_file(), f"no golden output yet: read it by eye after pytest --golden {Path(__file__).name}"
    # Line by line first: a difference is then shown as such.
    assert content.decode().splitlines() == path.read_text().splitlines()
    assert content == path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_json_lines(name: str, rewrite: bool) -> None:
    first = output(name)
    _compare(GOLDEN / f"{name}.jsonl", first, rewrite)
    assert output(name) == first
    assert output_of_pipe(name) == first


def test_the_showcase_as_a_table(rewrite: bool) -> None:
    """As the command prints it on a page of 100 columns without colour, but for the roots of the host."""
    with contextlib.chdir(PCAPS):
        engine = engine_for(SHOWCASE)
        run = Replay([SHOWCASE], engine, flows=False, report=True)
        for _ in run.chunks():
            pass
    assert engine.roots == trust_of(SHOWCASE)
    # Named without the folder, whose length would move the line breaks.
    context = Context(tuple(policy.id for policy in engine.policies), roots=(FILES[SHOWCASE]["trust"],))
    _compare(GOLDEN / f"{SHOWCASE}.txt", render(run.outcome, context, Style(width=100)).encode(), rewrite)


def test_nothing_is_left_over() -> None:
    wanted = {GOLDEN / f"{name}.jsonl" for name in NAMES} | {GOLDEN / f"{SHOWCASE}.txt"}
    found = {path for path in GOLDEN.rglob("*") if path.is_file()}
    assert found == wanted
    assert sum(path.stat().st_size for path in found) < MAX_BYTES

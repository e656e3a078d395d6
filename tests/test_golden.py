"""Golden replays: the same capture gives the same bytes, today, twice, and through a pipe.

`pytest --golden` writes tests/golden anew; what changes is read by eye before it is committed.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from captures import FILES, NAMES, PCAPS, TESTS, output, output_of_pipe

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
    """The command itself, on a wide page without colour."""
    environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "probe", "replay", SHOWCASE, "--trust", FILES[SHOWCASE]["trust"]]
    done = subprocess.run(
        [*command, "--format", "table", "--color", "never"],
        cwd=PCAPS,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    _compare(GOLDEN / f"{SHOWCASE}.txt", done.stdout, rewrite)


def test_nothing_is_left_over() -> None:
    wanted = {GOLDEN / f"{name}.jsonl" for name in NAMES} | {GOLDEN / f"{SHOWCASE}.txt"}
    found = {path for path in GOLDEN.rglob("*") if path.is_file()}
    assert found == wanted
    assert sum(path.stat().st_size for path in found) < MAX_BYTES

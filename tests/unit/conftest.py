"""Fixtures shared by the unit tests."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fake_core
import pki
import pytest


@dataclass(frozen=True)
class Authority:
    """A root, an intermediate below it, and the file that makes the root trusted."""

    root: pki.Issued
    intermediate: pki.Issued
    pem: str


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    root = pki.issue("Test Root", ca=True, begin=pki.NOW - 400 * pki.DAY, end=pki.NOW + 400 * pki.DAY)
    intermediate = pki.issue(
        "Test Intermediate", root, ca=True, begin=pki.NOW - 300 * pki.DAY, end=pki.NOW + 300 * pki.DAY
    )
    pem = tmp_path_factory.mktemp("roots") / "root.pem"
    pem.write_bytes(root.pem)
    return Authority(root, intermediate, str(pem))


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the stand-in in the place of the core."""
    monkeypatch.setattr(sys.modules["probe.replay"], "load_core", lambda: fake_core)


@pytest.fixture
def capture(tmp_path: Path, core: None) -> Callable[..., str]:  # noqa: ARG001 - fixtures take no usefixtures
    """Writes a capture for the stand-in and gives its path."""

    def write(*observations: dict[str, Any], file: str = "x.pcap", **rest: Any) -> str:
        totals = {"packets": 12, "bytes": 3456, "flows": 3, "by_class": {"tls": {"flows": 3, "bytes": 3456}}}
        content = {
            "batches": [{"observations": list(observations), "totals": totals, "records": '{"type":"flow"}\n'}],
            **rest,
        }
        path = tmp_path / file
        path.write_text(json.dumps(content))
        return str(path)

    return write

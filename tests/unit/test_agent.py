"""How much may be followed in the memory that the unit has, and where state goes."""

from pathlib import Path

import pytest

from probe import agent
from probe.config import Config, State
from probe.values import AbsolutePath


def test_the_least_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    process = tmp_path / "cgroup"
    process.write_text("1:name=systemd:/x\n0::/system.slice/transitproof.service\n")
    unit = tmp_path / "fs/system.slice/transitproof.service"
    unit.mkdir(parents=True)
    root = tmp_path / "fs"
    assert agent.memory_limit(process, root) is None
    (unit / "memory.max").write_text("268435456\n")
    assert agent.memory_limit(process, root) == 256 << 20
    (unit.parent / "memory.max").write_text("max\n")
    assert agent.memory_limit(process, root) == 256 << 20
    (unit.parent / "memory.max").write_text("134217728\n")
    assert agent.memory_limit(process, root) == 128 << 20
    assert agent.memory_limit(tmp_path / "none", root) is None


def test_flows_fit_into_it() -> None:
    least, most = agent.FLOWS
    assert agent.affordable(None) == most
    assert agent.affordable(64 << 20) == least
    assert least < agent.affordable(256 << 20) < most
    assert agent.affordable(8 << 30) == most


def test_where_state_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert agent.state_directory(Config()) is None
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/transitproof")
    assert agent.state_directory(Config()) == "/var/lib/transitproof"
    assert agent.state_directory(Config(state=State(directory=AbsolutePath("/srv/x")))) == "/srv/x"

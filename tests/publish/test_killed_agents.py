"""Agents killed with SIGKILL at moments of chance: what was acknowledged to the engine always arrives."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .broker import running, until
from .nursery import EACH
from .probes import tables
from .toml import write

KILLS = 600 if os.environ.get("TRANSITPROOF_FAULTS") == "full" else 30
ROOT = Path(__file__).parents[2]


def test_agents_killed_at_any_moment(tmp_path: Path) -> None:
    with running(tmp_path) as (broker, receiver):
        config = write(tmp_path / "publish.toml", tables(broker, tmp_path / "spool"))
        nursery = [sys.executable, str(Path(__file__).with_name("nursery.py")), str(config), str(KILLS), "8"]
        done = subprocess.run(nursery, cwd=ROOT, check=True, capture_output=True, timeout=10 * KILLS + 60)
        said = json.loads(done.stdout)
        assert said["drained"], (said["failure"], said["said"])
        assert said["drops"] == {}
        acknowledged = {int(agent): count for agent, count in said["acknowledged"].items()}
        assert sum(acknowledged.values()) >= 10_000
        assert len(acknowledged) >= KILLS
        wanted = {agent * EACH + number for agent, count in acknowledged.items() for number in range(count)}
        until(lambda: wanted <= {one["n"] for one in receiver.reports()}, "all that was acknowledged arrives", 60)
        reports = [one["n"] for one in receiver.reports()]
        assert len(reports) == len(set(reports)), "once each"
        by_agent: dict[int, list[int]] = {}
        for number in reports:
            by_agent.setdefault(number // EACH, []).append(number)
        for agent, numbers in by_agent.items():  # without a hole, up to some that were stored and not yet acknowledged
            assert numbers == list(range(agent * EACH, agent * EACH + len(numbers)))

"""How well `dns.tunnel` tells tunnels from what looks like them.

    cd benchmarks && ../.venv/bin/python -m tunnels [--seed N] [--scale X] [--keep DIRECTORY]

Makes a day of one network with every benign family and every tool, replays it and says which tools were found,
after how many seconds and bytes, and what was found besides. Nothing of it was used to set the detector's weights
but to see that they hold.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from .benign import FAMILIES, World
from .implants import MORE_TOOLS
from .services import MORE_FAMILIES
from .tools import TOOLS
from .wire import Query, write

RESOLVER = "10.30.9.53"


@dataclass
class Day:
    """A capture with what is in it."""

    path: Path
    benign: int
    tunnels: dict[str, tuple[str, list[Query]]] = field(default_factory=dict)
    """Tool to client and queries."""
    families: dict[tuple[str, str], str] = field(default_factory=dict)
    """Client and last two labels to family."""


def make(path: Path, seed: int, scale: float) -> Day:
    """The capture of one day; `scale` thins the benign families out."""
    rng = random.Random(seed)
    world = World(rng, clients=28, domains=3000)
    queries, day = [], Day(path, 0)
    for family in FAMILIES + MORE_FAMILIES:
        some = [query for query in family(world) if scale >= 1 or rng.random() < scale]
        day.families.update({(q.client, ending(q.name.decode("latin-1"))): family.__name__ for q in some})
        queries += some
    day.benign = len(queries)
    for number, (tool, session) in enumerate((TOOLS | MORE_TOOLS).items()):
        client = world.desktops[number % len(world.desktops)]
        name = f"tool{number}-{rng.choice(('edge', 'sync'))}.net"
        if tool.startswith("iodine_") and number < 4:
            name = "shared-relay.com"
        elif tool.startswith("shared_"):
            name = "shared-drop.net"
        mine = list(session(world, client, name))
        day.tunnels[tool] = (client, mine)
        queries += mine
    write(path, queries, RESOLVER, rng)
    return day


def ending(name: str) -> str:
    """What a registered domain is here, near enough to match a finding with its queries."""
    return ".".join(name.lower().split(".")[-2:])


def findings(path: Path, command: list[str]) -> list[dict[str, object]]:
    """Of `dns.tunnel`, in a replay."""
    run = subprocess.run([*command, "replay", "--format", "jsonl", str(path)], check=True, capture_output=True)
    return [record for record in map(json.loads, run.stdout.splitlines()) if record.get("check") == "dns.tunnel"]


@dataclass
class Outcome:
    """What became of one tool's session."""

    tool: str
    seconds: float | None = None
    names: int = 0
    """New names that went out before the alert."""
    score: float = 0


def judge(day: Day, found: list[dict[str, object]]) -> tuple[list[Outcome], list[str]]:
    """Outcome of each tool, and the false alarms."""
    outcomes, used = [], set()
    for tool, (client, queries) in day.tunnels.items():
        domains = {ending(query.name.decode("latin-1")) for query in queries}
        mine = [f for f in found if f["client"] == client and ending(str(f["domain"])) in domains]
        used |= {str(f["uid"]) for f in mine}
        outcome = Outcome(tool)
        if mine:
            first = min(mine, key=lambda f: str(f["first_alert"]))
            when = datetime.fromisoformat(str(first["first_alert"])).timestamp()
            outcome.seconds = when - queries[0].time
            outcome.names = len({query.name for query in queries if query.time <= when})
            outcome.score = float(str(first["score"]))
        outcomes.append(outcome)
    false = [f for f in found if str(f["uid"]) not in used]
    return outcomes, [told(day, f) for f in false]


def told(day: Day, finding: dict[str, object]) -> str:
    """A false alarm, with its family."""
    client, domain = str(finding["client"]), str(finding["domain"])
    family = day.families.get((client, ending(domain)), "?")
    return f"{family}: {client} {domain} {finding['score']} {finding['why']}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--keep", type=Path, help="write the capture into this directory and leave it there")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        day = make((options.keep or Path(temporary)) / "tunnels.pcap", options.seed, options.scale)
        found = findings(day.path, [str(Path(sys.executable).with_name("transitproof"))])
    outcomes, false = judge(day, found)
    for outcome in outcomes:
        line = (
            "NOT FOUND"
            if outcome.seconds is None
            else f"{outcome.seconds:10.1f} s {outcome.names:6} names   {outcome.score:.3f}"
        )
        print(f"{outcome.tool:26}{line}")
    missed = [outcome.tool for outcome in outcomes if outcome.seconds is None]
    hits = len(outcomes) - len(missed)
    print(f"found {hits} of {len(outcomes)}; {len(false)} false alarms in {day.benign:,} benign queries")
    for line in false:
        print("  ", line)
    return 0


if __name__ == "__main__":
    sys.exit(main())

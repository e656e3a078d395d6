"""Imports point one way: model, then trust and policy, checks, engine, report, output, replay, command line."""

import ast
from pathlib import Path

import pytest

import probe

ROOT = Path(probe.__file__).parent
LADDER = [
    "bounded",
    "files",
    "values",
    "hash_key",
    "model",
    "selection",
    "dns_options",
    "tunnels",
    "vpn",
    "gateway",
    "trust",
    "policy",
    "checks",
    "engine",
    "marks",
    "report",
    "output",
    "progress",
    "replay",
    "diff",
    "extract",
    "notify",
    "rights",
    "interfaces",
    "sink",
    "publish",
    "config",
    "judging",
    "journal",
    "ongoing",
    "postures",
    "state",
    "clock",
    "memory",
    "health",
    "bypass",
    "metrics",
    "identity",
    "evidence",
    "reporter",
    "reprobe",
    "gateway_file",
    "vpn_watch",
    "service",
    "agent",
    "cert",
    "run_options",
    "gateway_options",
    "trust_options",
    "publish_options",
    "arguments",
    "lookups",
    "cli",
    "__main__",
]
SIDE_BY_SIDE = {("trust", "policy"), ("policy", "trust")}


def _room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("probe"):
            found |= {f"{node.module}.{alias.name}" if node.module == "probe" else node.module for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("probe")}
    return found - {"probe.__version__", "probe._parsers"}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    module = path.relative_to(ROOT).with_suffix("").parts[0]
    if module == "__init__":
        return
    for imported in _imports(path):
        room = _room(imported)
        assert LADDER.index(room) <= LADDER.index(module), f"{path.name} imports {imported}"
        assert (module, room) not in SIDE_BY_SIDE, f"{path.name} imports {imported}"


def test_only_the_engine_loads_the_core() -> None:
    users = [path.name for path in ROOT.rglob("*.py") if "import _parsers" in path.read_text()]
    assert users == ["engine.py"]

"""What is shipped imports only what is declared: scapy (GPL) and the other judges of the tests stay outside."""

import ast
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
SHIPPED: Final = sorted(path for room in ("probe", "collector") for path in (ROOT / room).rglob("*.py"))
# The dependencies of pyproject.toml by the names under which they are imported; certifi is used where it happens to be,
# vici on gateways that ask strongSwan.
DECLARED: Final = {"aiomqtt", "paho", "cryptography", "msgspec", "OpenSSL", "service_identity", "certifi", "vici"}
COLLECTOR: Final = {
    "alembic",
    "boto3",
    "botocore",
    "cyclonedx",
    "prometheus_client",
    "jinja2",
    "markupsafe",
    "nats",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}
"""What the extras `collector` and `aws` declare, or what that is made of; probes do without."""
OWN: Final = {"probe", "collector"}


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_declared_dependencies_are_imported(path: Path) -> None:
    declared = DECLARED | COLLECTOR if path.is_relative_to(ROOT / "collector") else DECLARED
    assert _imported(path) - sys.stdlib_module_names - declared - OWN == set()

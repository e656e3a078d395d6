"""What a scenario is, and the words in which it says what its capture holds.

A scenario function plays its part in the lab and returns the flows that must be found. What it returns
is what the programs were told to do and said that they did; it knows nothing of Transitproof's own parser.
The words are those of the record contract (class, protocol, `tls.version`, …).
"""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab import Lab
    from pki import Pki

Flow = dict[str, Any]
PYPI = "pypi:"


@dataclass(frozen=True)
class Stage:
    """What a scenario has to work with. `made` finds a capture that this run or an earlier one has made."""

    lab: Lab
    pki: Pki
    captures: Path
    made: Callable[[str], dict[str, Any]]


Act = Callable[[Stage], list[Flow]]
Maker = Callable[[Stage, Path], list[Flow]]


@dataclass(frozen=True)
class Scenario:
    """One file: its name, what is in it, the packages that make it, and how."""

    name: str
    holds: str
    needs: tuple[str, ...]
    make: Maker
    notes: dict[str, Any] = field(default_factory=dict)


SCENARIOS: dict[str, Scenario] = {}


def register(scenario: Scenario) -> None:
    if scenario.name in SCENARIOS:
        raise ValueError(f"two scenarios are called {scenario.name}")
    SCENARIOS[scenario.name] = scenario


def captured(name: str, holds: str, *needs: str, **notes: Any) -> Callable[[Act], Act]:
    """The decorated act is recorded on the client's interface while it plays."""

    def decorate(act: Act) -> Act:
        def make(stage: Stage, out: Path) -> list[Flow]:
            with stage.lab.capture(out):
                return act(stage)

        register(Scenario(name, holds, ("tcpdump", *needs), make, notes))
        return act

    return decorate


def written(name: str, holds: str, *needs: str, **notes: Any) -> Callable[[Maker], Maker]:
    """The decorated function writes the file itself."""

    def decorate(make: Maker) -> Maker:
        register(Scenario(name, holds, needs, make, notes))
        return make

    return decorate


def flow(protocol: str, dst_port: int | None, kind: str, *, transport: str = "tcp", **facts: Any) -> Flow:
    """One expected flow; `kind` is its class. Facts left out are not checked."""
    ports = {} if dst_port is None else {"dst_port": dst_port}
    return {"transport": transport, **ports, "class": kind, "protocol": protocol, **facts}


def finding(check: str, **observed: Any) -> dict[str, Any]:
    """A finding that must be made: the check and the part of `observed` that tells it from others."""
    return {"check": check, **observed}


def chain(reason: str) -> dict[str, Any]:
    return finding("certificate.chain", reason=reason)


def version_of(package: str) -> str:
    """`name version` of a Debian or PyPI package; LookupError if it is not installed."""
    if package.startswith(PYPI):
        name = package.removeprefix(PYPI)
        try:
            return f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError as missing:
            raise LookupError(package) from missing
    if shutil.which("dpkg-query") is None:
        raise LookupError(package)
    query = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", package]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("ii"):
        raise LookupError(package)
    return f"{package} {done.stdout.split()[1]}"


def missing_packages(needs: Sequence[str]) -> list[str]:
    missing = []
    for package in needs:
        try:
            version_of(package)
        except LookupError:
            missing.append(package)
    return sorted(set(missing))

"""The command line: make the test captures again and write manifest.toml, list them, or check them.

Without names everything is made, with a new root certificate. Needs root (network namespaces) and the
packages that README.md lists.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from pathlib import Path

import check
from lab import Lab, LabError
from manifest import Manifest
from pki import Pki, PkiError
from scenario import PYPI, SCENARIOS, Scenario, Stage, missing_packages, version_of

# Each registers its scenarios when it is imported; this is the order of the manifest, and formats and shapes
# read what tls_versions has made.
FAMILIES = (
    "tls_versions",
    "tls_certificates",
    "tls_web",
    "tls_other",
    "tls_keys",
    "tls_refusals",
    "tls_scripted",
    "tls_starttls",
    "ipsec",
    "ipsec_cases",
    "ipsec_keys",
    "ipsec_raw",
    "ipsec_written",
    "encrypted",
    "plaintext_apps",
    "plaintext_mail",
    "plaintext_stores",
    "plaintext_network",
    "plaintext_logins",
    "formats",
    "shapes",
    "showcase",
)
CAPTURES = Path(__file__).resolve().parent.parent
KEYS = CAPTURES.parent.parent / ".build" / "pcaps-pki"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/pcaps/make", description="Make the test captures.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these files (default: all)")
    parser.add_argument("--into", type=Path, default=CAPTURES, metavar="FOLDER", help="write there, manifest.toml too")
    parser.add_argument("--list", action="store_true", help="list the files and what they hold")
    parser.add_argument("--check", action="store_true", help="compare the manifest with tshark; make nothing")
    options = parser.parse_args()
    import_families()
    if unknown := [name for name in options.names if name not in SCENARIOS]:
        parser.error(f"unknown: {' '.join(unknown)}; --list shows the names")
    chosen = [SCENARIOS[name] for name in options.names or SCENARIOS]
    if options.list:
        for scenario in chosen:
            print(f"{scenario.name:32} {scenario.holds}")
        return 0
    captures: Path = options.into
    manifest = Manifest(captures / "manifest.toml")
    if options.check:
        return check.check_all(manifest, captures, [scenario.name for scenario in chosen])
    if problem := _cannot_run(chosen):
        print(problem, file=sys.stderr)
        return 2
    try:
        return _make(chosen, manifest, captures, everything=not options.names)
    except PkiError as error:
        print(error, file=sys.stderr)
        return 2


def import_families() -> None:
    for family in FAMILIES:
        importlib.import_module(family)


def _cannot_run(chosen: list[Scenario]) -> str:
    """What is missing here, and how to get it."""
    if os.geteuid() != 0:
        return "making captures needs root: network namespaces are created"
    tools = ("iproute2", "ethtool", "procps", "tshark", "wireshark-common")
    missing = missing_packages([*tools, *(package for scenario in chosen for package in scenario.needs)])
    debian = [package for package in missing if not package.startswith(PYPI)]
    python = [package.removeprefix(PYPI) for package in missing if package.startswith(PYPI)]
    lines = []
    if debian:
        lines.append(
            "Debian packages are missing. So that no daemon starts, let /usr/sbin/policy-rc.d exit with 101, then:\n"
            f"  apt-get install --no-install-recommends {' '.join(debian)}"
        )
    if python:
        lines.append(f"Python packages are missing:\n  {sys.executable} -m pip install {' '.join(python)}")
    return "\n".join(lines)


def _make(chosen: list[Scenario], manifest: Manifest, captures: Path, *, everything: bool) -> int:
    pki = Pki(KEYS, CAPTURES / "pki")
    if everything:
        pki.create()
    elif any(
        "pypi:cryptography" in scenario.needs and "trust" not in scenario.notes for scenario in chosen
    ):  # those that issue certificates
        pki.load()
    failed = []
    with Lab() as lab:
        stage = Stage(lab, pki, captures, manifest.entry)
        for scenario in chosen:
            print(f"{scenario.name:32} ", end="", flush=True)
            try:
                _make_one(scenario, stage, manifest)
            except (LabError, subprocess.TimeoutExpired, OSError) as error:
                failed.append(scenario.name)
                print(f"failed: {error}")
            else:
                entry = manifest.entry(scenario.name)
                print(f"{entry['packets']:>5} packets {(captures / scenario.name).stat().st_size:>8} bytes")
    manifest.write(list(SCENARIOS))
    if failed:
        print(f"failed: {' '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _make_one(scenario: Scenario, stage: Stage, manifest: Manifest) -> None:
    out = stage.captures / scenario.name
    out.parent.mkdir(parents=True, exist_ok=True)
    flows = scenario.make(stage, out)
    link_type, packets = check.properties(out)
    manifest.files[scenario.name] = {
        "name": scenario.name,
        "holds": scenario.holds,
        "made_with": [version_of(package) for package in dict.fromkeys(scenario.needs)],
        "link_type": link_type,
        "packets": packets,
        "trust": "pki/root.pem",
        **scenario.notes,
        "flow": flows,
    }

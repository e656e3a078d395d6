"""Command line: `python -m workloads DIRECTORY [NAME…]`, run in benchmarks/."""

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from . import handshakes, mix, queries, small
from .capture import Size
from .recorder import load_recordings

NAMES: Final = ("mix", "small", "handshakes", "dns")
SEED: Final = 20260101


def make(name: str, path: Path, recordings: Path, seed: int, scale: float) -> Size:
    """Write the capture of one workload."""
    if name == "small":
        return small.make(path, seed, scale)
    if name == "dns":
        return queries.make(path, seed, scale)
    if name == "mix":
        return mix.make(path, load_recordings(recordings), seed, scale)
    return handshakes.make(path, load_recordings(recordings), seed, scale)


def describe(path: Path, size: Size, seed: int, scale: float) -> dict[str, Any]:
    """The manifest's entry of a finished capture."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {**size._asdict(), "bytes": path.stat().st_size, "sha256": digest, "seed": seed, "scale": scale}


def main() -> int:
    """Make the captures that are asked for, and note them in manifest.json."""
    parser = argparse.ArgumentParser(prog="workloads", description="Make the benchmark captures.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (all)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--scale", type=float, default=1.0, help="1 for the full size (1.9 GB in all)")
    parser.add_argument("--recordings", type=Path, help="cache of TLS handshakes (DIRECTORY/recordings.json)")
    arguments = parser.parse_args()
    names = arguments.names or list(NAMES)
    if unknown := set(names) - set(NAMES):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}")
    directory: Path = arguments.directory
    directory.mkdir(parents=True, exist_ok=True)
    recordings = arguments.recordings or directory / "recordings.json"
    manifest_path = directory / "manifest.json"
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {}
    for name in names:
        started = time.monotonic()
        # Under another name until it is whole, so that an interrupted run leaves no capture to measure with.
        path, partial = directory / f"{name}.pcap", directory / f"{name}.partial"
        size = make(name, partial, recordings, arguments.seed, arguments.scale)
        partial.replace(path)
        manifest[name] = describe(path, size, arguments.seed, arguments.scale)
        manifest_path.write_text(json.dumps(manifest, indent=1) + "\n")
        sys.stderr.write(
            f"{path}: {size.packets:,} packets, {size.flows:,} flows, {time.monotonic() - started:.1f} s\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Certificates that TLS 1.3 hides, read with keys, beside those that tshark reads: python benchmarks/decrypted.py PATH…

    --keylog FILE     secrets besides those in the captures; given to both (repeatable)

For each flow of TLS 1.3, over TCP or QUIC, in the captures (files, or folders of them): SHA-256 of every certificate of
either side. Prints each disagreement and the counts; ends with 1 if there is one.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import probe

HIDDEN = "TLSv1.3"  # tshark does not open DTLS 1.3
ADDRESSES = ("ip.src", "ipv6.src", "ip.dst", "ipv6.dst")
PORTS = ("tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport")
Flow = frozenset[tuple[str, str]]


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--keylog", action="append", default=[], type=Path)
    options = parser.parse_args()
    flows, certificates, differing = 0, 0, 0
    with tempfile.NamedTemporaryFile("w", suffix=".log") as keys:
        keys.write("".join(path.read_text() for path in options.keylog))
        keys.flush()
        for path in captures(options.paths):
            hidden = set(ours := read(path, options.keylog))
            if not hidden:
                continue
            theirs = tshark(path, keys.name, hidden)
            for flow in sorted(hidden, key=sorted):
                a, b = ours[flow], theirs.get(flow, Counter())
                flows, certificates = flows + bool(b), certificates + b.total()
                if a != b:
                    differing += 1
                    print(
                        f"{path}: {sorted(flow)}: {a.total()} here, {b.total()} by tshark, {(a & b).total()} the same"
                    )
    print(f"{flows} flows of TLS 1.3 with {certificates} certificates that tshark reads; {differing} flows differ")
    return int(differing > 0)


def captures(paths: Sequence[Path]) -> Iterator[Path]:
    """The files, and those in folders that are captures by name."""
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in {".pcap", ".pcapng", ".cap"})
        else:
            yield path


def read(path: Path, keylog: Sequence[Path]) -> dict[Flow, Counter[str]]:
    """What a replay says of each flow of TLS 1.3."""
    found: dict[Flow, Counter[str]] = {}
    for record in probe.replay(path, keylog=keylog):
        tls = record.get("tls", {})
        if record["type"] == "flow" and tls.get("version") == HIDDEN:
            here = found.setdefault(_flow(record), Counter())
            here.update([*tls.get("certificates", ()), *tls.get("client_certificates", ())])
    return found


def _flow(record: dict[str, Any]) -> Flow:
    return frozenset((record[f"{end}_ip"], str(record[f"{end}_port"])) for end in ("src", "dst"))


def tshark(path: Path, keylog: str, wanted: set[Flow]) -> dict[Flow, Counter[str]]:
    """What tshark says of these flows."""
    command = ["tshark", "-r", str(path), "-Y", "tls.handshake.certificate", "-T", "fields", "-E", "occurrence=a"]
    command += ["-o", f"tls.keylog_file:{keylog}"]
    fields = [part for name in (*ADDRESSES, *PORTS, "tls.handshake.certificate") for part in ("-e", name)]
    done = subprocess.run([*command, *fields], capture_output=True, text=True, check=False)
    found: dict[Flow, Counter[str]] = {}
    for line in done.stdout.splitlines():
        *columns, ders = line.split("\t")
        # In tunnels the last of each is the innermost.
        ends = [next(value for value in columns[at : at + 2] if value).split(",")[-1] for at in range(0, 8, 2)]
        flow = frozenset(((ends[0], ends[2]), (ends[1], ends[3])))
        if flow in wanted:
            certificates = (bytes.fromhex(der.replace(":", "")) for der in ders.split(","))
            found.setdefault(flow, Counter()).update(sha256(der).hexdigest() for der in certificates)
    return found


if __name__ == "__main__":
    sys.exit(main())

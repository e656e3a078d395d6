"""What a replay of the mix gets right, flow by flow, against the truth that was written with the capture.

Speed without this says little: a program that throws streams away is fast. Each line counts the flows of one kind
that were reported at all, and of these the ones whose class, protocol, version, server name, packets and bytes agree.
"""

import argparse
import csv
import json
import shlex
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from run import FULL_SCALE, QUICK_SCALE, default_probe, load_workloads

Ends = tuple[str, tuple[str, int], tuple[str, int]]
Kind = tuple[str, str, str, str]

ASPECTS = ("class", "protocol", "version", "sni", "packets", "bytes")


def read_truth(path: Path) -> Iterator[dict[str, str]]:
    """The lines of the CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def both_ways(transport: str, one: tuple[str, int], other: tuple[str, int]) -> Ends:
    """A 5-tuple without direction: of a flow without SYN only its first packet says who began."""
    return transport, min(one, other), max(one, other)


def read_flows(command: list[str]) -> dict[Ends, list[dict[str, Any]]]:
    """The flow records that the probe prints, by their ends."""
    flows: dict[Ends, list[dict[str, Any]]] = defaultdict(list)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as probe:
        for line in probe.stdout or ():
            record = json.loads(line)
            if record["type"] == "flow":
                ports = record.get("src_port", 0), record.get("dst_port", 0)
                ends = both_ways(record["transport"], (record["src_ip"], ports[0]), (record["dst_ip"], ports[1]))
                flows[ends].append(record)
    if probe.returncode:
        sys.exit(f"{shlex.join(command)}: exit code {probe.returncode}")
    return flows


def aspects(record: dict[str, Any]) -> dict[str, str]:
    """A record in the words of the truth."""
    tls = record.get("tls", {})
    version = f"IKEv{record['ike']['version']}" if "ike" in record else tls.get("version", "")
    return {
        "class": record["class"],
        "protocol": record.get("protocol", ""),
        "version": version,
        "sni": tls.get("sni", ""),
        "packets": str(sum(record["packets"])),
        "bytes": str(sum(record["bytes"])),
    }


def compare(truth: Iterable[dict[str, str]], flows: dict[Ends, list[dict[str, Any]]]) -> dict[Kind, Counter[str]]:
    """For each kind of flow, how many there are, were reported, and agree in each aspect."""
    counts: dict[Kind, Counter[str]] = defaultdict(Counter)
    for line in truth:
        count = counts[line["class"], line["protocol"], line["version"], line["detail"]]
        count["flows"] += 1
        src, dst = (line["src_ip"], int(line["src_port"])), (line["dst_ip"], int(line["dst_port"]))
        ends = both_ways(line["transport"], src, dst)
        if not flows[ends]:
            continue
        count["reported"] += 1
        reported = aspects(flows[ends].pop(0))
        count.update(aspect for aspect in ASPECTS if reported[aspect] == line[aspect])
    return counts


def main() -> int:
    """Exit code 1 when a flow is missing or differs in anything."""
    parser = argparse.ArgumentParser(description="Compare a replay of the mix with its truth.")
    parser.add_argument("--probe", default=default_probe(), help="command to check; the file is appended (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="the capture of a tenth of the size")
    arguments = parser.parse_args()
    (workload,) = load_workloads(["mix"], QUICK_SCALE if arguments.quick else FULL_SCALE)
    flows = read_flows([*shlex.split(arguments.probe), str(workload.path)])
    counts = compare(read_truth(workload.path.with_suffix(".truth.csv")), flows)
    print(f"{'kind':44}" + "".join(f"{column:>10}" for column in ("flows", "reported", *ASPECTS)))
    for kind, count in sorted(counts.items(), key=lambda entry: -entry[1]["flows"]):
        name = " ".join(word for word in kind if word)
        print(f"{name:44}" + "".join(f"{count[column]:>10}" for column in ("flows", "reported", *ASPECTS)))
    extra = sum(map(len, flows.values()))
    print(f"{extra} flow records beyond the truth")
    agrees = all(count[aspect] == count["flows"] for count in counts.values() for aspect in ASPECTS)
    return 0 if agrees and not extra else 1


if __name__ == "__main__":
    sys.exit(main())

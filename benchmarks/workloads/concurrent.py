"""Many flows at once: each opens with a SYN and an SSH banner, after which nothing is to be learnt of it, or with a SYN
only (a flood); then packets of flows drawn at random. For `growth.py`.

    python -m workloads.concurrent FILE FLOWS PACKETS [--flood]
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from .capture import EPOCH_MICROSECONDS, FILE_HEADER
from .conversation import TCP
from .small import IP_FIELDS, RECORD_HEADER, TCP_FIELDS
from .tcp import ACK, PSH, SYN

Ints = npt.NDArray[np.int64]

BANNER: Final = b"SSH-2.0-OpenSSH_9.2\r\n"
FRAME: Final = 14 + 40 + len(BANNER)
LAYOUT: Final = np.dtype([*IP_FIELDS, *TCP_FIELDS, ("payload", "S1", len(BANNER))])

# Eight million packets in 80 seconds: no flow falls silent for as long as ends it.
INTERVAL_MICROSECONDS: Final = 10
BLOCK: Final = 200_000
PORTS: Final = 1 << 14


def frames(flow: Ints, at: Ints, flags: int, *, banner: bool) -> npt.NDArray[np.void]:
    """One segment from the client of each flow. Checksums are left out: nobody here looks at them."""
    made = np.zeros(len(flow), LAYOUT)
    made["seconds"], made["microseconds"] = np.divmod(EPOCH_MICROSECONDS + at * INTERVAL_MICROSECONDS, 1_000_000)
    made["captured"] = made["original"] = FRAME
    made["ethernet_destination"][:, 0] = made["ethernet_source"][:, 0] = 2
    made["ethertype"] = 0x0800
    made["version_and_length"] = 0x45
    made["total_length"] = 40 + (len(BANNER) if banner else 0)
    made["ttl"] = 64
    made["protocol"] = TCP
    made["source"] = (10 << 24) + flow // PORTS
    made["destination"] = (198 << 24 | 18 << 16) + flow % 251
    made["source_port"] = 40_000 + flow % PORTS
    made["destination_port"] = 22
    made["sequence"] = 0 if flags & SYN else 1
    made["data_offset"] = 0x50
    made["flags"] = flags
    made["window"] = 502
    if banner:
        made["payload"] = np.frombuffer(BANNER, "S1")
    return made


def write(path: Path, flows: int, packets: int, *, flood: bool) -> None:
    """The openings of all flows, then `packets` acknowledgements."""
    generator = np.random.default_rng(flows)
    opening = [(SYN, False)] if flood else [(SYN, False), (ACK | PSH, True)]
    at = 0
    with path.open("wb") as file:
        file.write(FILE_HEADER)
        for start in range(0, flows, BLOCK):
            flow = np.arange(start, min(start + BLOCK, flows))
            for flags, banner in opening:
                file.write(frames(flow, at + np.arange(len(flow)), flags, banner=banner).tobytes())
                at += len(flow)
        for start in range(0, packets, BLOCK):
            flow = generator.integers(0, flows, min(BLOCK, packets - start))
            file.write(frames(flow, at + np.arange(len(flow)), ACK, banner=False).tobytes())
            at += len(flow)


def main() -> None:
    """Write one capture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("flows", type=int)
    parser.add_argument("packets", type=int)
    parser.add_argument("--flood", action="store_true")
    arguments = parser.parse_args()
    assert LAYOUT.itemsize == RECORD_HEADER + FRAME
    write(arguments.file, arguments.flows, arguments.packets, flood=arguments.flood)


if __name__ == "__main__":
    main()

"""What one more packet of a flow costs, by what the flow is: instructions, as valgrind counts them, and time.

    .venv/bin/python benchmarks/per_packet.py [--time]

Each kind is one flow of a kilobyte a packet in both directions. The cost is the difference between a capture of many
packets and one of few, so that neither start-up nor the flow's opening counts.
"""

import argparse
import random
import shlex
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import measure
from run import default_probe

FEW, MANY = 5_000, 65_000  # for counting; all that valgrind has to run
TIMED = 500_000  # for the clock, 500 MB a kind
PAYLOAD = 1000
INTERVAL_US = 50  # 20,000 packets a second

Frame = Callable[[int, bool, bytes], bytes]
"""The number of the packet in its direction, whether it goes back, its payload: the IP packet behind the header."""


def esp(number: int, back: bool, payload: bytes) -> bytes:
    """RFC 4303, an SPI for each direction."""
    return struct.pack(">II", 0xC0FF_EE00 + back, number) + payload


def datagram(payload: bytes, source: int, destination: int) -> bytes:
    """UDP without a checksum."""
    return struct.pack(">HHHH", source, destination, 8 + len(payload), 0) + payload


def udp(_number: int, back: bool, payload: bytes) -> bytes:
    """Of no protocol that anybody knows."""
    return datagram(payload, *((41_000, 40_000) if back else (40_000, 41_000)))


def esp_in_udp(number: int, back: bool, payload: bytes) -> bytes:
    """RFC 3948."""
    return datagram(esp(number, back, payload), 4500, 4500)


def tcp(number: int, back: bool, payload: bytes) -> bytes:
    """In the middle of a connection of no protocol that anybody knows."""
    ports = (41_000, 40_000) if back else (40_000, 41_000)
    return struct.pack(">HHIIBBHHH", *ports, number * len(payload), 1, 5 << 4, 0x10, 65_535, 0, 0) + payload


KINDS: dict[str, tuple[int, Frame]] = {
    "TCP, settled": (6, tcp),
    "UDP, settled": (17, udp),
    "ESP": (50, esp),
    "ESP in UDP": (17, esp_in_udp),
}


def packets(transport: int, frame: Frame, count: int) -> Iterator[bytes]:
    """Records of a pcap file, directions in turn."""
    source = random.Random(transport)
    ends = [bytes((198, 51, 100, 1)), bytes((203, 0, 113, 1))]
    payload = source.randbytes(PAYLOAD)
    for at in range(count):
        back = bool(at % 2)
        body = frame(1 + at // 2, back, payload)
        src, dst = reversed(ends) if back else ends
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), at & 0xFFFF, 0, 64, transport, 0) + src + dst
        data = bytes(12) + b"\x08\x00" + ip + body
        time = at * INTERVAL_US
        yield struct.pack("<IIII", 1_700_000_000 + time // 1_000_000, time % 1_000_000, len(data), len(data)) + data


def write(path: Path, transport: int, frame: Frame, count: int) -> str:
    """A capture of one flow."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        file.writelines(packets(transport, frame, count))
    return str(path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure what one more packet costs, by kind of flow.")
    parser.add_argument("--probe", default=default_probe(), help="command to measure (%(default)s)")
    parser.add_argument("--time", action="store_true", help="also CPU time, median of five (2 GB of captures)")
    arguments = parser.parse_args()
    probe = measure.absolute(shlex.split(arguments.probe))
    print("| flow | instructions a packet | ns a packet |\n|---|---:|---:|")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "one.pcap"
        for name, (transport, frame) in KINDS.items():
            counted = [measure.instructions([*probe, write(path, transport, frame, count)]) for count in (MANY, FEW)]
            cost = (counted[0] - counted[1]) / (MANY - FEW)
            time = ""
            if arguments.time:
                few = [measure.run([*probe, str(path)]).cpu_seconds for _ in range(5)]
                write(path, transport, frame, TIMED)
                many = [measure.run([*probe, str(path)]).cpu_seconds for _ in range(5)]
                time = f"{(median(many) - median(few)) / (TIMED - FEW) * 1e9:.0f}"
            print(f"| {name} | {cost:.0f} | {time} |", flush=True)


if __name__ == "__main__":
    main()

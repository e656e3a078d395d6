"""What one more packet of a flow costs, by what the flow is: instructions, as valgrind counts them, and time.

    .venv/bin/python benchmarks/per_packet.py [--time]

Each kind is one flow of a kilobyte a packet in both directions; HTTP is requests and answers over many connections. The
cost is the difference between a capture of many packets and one of few, so that neither start-up nor a flow's opening
counts, but for those of HTTP, each a part in hundreds.
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
REQUESTS = 200  # on one connection of HTTP
FIELDS = b"".join(
    b"%s: %s\r\n" % field
    for field in (
        (b"Host", b"shop.example"),
        (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        (b"Accept", b"image/avif,image/webp,*/*;q=0.8"),
        (b"Accept-Language", b"en-GB,en;q=0.5"),
        (b"Accept-Encoding", b"gzip, deflate"),
        (b"Connection", b"keep-alive"),
        (b"Cookie", b"session=0123456789abcdef; theme=dark"),
    )
)

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


def segment(number: int, payload: bytes, source: int, destination: int) -> bytes:
    """TCP without a checksum, in the middle of a connection whose segments are all of this size."""
    return (
        struct.pack(">HHIIBBHHH", source, destination, number * len(payload), 1, 5 << 4, 0x10, 65_535, 0, 0) + payload
    )


def tcp(number: int, back: bool, payload: bytes) -> bytes:
    """Of no protocol that anybody knows."""
    return segment(number, payload, *((41_000, 40_000) if back else (40_000, 41_000)))


def http(number: int, back: bool, payload: bytes) -> bytes:
    """Requests and answers in turn, so many on a connection that logins are looked for in all of them."""
    port = 40_000 + number // REQUESTS
    if back:
        return segment(number, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(payload) + payload, 80, port)
    return segment(number, b"GET /img/17.png HTTP/1.1\r\n" + FIELDS + b"\r\n", port, 80)


KINDS: dict[str, tuple[int, Frame]] = {
    "TCP, settled": (6, tcp),
    "HTTP, asked and answered": (6, http),
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

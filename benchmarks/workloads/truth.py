"""What a workload holds, one line a flow, in the words of the record contract.

`packets` and `bytes` count both directions, bytes from the IP header on, with repeated segments. `detail` tells
what else can be found: how a chain is broken, where STARTTLS began, a DNS tunnel, ESP in UDP.
"""

import csv
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from .conversation import CLIENT, ESP, ICMP, SERVER, TCP, UDP, Conversation

TRANSPORTS = {ICMP: "icmp", TCP: "tcp", UDP: "udp", ESP: "esp"}


@dataclass(frozen=True, slots=True)
class Line:
    """One flow; `start` in microseconds since the first instant of the capture."""

    flow_class: str
    protocol: str
    version: str
    sni: str
    detail: str
    transport: str
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    packets: int
    bytes: int
    start: int


class Truth:
    """The lines of one capture."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def note(
        self,
        flow: Conversation,
        flow_class: str,
        protocol: str = "",
        *,
        version: str = "",
        sni: str = "",
        detail: str = "",
    ) -> None:
        """Write down a finished conversation."""
        source, destination = flow.address(CLIENT), flow.address(SERVER)
        ends = (source, flow.ports[CLIENT], destination, flow.ports[SERVER])
        counts = (len(flow.frames), flow.bytes, flow.start)
        self.lines.append(Line(flow_class, protocol, version, sni, detail, TRANSPORTS[flow.protocol], *ends, *counts))

    def save(self, path: Path) -> None:
        """As CSV with a header line."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow("class" if field.name == "flow_class" else field.name for field in fields(Line))
            writer.writerows(astuple(line) for line in self.lines)

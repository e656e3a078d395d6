"""TLS between two OpenSSL ends in memory, written as a capture: real handshakes in milliseconds, without processes.

What the ends agreed on is theirs to say (`ssl.SSLObject`), so it can be compared with what a replay finds.
"""

import itertools
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CLIENT, SERVER = 0, 1
_ADDRESSES: Final = ("192.0.2.10", "198.51.100.10")
_MAC: Final = "02:00:00:00:00:01"
_SEGMENT: Final = 1400
BEGIN: Final = 1_790_000_000
"""Seconds since the epoch of the first packet."""
_ROUNDS: Final = 12
"""Handshakes take at most four; more means that one does not end."""


@dataclass(frozen=True)
class Conversation:
    """Flights as (sender, bytes), and the client's end."""

    flights: list[tuple[int, bytes]]
    client: ssl.SSLObject


def converse(
    client: ssl.SSLContext, server: ssl.SSLContext, *, name: str = "www.example.test", session: Any = None
) -> Conversation:
    """Handshake, a request, an answer and the farewell. A handshake that one side refuses ends with its alert."""
    sent, received = [ssl.MemoryBIO(), ssl.MemoryBIO()], [ssl.MemoryBIO(), ssl.MemoryBIO()]
    ours = client.wrap_bio(received[CLIENT], sent[CLIENT], server_hostname=name, session=session)
    theirs = server.wrap_bio(received[SERVER], sent[SERVER], server_side=True)
    flights: list[tuple[int, bytes]] = []
    steps = [
        _steps(ours, b"GET / HTTP/1.1\r\n\r\n", CLIENT),
        _steps(theirs, b"HTTP/1.1 204 No Content\r\n\r\n", SERVER),
    ]
    open_sides = {CLIENT, SERVER}
    for _, side in itertools.product(range(_ROUNDS), (CLIENT, SERVER)):
        if side in open_sides and next(steps[side], None) is None:
            open_sides.discard(side)
        if data := sent[side].read():
            flights.append((side, data))
            received[1 - side].write(data)
    return Conversation(flights, ours)


def _steps(end: ssl.SSLObject, words: bytes, side: int) -> Iterable[bool]:
    """One step of one end at a time, until it is done or has given up."""

    def tried(act: Any) -> Iterable[bool]:
        while True:
            try:
                act()
            except ssl.SSLWantReadError:
                yield True
            except ssl.SSLError:
                return
            else:
                return

    def speak() -> None:
        end.write(words)

    yield from tried(end.do_handshake)
    if side == CLIENT:
        yield from tried(speak)
        yield True
    yield from tried(lambda: end.read(4096))
    if side == SERVER:
        yield from tried(speak)
        yield True
    yield from tried(end.unwrap)


class _Connection:
    """Packets of one TCP connection."""

    def __init__(self, ports: tuple[int, int], moment: "itertools.count[int]") -> None:
        self.ports = ports
        self.moment = moment
        self.numbers = [1000, 5000]

    def packet(self, sender: int, flags: str, data: bytes = b"") -> Any:
        from scapy.layers.inet import IP, TCP
        from scapy.layers.l2 import Ether

        ports, numbers = (self.ports[sender], self.ports[1 - sender]), (self.numbers[sender], self.numbers[1 - sender])
        segment = TCP(sport=ports[0], dport=ports[1], seq=numbers[0], ack=numbers[1], flags=flags)
        made = Ether(src=_MAC, dst=_MAC) / IP(src=_ADDRESSES[sender], dst=_ADDRESSES[1 - sender]) / segment / data
        made.time = BEGIN + next(self.moment) / 1000
        self.numbers[sender] += len(data) + (1 if set(flags) & set("SF") else 0)
        return made


def write(path: Path, conversations: Iterable[Iterable[tuple[int, bytes]]], *, port: int = 443) -> Path:
    """The conversations, each by its flights, as TCP connections, one after the other."""
    from scapy.utils import wrpcap

    packets: list[Any] = []
    moment = itertools.count()
    for number, conversation in enumerate(conversations):
        tcp = _Connection((40_000 + number, port), moment)
        packets += [tcp.packet(CLIENT, "S"), tcp.packet(SERVER, "SA"), tcp.packet(CLIENT, "A")]
        for sender, data in conversation:
            packets += [tcp.packet(sender, "PA", data[at : at + _SEGMENT]) for at in range(0, len(data), _SEGMENT)]
        packets += [tcp.packet(CLIENT, "FA"), tcp.packet(SERVER, "FA")]
    wrpcap(str(path), packets)
    return path


def recorded(trace: Path) -> tuple[list[tuple[int, bytes]], str]:
    """A trace of the Rust tests: flights, and the lines of its key log."""
    lines = [line.split(" ", 1) for line in trace.read_text().splitlines()]
    flights = [(CLIENT if mark == ">" else SERVER, bytes.fromhex(rest)) for mark, rest in lines if mark != "k"]
    return flights, "".join(f"{rest}\n" for mark, rest in lines if mark == "k")


def write_datagrams(path: Path, datagrams: Iterable[tuple[int, bytes]], *, port: int = 5684) -> Path:
    """One conversation over UDP."""
    from scapy.layers.inet import IP, UDP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    packets = []
    for moment, (sender, data) in enumerate(datagrams):
        ports = (40_000, port) if sender == CLIENT else (port, 40_000)
        header = UDP(sport=ports[0], dport=ports[1])
        made = Ether(src=_MAC, dst=_MAC) / IP(src=_ADDRESSES[sender], dst=_ADDRESSES[1 - sender]) / header / data
        made.time = BEGIN + moment / 1000
        packets.append(made)
    wrpcap(str(path), packets)
    return path

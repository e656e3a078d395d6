"""The same counters for Prometheus, in its text format 0.0.4, served on the loopback where that was asked for."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from probe import __version__
from probe.health import Counters

MAX_REQUEST: Final = 8192  # bytes of its head; a scraper sends some 200
PATIENCE: Final = 5.0  # seconds for a request
_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def text(counters: Counters) -> str:
    """One page."""
    return "".join(f"{line}\n" for family in _families(counters) for line in family)


def _families(now: Counters) -> Iterator[list[str]]:
    rings = now.interfaces
    totals, bypass = now.totals, now.bypass
    yield _family("info", "gauge", "Version of the agent.", [({"version": __version__}, 1)])
    yield _family("uptime_seconds", "gauge", "Since the start.", [({}, round(now.elapsed, 3))])
    for what, told in (
        ("packets", "Packets that reached the ring, lost ones included."),
        ("drops", "Packets for which the ring had no room: they are in no record."),
        ("freezes", "Times that the ring was full."),
    ):
        rows = [({"interface": ring.name}, getattr(ring, what)) for ring in rings]
        yield _family(f"interface_{what}_total", "counter", told, rows)
    rows = [({"interface": ring.name}, int(ring.present)) for ring in rings]
    yield _family("interface_present", "gauge", "Whether the interface is there.", rows)
    yield _family("packets_total", "counter", "Packets read.", [({}, totals["packets"])])
    yield _family("bytes_total", "counter", "Bytes of them at the IP layer.", [({}, totals["bytes"])])
    if bypass is not None:
        yield _family("bypass_flows", "gauge", "Flows whose packets the kernel counts.", [({}, bypass.flows)])
        yield _family("bypass_packets_total", "counter", "Packets that it counted.", [({}, bypass.packets)])
        yield _family("bypass_bytes_total", "counter", "Bytes of them at the IP layer.", [({}, bypass.bytes)])
    by_class = totals.get("by_class", {})
    for what in ("flows", "packets", "bytes"):
        rows = [({"class": name}, sums[what]) for name, sums in by_class.items()]
        yield _family(f"class_{what}_total", "counter", f"{what.capitalize()} of flow records by class.", rows)
    yield _family("open_flows", "gauge", "Flows followed now.", [({}, now.open_flows)])
    yield _family("open_flows_max", "gauge", "Flows that can be followed.", [({}, now.max_flows)])
    for name, told, counts in (
        ("limits_total", "What was given up because a limit was hit.", now.limits),
        ("malformed_total", "Packets whose headers could not be read.", totals.get("malformed", {})),
        ("events_total", "What happened to the agent.", now.events),
        ("sink_total", "What became of reports.", now.sink),
    ):
        yield _family(name, "counter", told, [({"what": what}, count) for what, count in sorted(counts.items())])
    yield _family("resident_memory_bytes", "gauge", "Memory.", [({}, now.memory)])
    yield _family("cpu_seconds_total", "counter", "Processor time.", [({}, round(now.cpu, 3))])


def _family(name: str, kind: str, told: str, rows: list[tuple[dict[str, str], float]]) -> list[str]:
    if not rows:
        return []
    full = f"transitproof_{name}"
    lines = [f"# HELP {full} {told}", f"# TYPE {full} {kind}"]
    for labels, value in rows:
        inside = ",".join(f'{label}="{_escaped(word)}"' for label, word in labels.items())
        lines.append(f"{full}{{{inside}}} {value}" if inside else f"{full} {value}")
    return lines


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


async def serve(where: str, counters: Callable[[], Counters]) -> asyncio.Server:
    """Listen at `host:port`. Raises OSError."""
    host, _, port = where.rpartition(":")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            wanted = head.split(b"\r\n", 1)[0].split(b" ")
            found = wanted[:2] == [b"GET", b"/metrics"]
            body = text(counters()).encode() if found else b"see /metrics\n"
            status = "200 OK" if found else "404 Not Found"
            fields = (
                f"HTTP/1.1 {status}",
                f"Content-Type: {_TYPE}",
                f"Content-Length: {len(body)}",
                "Connection: close",
            )
            writer.write("\r\n".join(fields).encode() + b"\r\n\r\n" + body)
            await asyncio.wait_for(writer.drain(), PATIENCE)
        writer.close()

    return await asyncio.start_server(answer, host.strip("[]"), int(port), limit=MAX_REQUEST)

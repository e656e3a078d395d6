"""Sinks as the tests want them, and reports that can be counted."""

from pathlib import Path
from typing import Any

from probe.publish import settings
from probe.publish.sink import Published

from .broker import Mosquitto

PAYLOAD = "x" * 300


def report(number: int, kind: str = "rollup") -> bytes:
    return f'{{"type":"{kind}","n":{number},"payload":"{PAYLOAD}"}}'.encode()


def numbers(reports: list[dict[str, Any]]) -> list[int]:
    return [one["n"] for one in reports]


def tables(broker: Mosquitto, spool: Path, name: str = "gw-1", **mqtt: Any) -> dict[str, Any]:
    certificate, key = broker.pki.client(name)
    given = {"host": broker.host, "port": broker.port, "ca": str(broker.pki.ca), "timeout": "2s"}
    given |= {"certificate": str(certificate), "key": str(key), "keep_alive": "2s"}
    return {
        "identity": {"id": name, "site": "lab"},
        "spool": {"directory": str(spool)},
        "mqtt": {**given, **mqtt},
    }


class Probe:
    """A sink with its log."""

    def __init__(self, wanted: dict[str, Any], wait: float = 0.2) -> None:
        self.said: list[str] = []
        self.sink = Published(settings.read(wanted), self.said.append)
        self.sink.start()
        for outlet in self.sink.outlets:  # tests do not wait for minutes
            outlet.sender._backoff._longest = wait

    def say(self, first: int, count: int, kind: str = "rollup") -> None:
        for number in range(first, first + count):
            self.sink.put(kind, report(number, kind))
        self.sink.flush()

    def drained(self, seconds: float = 60) -> bool:
        return self.sink.drain(seconds)

    def close(self) -> None:
        self.sink.close()

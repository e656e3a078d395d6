"""Where the agent's reports go: the line between the service and what publishes.

The service makes reports and knows nothing of their way; a sink takes them and knows nothing of packets. All calls but
`counters` come from one thread, the one that captures: while a sink blocks, the ring fills, so what may take long (a
broker, a disk) belongs behind a bounded queue of the sink's own.
"""

from typing import BinaryIO, Final, Literal, Protocol

Kind = Literal["state", "finding", "rollup", "certificate", "tunnel", "health"]
"""What a report is, as in its `type`, and the last word of its MQTT topic."""

KINDS: Final[tuple[Kind, ...]] = ("state", "finding", "rollup", "certificate", "tunnel", "health")


class Sink(Protocol):
    """One end."""

    def start(self) -> None:
        """Called once the service has given up its rights: what has threads and sockets of its own begins here."""

    def put(self, kind: Kind, item: bytes) -> None:
        """Take one report: a JSON object in UTF-8, without a line end.

        A sink that cannot keep it counts it and says so in `counters`; it does not raise. BrokenPipeError alone means
        that nobody reads any more, which ends the service.
        """

    def flush(self) -> None:
        """Called after each batch of reports, and at least once for each interval of rollups."""

    def close(self) -> None:
        """After the last report: hand over or keep what is held, within seconds."""

    def counters(self) -> dict[str, int]:
        """For health records and metrics: what was put, sent, kept and lost. May be called from another thread."""


class JsonLines:
    """Reports to a stream as they come, one a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._put = 0

    def start(self) -> None:
        """The stream is open."""

    def put(self, kind: Kind, item: bytes) -> None:  # noqa: ARG002 - the item says itself what it is
        """Into the stream's buffer."""
        self._stream.write(item + b"\n")
        self._put += 1

    def lines(self, records: bytes) -> None:
        """Records that are no reports: flows, where they were asked for, and the summary."""
        self._stream.write(records)

    def flush(self) -> None:
        """So that a reader sees them at once."""
        self._stream.flush()

    def close(self) -> None:
        """The stream belongs to the caller."""
        self._stream.flush()

    def counters(self) -> dict[str, int]:
        """How many were written."""
        return {"put": self._put}


class Several:
    """One sink for many: each gets every report, in the given order."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def start(self) -> None:
        """Each."""
        for sink in self._sinks:
            sink.start()

    def put(self, kind: Kind, item: bytes) -> None:
        """To each."""
        for sink in self._sinks:
            sink.put(kind, item)

    def flush(self) -> None:
        """Each."""
        for sink in self._sinks:
            sink.flush()

    def close(self) -> None:
        """Each."""
        for sink in self._sinks:
            sink.close()

    def counters(self) -> dict[str, int]:
        """All of them; a name that two have is added up."""
        counters: dict[str, int] = {}
        for sink in self._sinks:
            for name, count in sink.counters().items():
                counters[name] = counters.get(name, 0) + count
        return counters

"""A broker with the limits and habits of AWS IoT Core, which tests cannot reach. MQTT 3.1.1 and 5, publishing only.

What breaks a rule is answered as there: the connection ends, or no answer comes. Numbers from AWS's own documents
("AWS IoT Core endpoints and quotas", "MQTT").
"""

import asyncio
import contextlib
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .broker import HOST

LARGEST_PAYLOAD = 128 * 1024
LONGEST_TOPIC = 256
MOST_SLASHES = 7
LONGEST_CLIENT_ID = 128
PUBLISHES_PER_SECOND = 100
BYTES_PER_SECOND = 512 * 1024
ALPN = "x-amzn-mqtt-ca"
CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 12, 13, 14


@dataclass
class Broker:
    """Runs in a thread of its own until `stop`."""

    context: ssl.SSLContext | None
    alpn: bool = True
    five: bool = True
    """False: a broker of old, that knows 3.1.1 only."""
    twice: int = 0
    """Every so many messages are delivered twice, without DUP and with another packet id."""
    refuse: list[int] = field(default_factory=list)
    """Reason codes of the PUBACKs for the messages that come next."""
    hang_up: list[int] = field(default_factory=list)
    """Reason codes of a DISCONNECT (MQTT 5) instead of an answer."""
    throttle: bool = True
    received: list[tuple[str, bytes]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Rules that were broken."""
    connected: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        if self.context is not None and self.alpn:
            self.context.set_alpn_protocols([ALPN])
        server = await asyncio.start_server(self._client, HOST, 0, ssl=self.context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._end.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, ssl.SSLError):
            await _Session(self, reader, writer).run()
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError):
            await writer.wait_closed()


class _Session:
    def __init__(self, broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.broker, self.reader, self.writer = broker, reader, writer
        self.five = False
        self.times: list[tuple[float, int]] = []

    async def run(self) -> None:
        channel = self.writer.get_extra_info("ssl_object")
        if channel is not None and self.broker.alpn and channel.selected_alpn_protocol() != ALPN:
            self.broker.broken.append("alpn")
            return
        while True:
            first = (await self.reader.readexactly(1))[0]
            body = await self.reader.readexactly(await self._length())
            match first >> 4:
                case 1:
                    if not self._connect(body):
                        await self.writer.drain()
                        return
                case 3:
                    if not self._publish(first & 15, body):
                        await self.writer.drain()
                        return
                case 12:
                    self._send(PINGRESP, b"")
                case 14:
                    return
            await self.writer.drain()

    async def _length(self) -> int:
        length = shift = 0
        while True:
            byte = (await self.reader.readexactly(1))[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return length

    def _send(self, kind: int, body: bytes) -> None:
        self.writer.write(bytes([kind << 4, len(body)]) + body)

    def _connect(self, body: bytes) -> bool:
        _, at = _text(body, 0)
        level, flags, keep_alive = struct.unpack_from(">BBH", body, at)
        at += 4
        self.five = level == 5
        if self.five and not self.broker.five:
            self._send(CONNACK, b"\0\1")  # as a broker of 3.1.1 says it: unacceptable protocol version
            return False
        if self.five:
            at += body[at] + 1
        client_id, at = _text(body, at)
        if len(client_id) > LONGEST_CLIENT_ID:
            self.broker.broken.append("client id")
            return False
        will: dict[str, Any] = {}
        if flags & 4:
            if self.five:
                at += body[at] + 1
            topic, at = _text(body, at)
            payload, at = _text(body, at)
            will = {"topic": topic.decode(), "payload": payload, "qos": flags >> 3 & 3, "retain": bool(flags & 32)}
        self.broker.connected.append(
            {"level": level, "client_id": client_id.decode(), "keep_alive": keep_alive, "will": will}
        )
        # MQTT 5: Maximum Packet Size 149504 and Maximum QoS 1, as AWS IoT Core announces them
        self._send(CONNACK, b"\0\0" + (b"\x07\x27" + struct.pack(">I", 149_504) + b"\x24\x01" if self.five else b""))
        return True

    def _publish(self, flags: int, body: bytes) -> bool:
        qos = flags >> 1 & 3
        topic, at = _text(body, 0)
        packet_id = body[at : at + 2] if qos else b""
        at += 2 if qos else 0
        if self.five:
            at += body[at] + 1
        payload = body[at:]
        for rule, broken in (
            ("qos", qos == 2),
            ("payload", len(payload) > LARGEST_PAYLOAD),
            ("topic", len(topic) > LONGEST_TOPIC or topic.count(b"/") > MOST_SLASHES or topic.startswith(b"$")),
        ):
            if broken:
                self.broker.broken.append(rule)
                return False
        if self.broker.throttle and self._too_fast(len(payload)):
            self.broker.broken.append("rate")  # dropped without a word
            return True
        if self.broker.hang_up and not topic.endswith(b"/state"):
            self._send(DISCONNECT, bytes([self.broker.hang_up.pop(0), 0]))
            return False
        if self.broker.refuse:
            self._send(PUBACK, packet_id + bytes([self.broker.refuse.pop(0)]) + b"\0")
            return True
        self.broker.received.append((topic.decode(), payload))
        if self.broker.twice and len(self.broker.received) % self.broker.twice == 0:
            self.broker.received.append((topic.decode(), payload))
        if qos:
            self._send(PUBACK, packet_id)
        return True

    def _too_fast(self, size: int) -> bool:
        now = time.monotonic()
        self.times = [one for one in self.times if now - one[0] < 1] + [(now, size)]
        return len(self.times) > PUBLISHES_PER_SECOND or sum(size for _, size in self.times) > BYTES_PER_SECOND


def _text(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", body, at)
    return body[at + 2 : at + 2 + length], at + 2 + length

"""MQTT by aiomqtt 2. MQTT 5 first, 3.1.1 where the broker does not speak it.

A new client for each connection: aiomqtt's are not to be used again after a failure. One message at a time, QoS 1.
Birth and will are retained on `…/state`.
"""

import asyncio
import contextlib
import gzip
import logging
import socket
import threading
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from probe.publish.client import Client, closing
from probe.publish.end import Busy, PublishError, Refused, context
from probe.publish.envelope import Stored
from probe.publish.settings import Mqtt, secret
from probe.publish.writer import Writer

# PUBACK and DISCONNECT reason codes, MQTT 5 section 2.4
TAKEN: Final = 0x80  # from here on the message was not taken
TAKEN_OVER: Final = 0x8E
BUSY: Final = {0x97}  # quota exceeded
REFUSED: Final = {0x80, 0x83, 0x90, 0x99}  # unspecified, implementation specific, topic name, payload format
UNKNOWN_PROTOCOL: Final = {1, 0x84}  # CONNACK of 3.1.1 and 5
TOPIC_ROOM: Final = 512  # bytes of a PUBLISH besides its payload

# paho writes an envelope in two pieces: the second would wait for the answer to the first, 40 ms each time
NO_DELAY: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)

_SILENT: Final = logging.getLogger("probe.publish.mqtt")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False  # aiomqtt says a line for each message that waits; what is worth saying is said by the sender


class _Client(Client):
    """aiomqtt does not show what the broker answers besides success; both answers are kept here."""

    largest: int | None = None
    answer: int = 0
    farewell: bool = False
    """Whether the broker ended the connection with a DISCONNECT, which says why."""

    def _on_connect(self, client, userdata, flags, reason_code, properties=None) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        self.largest = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(self, client, userdata, flags, reason_code, properties=None) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        self.farewell = flags.is_disconnect_packet_from_server
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(self, client, userdata, mid, reason_code, properties) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
        self.answer = reason_code.value if isinstance(reason_code, ReasonCode) else 0
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def patience(self, seconds: float) -> "_Client":
        """For TCP and TLS to be there; paho has 5 s."""
        self._client.connect_timeout = seconds
        return self


class MqttEnd:
    """One broker."""

    name = "mqtt"

    def __init__(self, settings: Mqtt, writer: Writer, boot_id: str) -> None:
        """Raises SettingsError."""
        self._settings, self._writer, self._boot_id = settings, writer, boot_id
        self.payload, self.rate = int(settings.max_payload), settings.rate
        self._tls = None if settings.plain else closing(context(settings))
        if self._tls is not None and settings.protocols:
            self._tls.set_alpn_protocols(list(settings.protocols))
        self._password = None if settings.password is None else secret(settings.password)
        self._fallback = settings.protocol == "3.1.1"
        self._spoken = False
        """Whether a broker has answered in the protocol that is tried."""
        self._session = 0
        self._lock = threading.Lock()
        self._state: list[bytes] = []
        self._live: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        probe = writer.probe
        self._base = f"{settings.prefix}/{probe.site}/{probe.id}"

    def topic(self, kind: str) -> str:
        """Where reports of a kind go."""
        return f"{self._base}/{kind}"

    def state(self, item: bytes) -> None:
        """Shown in the birth, at once if there is a connection."""
        with self._lock:
            self._state = [item]
            live = self._live
        if live is not None:
            with contextlib.suppress(RuntimeError):
                live[0].call_soon_threadsafe(live[1].set)

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["_Connection"]:
        """With a birth when it is there, and a farewell when it ends in order."""
        self._session += 1
        client = self._client()
        try:
            await client.__aenter__()
        except aiomqtt.MqttError as error:
            self._reconsider(error)
            raise PublishError(_reason(error)) from None
        self._spoken = True
        connection = _Connection(client, self, self._writer, five=not self._fallback)
        renew = asyncio.Event()
        with self._lock:
            self._live = (asyncio.get_running_loop(), renew)
        try:
            await self._show(connection)
            news = asyncio.ensure_future(self._news(connection, renew))
            try:
                yield connection
            finally:
                news.cancel()
            with contextlib.suppress(PublishError, aiomqtt.MqttError):
                await connection.publish("state", self._writer.state(self._boot_id, self._session, [], "stopped"), True)
                connection.end()
                await client.__aexit__(None, None, None)
        finally:
            with self._lock:
                self._live = None
            connection.end()
            client.drop()

    async def _news(self, connection: "_Connection", renew: asyncio.Event) -> None:
        with contextlib.suppress(PublishError):  # the sender will notice by itself
            while True:
                await renew.wait()
                renew.clear()
                await self._show(connection)

    async def _show(self, connection: "_Connection") -> None:
        with self._lock:
            items = list(self._state)
        await connection.publish("state", self._writer.state(self._boot_id, self._session, items), True)

    def _client(self) -> _Client:
        settings, five = self._settings, not self._fallback
        will = self._writer.state(self._boot_id, self._session, [], "lost")
        properties = None
        if five and settings.session_expiry:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = int(settings.session_expiry)
        # 3.1.1 has no expiry: a session that is to outlive the connection lives until the broker forgets it.
        start: dict[str, Any] = {"clean_start": True} if five else {"clean_session": not settings.session_expiry}
        return _Client(
            settings.host,
            settings.where,
            identifier=settings.client_id or self._writer.probe.id,
            username=settings.user,
            password=self._password,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            will=aiomqtt.Will(self.topic("state"), will, 1, True, _typed(PacketTypes.WILLMESSAGE) if five else None),
            keepalive=int(settings.keep_alive),
            timeout=settings.timeout,
            tls_context=self._tls,
            properties=properties,
            transport="tcp" if settings.websocket is None else "websockets",
            websocket_path=settings.websocket,
            logger=_SILENT,
            socket_options=NO_DELAY,
            **start,
        ).patience(settings.timeout)

    def _reconsider(self, error: aiomqtt.MqttError) -> None:
        """Whether to try the other version next: it was refused, or a broker of old answers nothing to version 5."""
        if self._settings.protocol != "auto":
            return
        code = _code(error)
        if code in UNKNOWN_PROTOCOL or (not self._spoken and str(error) == "Operation timed out"):
            self._fallback = not self._fallback
            self._spoken = False

    def packed(self, payload: bytes) -> bytes:
        """As it goes over the wire."""
        return gzip.compress(payload, 6, mtime=0) if self._settings.compression == "gzip" else payload

    @property
    def content(self) -> str:
        """What MQTT 5 calls it."""
        return "application/gzip" if self._settings.compression == "gzip" else "application/json"


class _Connection:
    def __init__(self, client: _Client, end: MqttEnd, writer: Writer, *, five: bool) -> None:
        self._client, self._end, self._writer, self._five = client, end, writer, five
        self._lock = asyncio.Lock()
        self._watch = asyncio.ensure_future(self._watched())

    async def send(self, stored: Stored) -> None:
        await self.publish(stored.kind, self._end.packed(self._writer.whole(stored)), False)

    async def publish(self, kind: str, payload: bytes, retain: bool) -> None:
        client = self._client
        if client.largest is not None and len(payload) + TOPIC_ROOM > client.largest and not retain:
            raise Refused(f"the broker takes {client.largest} bytes at most", client.largest - TOPIC_ROOM)
        content = self._end.content if not retain else "application/json"
        properties = _typed(PacketTypes.PUBLISH, content) if self._five else None
        async with self._lock:
            work = asyncio.ensure_future(client.publish(self._end.topic(kind), payload, 1, retain, properties))
            try:
                await asyncio.wait((work, self._watch), return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    self._watch.result()
                    raise PublishError("the broker closed the connection")
                work.result()
            except aiomqtt.MqttError as error:
                raise PublishError(_reason(error)) from None
            finally:
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, aiomqtt.MqttError):
                    await work
        if client.answer >= TAKEN:
            raise _answered(client.answer)

    def lost(self) -> Awaitable[None]:
        return asyncio.shield(self._watch)

    async def _watched(self) -> None:
        """aiomqtt tells of a lost connection whoever waits for messages."""
        try:
            async for _ in self._client.messages:
                pass
        except aiomqtt.MqttError as error:
            cause = error.__cause__ or error
            raise PublishError(_reason(cause) if self._client.farewell else "the connection was lost") from None
        except OSError as error:
            raise PublishError(str(error)) from None

    def end(self) -> None:
        self._watch.cancel()
        self._watch.add_done_callback(lambda task: task.cancelled() or task.exception())


def _typed(packet: int, content: str = "application/json") -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    properties.ContentType = content
    properties.PayloadFormatIndicator = 1 if content == "application/json" else 0
    return properties


def _code(error: aiomqtt.MqttError) -> int | None:
    code = getattr(error, "rc", None)
    return code.value if isinstance(code, ReasonCode) else code


def _answered(code: int) -> PublishError:
    name = f"the broker answers {code:#04x} ({_name(code)})"
    return Busy(name) if code in BUSY else Refused(name) if code in REFUSED else PublishError(name)


def _reason(error: BaseException) -> str:
    code = getattr(error, "rc", None)
    if isinstance(code, ReasonCode):
        extra = "; does another probe have the same id?" if code.value == TAKEN_OVER else ""
        return f"the broker answers {code.value:#04x} ({str(code).lower()}){extra}"
    text = str(error)
    return text[0].lower() + text[1:] if text else type(error).__name__


def _name(code: int) -> str:
    try:
        return str(ReasonCode(PacketTypes.PUBACK, identifier=code)).lower()
    except (KeyError, AssertionError):
        return "no name"

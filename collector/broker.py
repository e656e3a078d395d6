"""The broker: a shared subscription in MQTT 5, messages acknowledged when the store has them.

aiomqtt acknowledges what it hands over; so paho-mqtt's manual acknowledgement below it is used.
"""

import asyncio
import logging
import random
import ssl
from typing import TYPE_CHECKING, Any, Final

import aiomqtt

from collector.settings import BrokerSettings, NatsSettings, SettingsError
from probe import files
from probe.publish.client import Client, closing

if TYPE_CHECKING:
    from collector.ingest import Message

BACK_OFF: Final = (1.0, 60.0)  # seconds: first and longest wait between two attempts to connect
WINDOW: Final = 1000  # messages that the broker may send without an acknowledgement
MAX_SECRET: Final = 64 << 10  # bytes of a file with a password
SESSION: Final = 7 * 86_400  # seconds that the broker keeps what comes while we are away

_LOG: Final = logging.getLogger("collector")


class _Received:
    """One message, with the connection that it came by."""

    def __init__(self, message: aiomqtt.Message, client: Any) -> None:  # noqa: ANN401 - paho's client
        self.topic = message.topic.value
        self.payload = message.payload if isinstance(message.payload, bytes) else b""
        self._mid, self._qos, self._client = message.mid, message.qos, client

    async def acknowledge(self) -> None:
        """A connection that is gone took the message's number with it; the broker will send the message again."""
        if self._qos:
            self._client.ack(self._mid, self._qos)


def tls(settings: BrokerSettings | NatsSettings) -> ssl.SSLContext | None:
    """TLS 1.2 or newer, always verified. Raises SettingsError."""
    if settings.plain:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate:
            context.load_cert_chain(settings.certificate, settings.key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"{settings.host}: the certificate files cannot be used: {error}") from None
    return context


async def listen(settings: BrokerSettings, queue: "asyncio.Queue[Message]") -> None:
    """Until cancelled: connect, subscribe, hand over; a new client for each connection."""
    wait = BACK_OFF[0]
    context, password = tls(settings), secret(settings.password_file)
    while True:
        try:
            async with _client(settings, context, password) as client:
                wait = BACK_OFF[0]
                await client.subscribe([(_topics(settings), 1)])
                _LOG.info("connected to %s:%d", settings.host, settings.port)
                async for message in client.messages:
                    await queue.put(_Received(message, client._client))  # noqa: SLF001 - aiomqtt has no word for acknowledgements
        except (aiomqtt.MqttError, OSError) as error:
            _LOG.warning(
                "the broker %s:%d is away: %s; tried again in %.0f s", settings.host, settings.port, error, wait
            )
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, hides nothing
            wait = min(wait * 2, BACK_OFF[1])


def _topics(settings: BrokerSettings) -> str:
    """Shared among collectors; MQTT 3.1.1 has no word for that."""
    every = f"{settings.prefix}/+/+/+"
    return every if settings.protocol == "3.1.1" else f"$share/{settings.share}/{every}"


def secret(path: str | None) -> str | None:
    """What a file holds. Raises SettingsError."""
    if path is None:
        return None
    try:
        return files.text(path, MAX_SECRET).strip()
    except files.UnreadableError as error:
        raise SettingsError(str(error)) from None


def _client(settings: BrokerSettings, context: ssl.SSLContext | None, password: str | None) -> Client:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    five = settings.protocol == "5"
    properties = Properties(PacketTypes.CONNECT) if five else None  # type: ignore[no-untyped-call]
    if properties is not None:
        properties.SessionExpiryInterval = SESSION
        properties.ReceiveMaximum = WINDOW
    client = Client(
        settings.host,
        settings.port,
        identifier=settings.client_id,
        username=settings.user,
        password=password,
        tls_context=closing(context),
        protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
        clean_start=False if five else 3,  # paho's own word for "only the first time", which 3.1.1 wants
        clean_session=None if five else False,
        properties=properties,
        max_queued_incoming_messages=0,
    )
    client._client.manual_ack_set(True)  # noqa: SLF001
    return client

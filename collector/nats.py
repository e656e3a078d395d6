"""A NATS JetStream cluster: probes speak MQTT to any of its nodes, collectors share the work by one pull consumer.

NATS keeps what comes by MQTT with QoS 1 in the stream `$MQTT_msgs`, on three nodes if it is told so, and only then
confirms it to the probe. Its shared subscriptions deliver nothing (2.9), hence the consumer.
"""

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, Any, Final

import nats
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NothingCame
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo
from nats.js.errors import NotFoundError

from collector.broker import secret, tls
from collector.settings import NatsSettings

if TYPE_CHECKING:
    from collector.ingest import Message

PULLED: Final = 100  # messages asked for at a time
WAIT: Final = 1.0  # seconds that a pull waits for the first of them
OUTSTANDING: Final = 10_000  # messages that all collectors may hold without an acknowledgement
RETRY: Final = 2.0  # seconds after a failure
_PREFIX: Final = "$MQTT.msgs."

_LOG: Final = logging.getLogger("collector")


class _Pulled:
    """One message."""

    def __init__(self, message: Any) -> None:  # noqa: ANN401 - nats-py's message
        self.topic, self.payload, self._message = topic(message.subject), message.data, message

    async def acknowledge(self) -> None:
        """A connection that is gone: the message comes again, and counts once."""
        try:
            await self._message.ack()
        except NatsError as error:
            _LOG.info("an acknowledgement was lost: %s", error)


def topic(subject: str) -> str:
    """The MQTT topic of a subject: levels are separated by dots, and a dot of the topic is `//`."""
    return subject.removeprefix(_PREFIX).replace("//", "\0").replace(".", "/").replace("\0", ".")


def subject(topic: str) -> str:
    """The other way."""
    return topic.replace(".", "\0").replace("/", ".").replace("\0", "//")


async def listen(settings: NatsSettings, queue: "asyncio.Queue[Message]") -> None:
    """Until cancelled: pull and hand over."""
    options = _options(settings)
    while True:
        try:
            connection = await nats.connect(list(settings.servers), **options)
        except (NatsError, OSError, ssl.SSLError) as error:
            _LOG.warning("NATS is away: %s; tried again in %.0f s", str(error) or type(error).__name__, RETRY)
            await asyncio.sleep(RETRY)
            continue
        try:
            await _pull(settings, connection.jetstream(), queue)
        except (NatsError, OSError) as error:
            _LOG.warning("NATS: %s; tried again in %.0f s", str(error) or type(error).__name__, RETRY)
            await asyncio.sleep(RETRY)
        finally:
            await connection.close()


async def _pull(settings: NatsSettings, stream: Any, queue: "asyncio.Queue[Message]") -> None:  # noqa: ANN401 - nats-py's JetStream
    await _consumer(settings, stream)
    pulled = await stream.pull_subscribe_bind(settings.consumer, settings.stream)
    _LOG.info("connected to NATS, consumer %s", settings.consumer)
    while True:
        try:
            messages = await pulled.fetch(PULLED, timeout=WAIT)
        except NothingCame:
            continue
        for message in messages:
            await queue.put(_Pulled(message))


async def _consumer(settings: NatsSettings, stream: Any) -> ConsumerInfo:  # noqa: ANN401 - nats-py's JetStream
    """The consumer that all collectors share; made by the first. Until then NATS keeps nothing (interest retention)."""
    try:
        found: ConsumerInfo = await stream.consumer_info(settings.stream, settings.consumer)
    except NotFoundError:
        wanted = ConsumerConfig(
            durable_name=settings.consumer,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=float(settings.ack_wait),
            max_ack_pending=OUTSTANDING,
            filter_subject=f"{_PREFIX}{subject(settings.prefix)}.>",
        )
        found = await stream.add_consumer(settings.stream, wanted)
    return found


def _options(settings: NatsSettings) -> dict[str, Any]:
    """Raises SettingsError."""
    options: dict[str, Any] = {
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": RETRY,
        "name": "transitproof-collector",
    }
    if (context := tls(settings)) is not None:
        options["tls"] = context
    if settings.user is not None:
        options |= {"user": settings.user, "password": secret(settings.password_file) or ""}
    if settings.credentials is not None:
        options["user_credentials"] = settings.credentials
    return options

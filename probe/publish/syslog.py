"""Syslog: RFC 5424 messages in the framing of RFC 5425 (TLS), one for each report.

Syslog has no answer: a message counts as sent once the kernel has it. What was on the way when a connection broke is
sent again on the next one (spool.py, KEPT). PROCID is the boot id, which RFC 5424 section 6.2.6 has it for, and
`meta sequenceId` counts the envelopes of a boot.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import msgspec

from probe.publish.end import PublishError, Rate, context
from probe.publish.envelope import MAX_PAYLOAD, Stored
from probe.publish.settings import Syslog
from probe.publish.writer import Writer

_SEVERITIES = {"critical": 2, "high": 3, "medium": 4, "low": 5}
_INFORMATIONAL = 6
_LARGEST_SEQUENCE = 2_147_483_647  # RFC 5424 section 7.3.1


class _Weight(msgspec.Struct):
    severity: str = ""


_WEIGHT = msgspec.json.Decoder(_Weight)


class SyslogEnd:
    """One receiver."""

    name = "syslog"
    payload = MAX_PAYLOAD
    rate: Rate = (None, None)

    def __init__(self, settings: Syslog, writer: Writer) -> None:
        """Raises SettingsError."""
        self._settings, self._writer = settings, writer
        self._tls = None if settings.plain else context(settings)
        self._host = socket.gethostname()

    def state(self, item: bytes) -> None:
        """None."""

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["_Connection"]:
        """Raises PublishError."""
        settings = self._settings
        try:
            opening = asyncio.open_connection(settings.host, settings.port, ssl=self._tls)
            reader, writer = await asyncio.wait_for(opening, settings.timeout)
        except TimeoutError:
            raise PublishError("no answer in time") from None
        except (OSError, ssl.SSLError) as error:
            raise PublishError(str(error)) from None
        try:
            yield _Connection(reader, writer, self)
        finally:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    @property
    def timeout(self) -> float:
        """For one envelope."""
        return self._settings.timeout

    def frames(self, stored: Stored) -> bytes:
        """The messages of an envelope, each with its length in front."""
        sent_at = self._writer.now()
        sequence = stored.seq % _LARGEST_SEQUENCE + 1
        head = f'1 {sent_at} {self._host} transitproof {stored.boot_id} {stored.kind} [meta sequenceId="{sequence}"] '
        framed = []
        for line, severity in self._weighed(stored):
            message = f"<{self._settings.facility * 8 + severity}>{head}".encode() + line
            framed.append(b"%d " % len(message) + message)
        return b"".join(framed)

    def _weighed(self, stored: Stored) -> list[tuple[bytes, int]]:
        """Lines with their syslog severity, which is that of the report also where OCSF has another form."""
        weighed = []
        for item in stored.items():
            severity = _SEVERITIES.get(_WEIGHT.decode(item).severity, _INFORMATIONAL)
            weighed += [(line, severity) for line in self._writer.forms(item)]
        return weighed


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, end: SyslogEnd) -> None:
        self._reader, self._writer, self._end = reader, writer, end

    async def send(self, stored: Stored) -> None:
        try:
            self._writer.write(self._end.frames(stored))
            await asyncio.wait_for(self._writer.drain(), self._end.timeout)
        except TimeoutError:
            raise PublishError("the receiver takes nothing") from None
        except OSError as error:
            raise PublishError(str(error)) from None

    async def lost(self) -> None:
        """A receiver says nothing; whatever comes is ignored, until the end comes."""
        try:
            while await self._reader.read(4096):
                pass
        except OSError as error:
            raise PublishError(str(error)) from None
        raise PublishError("the receiver closed the connection")

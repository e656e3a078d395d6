"""A web server that takes envelopes by POST (webhook): 2xx is its confirmation."""

import asyncio
import contextlib
import http.client
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

from probe.publish.end import Busy, PublishError, Rate, Refused, context
from probe.publish.envelope import MAX_PAYLOAD, Stored
from probe.publish.settings import Http, secret
from probe.publish.writer import Writer

BUSY: Final = {429, 503}
REFUSED: Final = {400, 413, 414, 415, 422}
MAX_ANSWER: Final = 64 * 1024  # bytes of an answer that are read, so that the connection can be used again


class HttpEnd:
    """One web server."""

    name = "http"
    payload = MAX_PAYLOAD
    rate: Rate = (None, None)

    def __init__(self, settings: Http, writer: Writer) -> None:
        """Raises SettingsError."""
        self._settings, self._writer = settings, writer
        url = urlsplit(settings.url)
        self._host, self._port = url.hostname or "", url.port
        self._tls = context(settings) if url.scheme == "https" else None
        self._target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        lines = settings.form != "envelope"
        self._headers = {"Content-Type": "application/x-ndjson" if lines else "application/json", **settings.header}
        if settings.authorization is not None:
            self._headers["Authorization"] = secret(settings.authorization)

    def state(self, item: bytes) -> None:
        """None."""

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator["HttpEnd"]:
        """Kept open from one envelope to the next."""
        timeout = self._settings.timeout
        self._connection = (
            http.client.HTTPConnection(self._host, self._port, timeout=timeout)
            if self._tls is None
            else http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        )
        try:
            yield self
        finally:
            self._connection.close()

    async def send(self, stored: Stored) -> None:
        """Raises Busy, Refused and PublishError, by the status."""
        lines = self._writer.lines(stored)
        if not lines:  # a kind that this form has nothing for
            return
        body = lines[0] if self._settings.form == "envelope" else b"".join(line + b"\n" for line in lines)
        status = await asyncio.to_thread(self._post, body, f"{stored.boot_id}-{stored.seq}-{stored.part}".rstrip("-"))
        if 200 <= status < 300:
            return
        reason = f"the server answers {status} ({http.client.responses.get(status, 'no name').lower()})"
        raise Busy(reason) if status in BUSY else Refused(reason) if status in REFUSED else PublishError(reason)

    def _post(self, body: bytes, name: str) -> int:
        try:
            # A server that has seen this envelope already can tell by its name.
            self._connection.request("POST", self._target, body, {**self._headers, "Idempotency-Key": name})
            answer = self._connection.getresponse()
            answer.read(MAX_ANSWER)
            if not answer.isclosed():
                self._connection.close()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise PublishError(str(error) or type(error).__name__) from None
        return answer.status

    async def lost(self) -> None:
        """Shows with the next request."""
        await asyncio.Event().wait()

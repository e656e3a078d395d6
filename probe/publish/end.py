"""What every end is to the sender, and what may go wrong there. Knows no protocol.

An end is connected to, given one envelope at a time, and is done with it when `send` returns. Three things can happen
instead: nothing can be said (PublishError: try again on a new connection), the other side says no to this envelope
(Refused), or it says that it has had enough for now (Busy).
"""

import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from probe import files
from probe.publish.envelope import Stored
from probe.publish.settings import SettingsError, Tls

MAX_PEM: Final = 4 << 20  # bytes of a file with keys or certificates; the roots of a whole system have some 250 kB
_NOISE: Final = re.compile(r"\(?_ssl\.c:\d+\)?:?|\[[A-Z]+: [A-Z_]+\]|\[Errno -?\d+\]")  # of Python's own messages

Rate = tuple[float | None, float | None]
"""Envelopes and bytes a second; None is without limit."""


class PublishError(Exception):
    """No answer, or no connection. `reason` is one line without a secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(_NOISE.sub("", reason).split()) or "no reason given"


class Busy(PublishError):  # noqa: N818
    """The other side takes nothing just now; the connection is good."""


class Refused(PublishError):  # noqa: N818
    """The other side will not take this envelope. `room`: the most that it takes, where it says so."""

    def __init__(self, reason: str, room: int | None = None) -> None:
        super().__init__(reason)
        self.room = room


class Connection(Protocol):
    """One connection to an end."""

    async def send(self, stored: Stored) -> None:
        """Returns once the other side has it. Raises PublishError."""

    def lost(self) -> Awaitable[None]:
        """Returns, or raises PublishError, when the connection ends by itself; may be awaited while nothing is sent."""


class End(Protocol):
    """Where reports go."""

    name: str
    payload: int
    """The largest envelope."""
    rate: Rate

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """A new connection. Raises PublishError."""

    def state(self, item: bytes) -> None:
        """What the agent says of itself. May be called from any thread; only MQTT shows it."""


Say = Callable[[str], None]


def context(tls: Tls) -> ssl.SSLContext:
    """How the other side is verified, and who we are. Raises SettingsError."""
    try:
        for path in filter(None, (tls.ca, tls.certificate, tls.key)):
            files.read(path.resolve(), MAX_PEM)  # OpenSSL would not say which of them it cannot read
        made = ssl.create_default_context(cafile=None if tls.ca is None else tls.ca.resolve())
        made.minimum_version = ssl.TLSVersion.TLSv1_3 if tls.tls == "1.3" else ssl.TLSVersion.TLSv1_2
        if tls.certificate is not None and tls.key is not None:
            # An encrypted key would be asked for on the terminal: nobody is there.
            made.load_cert_chain(tls.certificate.resolve(), tls.key.resolve(), password=lambda: b"")
    except ssl.SSLError as error:
        raise SettingsError(f"certificate, key or ca cannot be used: {error.reason or 'no PEM'}") from None
    except files.UnreadableError as error:
        raise SettingsError(f"{error}; a PEM file is wanted") from None
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return made

"""`--dns FILE`: how closely DNS is looked at, which resolvers are declared, and what is known already.

    bytes_a_day = 2600
    resolvers = ["10.0.0.2", "10.0.0.3"]

    [[suppress]]
    domain = "scanlabs.example"
    client = "10.1.0.0/16"
    reason = "the mail scanner asks its vendor about attachments"
    until = 2027-06-30

`bytes_a_day` is the sensitivity of dns.tunnel: so many bytes a day in new names of one client below one domain are
an alert without other evidence for or against it. A suppression holds to the end of its last day, in packet time;
without `client` for all.
"""

import datetime as dt
import ipaddress
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from probe.files import UnreadableError, read

if TYPE_CHECKING:
    from probe._parsers import Core


MAX_BYTES: Final = 1024 * 1024  # of the file: some ten thousand suppressions
MAX_STATE: Final = 64 << 20  # bytes: four times what the bounds of the detector come to
BYTES_A_DAY: Final = 2600.0
LEAST: Final = 16.0  # one name: below this everything is an alert


class DnsOptionsError(ValueError):
    """The file cannot be used; the text is one line for the operator."""


class Suppression(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator knows about and does not want to be told, for how long and why."""

    domain: str
    reason: str
    until: dt.date
    client: str | None = None
    """An address or a network; every client without it."""

    def holds(self, client: str, domain: str, when: str) -> bool:
        """Whether it is about this client and domain at this time (RFC 3339, UTC)."""
        if domain.lower() != self.domain.lower().rstrip(".") or when[:10] > self.until.isoformat():
            return False
        return self.client is None or ipaddress.ip_address(client) in ipaddress.ip_network(self.client, strict=False)


class DnsOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content."""

    bytes_a_day: float = BYTES_A_DAY
    resolvers: list[str] = []
    suppress: list[Suppression] = []

    def suppressed(self, client: str, domain: str, when: str) -> Suppression | None:
        """The first suppression that holds."""
        return next((known for known in self.suppress if known.holds(client, domain, when)), None)


def load(path: str) -> DnsOptions:
    """Reads the options from a TOML file. Raises DnsOptionsError."""
    try:
        options = msgspec.convert(tomllib.loads(read(path, MAX_BYTES).decode()), DnsOptions)
        check(options)
    except UnreadableError as error:
        raise DnsOptionsError(f"{error}; --dns wants a TOML file with options") from None
    except (msgspec.ValidationError, ValueError) as error:
        raise DnsOptionsError(f"{path}: {error}; see: transitproof explain dns.tunnel") from None
    return options


def check(options: DnsOptions) -> None:
    """Raises ValueError for what types do not say."""
    if not options.bytes_a_day >= LEAST:
        raise ValueError(f"bytes_a_day is {options.bytes_a_day:g}; the least that can be told from none is {LEAST:g}")
    for resolver in options.resolvers:
        ipaddress.ip_address(resolver)
    for known in options.suppress:
        if known.client is not None:
            ipaddress.ip_network(known.client, strict=False)
        if not known.reason.strip():
            raise ValueError(f"the suppression of {known.domain} has no reason")


def read_state(path: str | None) -> bytes | None:
    """What an earlier run remembered of DNS; None if there is no such file yet. Raises DnsOptionsError."""
    if path is None:
        return None
    if not Path(path).exists():
        return None
    try:
        return read(path, MAX_STATE)
    except UnreadableError as error:
        raise DnsOptionsError(f"{error}; --dns-state wants what an earlier run wrote there, or a new name") from None


def write_state(path: str | None, core: "Core") -> None:
    """Replaces the file at once, so that one cut short is never read. Raises DnsOptionsError."""
    if path is None:
        return
    part = Path(f"{path}.part")
    try:
        part.write_bytes(core.dns_state())
        part.replace(path)
    except OSError as error:
        raise DnsOptionsError(f"{path}: {(error.strerror or 'cannot be written').lower()}") from None

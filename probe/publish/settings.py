"""The sections of the configuration that say where reports go, and their defaults. Reads files, opens no connection.

    [identity]
    id = "gw-1"
    site = "fra1"
    [spool]
    directory = "/var/lib/transitproof/spool"
    [mqtt]
    host = "broker.example"
    ca = "/etc/transitproof/ca.pem"
    certificate = "/etc/transitproof/probe.pem"
    key = "credential:mqtt.key"

Each of [mqtt], [http], [syslog], [file] and [stdout] that is there is an end, with a spool of its own: none waits for
another.
"""

import ipaddress
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from probe import files
from probe.policy import toml
from probe.policy.toml import PolicyError
from probe.publish.envelope import KINDS, MAX_PAYLOAD
from probe.values import AbsolutePath, Duration, Size, hook

MAX_SECRET: Final = 64 * 1024  # bytes of a file with a password or a token; MQTT has no room for more
ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")  # fits into an MQTT topic, a client id of 128 bytes, a file's name
PREFIX: Final = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+){0,4}")  # and <site>/<probe>/<kind>: 7 slashes at most
MAX_TOPIC: Final = 256  # bytes, at AWS IoT Core
AWS_PUBLISHES: Final = 50.0  # a second; AWS IoT Core disconnects above 100
AWS_BYTES: Final = 320 * 1024  # a second; with a burst and one envelope on top, still below its 512 kB
AWS_ALPN: Final = "x-amzn-mqtt-ca"
LEAST_SPOOL: Final = 1024 * 1024
LEAST_PAYLOAD: Final = 4096

Form = Literal["envelope", "records", "ocsf"]


class SettingsError(ValueError):
    """The configuration cannot be used; the text is one line for the operator and has no secret."""


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Identity(Section, frozen=True):
    """[identity]: who speaks."""

    id: str | None = None
    """Without it the name of this host."""
    site: str = "default"
    ec2: str = "auto"
    """For the live agent."""


class Publish(Section, frozen=True):
    """[publish]: what goes out, to every end."""

    kinds: tuple[str, ...] = ("finding", "certificate", "rollup", "tunnel", "health", "summary")
    """`flow` may be added: one report for each conversation."""
    redact: tuple[Literal["addresses", "names"], ...] = ()
    """What is replaced by hashes under `redact_key`."""
    redact_key: AbsolutePath | None = None
    signing_key: AbsolutePath | None = None
    """An Ed25519 key (PEM, PKCS #8): envelopes are signed with it."""


class SpoolSettings(Section, frozen=True):
    """[spool]: what waits for an end."""

    directory: AbsolutePath = AbsolutePath("/var/lib/transitproof/spool")
    size: Size = Size(64 << 20)
    """For each end."""


class Tls(Section, frozen=True):
    """How a TLS connection is made. The other side is always verified."""

    ca: AbsolutePath | None = None
    """Roots to trust (PEM); those of this host without."""
    certificate: AbsolutePath | None = None
    key: AbsolutePath | None = None
    tls: Literal["1.2", "1.3"] = "1.2"
    """The least version."""


class Mqtt(Tls, frozen=True, kw_only=True):
    """[mqtt]."""

    host: str
    port: int | None = None
    """8883; 1883 without TLS, 443 with `websocket`."""
    plain: bool = False
    """Without TLS: only to this host itself."""
    alpn: tuple[str, ...] = ()
    user: str | None = None
    password: AbsolutePath | None = None
    """A file with the password."""
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    """`auto` tries 5 and takes 3.1.1 where the broker does not know it."""
    prefix: str = "transitproof/v1"
    client_id: str | None = None
    """The probe's id without."""
    keep_alive: Duration = Duration(30)
    session_expiry: Duration = Duration(0)
    timeout: Duration = Duration(10)
    """For the answer to one message."""
    profile: Literal["none", "aws-iot-core"] = "none"
    publishes_per_second: float | None = None
    bytes_per_second: Size | None = None
    max_payload: Size = Size(MAX_PAYLOAD)
    compression: Literal["none", "gzip"] = "none"
    websocket: str | None = None
    """A path, such as `/mqtt`: MQTT inside a WebSocket."""
    form: Literal["envelope", "ocsf"] = "envelope"

    @property
    def where(self) -> int:
        """The port."""
        if self.port is not None:
            return self.port
        if self.websocket is not None:
            return 80 if self.plain else 443
        return 1883 if self.plain else 8883

    @property
    def protocols(self) -> tuple[str, ...]:
        """For ALPN."""
        aws = self.profile == "aws-iot-core" and self.where == 443 and self.websocket is None
        return self.alpn or ((AWS_ALPN,) if aws else ())

    @property
    def rate(self) -> tuple[float | None, float | None]:
        """Messages and bytes a second; None is without limit."""
        aws = self.profile == "aws-iot-core"
        return (
            self.publishes_per_second or (AWS_PUBLISHES if aws else None),
            self.bytes_per_second or (AWS_BYTES if aws else None),
        )


class Http(Tls, frozen=True, kw_only=True):
    """[http]: a POST for each envelope."""

    url: str
    header: dict[str, str] = {}
    authorization: AbsolutePath | None = None
    """A file with the value of the Authorization header."""
    timeout: Duration = Duration(10)
    form: Form = "envelope"


class Syslog(Tls, frozen=True, kw_only=True):
    """[syslog]: RFC 5424 over TLS (RFC 5425), a message for each report."""

    host: str
    port: int = 6514
    plain: bool = False
    """TCP without TLS (RFC 6587): only to this host itself."""
    facility: int = 13
    """13 is log audit."""
    timeout: Duration = Duration(10)
    form: Literal["records", "ocsf"] = "records"


class File(Section, frozen=True, kw_only=True):
    """[file]: JSON Lines, in files that are renamed once they are full."""

    path: AbsolutePath
    size: Size = Size(64 << 20)
    keep: int = 7
    """Older ones, path.1 the newest of them."""
    form: Form = "records"


class Stdout(Section, frozen=True):
    """[stdout]: JSON Lines."""

    form: Form = "records"


class Settings(Section, frozen=True):
    """The sections together."""

    identity: Identity = Identity()
    publish: Publish = Publish()
    spool: SpoolSettings = SpoolSettings()
    mqtt: Mqtt | None = None
    http: Http | None = None
    syslog: Syslog | None = None
    file: File | None = None
    stdout: Stdout | None = None

    @property
    def probe(self) -> str:
        """The probe's id."""
        return self.identity.id or re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]


ENDS: Final = ("mqtt", "http", "syslog", "file", "stdout")
SECTIONS: Final = frozenset(Settings.__struct_fields__)
# Those of the live agent in the same file (probe.config); they are its business.
OTHERS: Final = frozenset({"capture", "judge", "dns", "state", "health", "rollup", "reprobe", "host", "output"})


def load(path: str) -> Settings:
    """The settings in a TOML file. Raises SettingsError."""
    try:
        given, text = toml.tables(toml.read(Path(path)), path)
        settings = toml.convert(_ours(given), text, path, Settings, hook)
    except PolicyError as error:
        raise SettingsError(str(error)) from None
    for problem in _problems(settings):
        raise SettingsError(f"{path}: {problem}")
    return settings


def _ours(tables: dict[str, Any]) -> dict[str, Any]:
    return {name: table for name, table in tables.items() if name not in OTHERS}


def read(tables: dict[str, Any]) -> Settings:
    """The sections among these tables. Raises SettingsError."""
    try:
        settings = msgspec.convert(_ours(tables), Settings, dec_hook=hook)
    except msgspec.ValidationError as error:
        what, _, where = str(error).rpartition(" - at `$.")
        raise SettingsError(f"{where.rstrip('`')}: {what}" if what else str(error)) from None
    for problem in _problems(settings):
        raise SettingsError(problem)
    return settings


def _problems(settings: Settings) -> Iterator[str]:
    """What types do not say."""
    for name, value in (("id", settings.probe), ("site", settings.identity.site)):
        if not ID.fullmatch(value):
            yield f"identity.{name}: {value!r} has letters other than A-Z a-z 0-9 . _ -, or more than 128"
    if unknown := set(settings.publish.kinds) - set(KINDS):
        yield f"publish.kinds: there is no {', '.join(sorted(unknown))}; choose from {', '.join(KINDS)}"
    if settings.publish.redact and settings.publish.redact_key is None:
        yield "publish.redact: hashes without a key can be tried out by anybody: redact_key is missing"
    if settings.spool.size < LEAST_SPOOL:
        yield f"spool.size: less than {LEAST_SPOOL} bytes"
    yield from _links(settings)
    if settings.http is not None:
        yield from _http(settings.http)
    if settings.syslog is not None and not 0 <= settings.syslog.facility <= 23:
        yield "syslog.facility: a number from 0 to 23 is wanted"
    if settings.mqtt is not None:
        yield from _mqtt(settings.mqtt, settings)


def _links(settings: Settings) -> Iterator[str]:
    for name, tls in (("mqtt", settings.mqtt), ("http", settings.http), ("syslog", settings.syslog)):
        if tls is not None and (tls.certificate is None) != (tls.key is None):
            yield f"{name}: certificate and key go together"
    for name, plain in (("mqtt", settings.mqtt), ("syslog", settings.syslog)):
        if plain is not None and plain.plain and not loopback(plain.host):
            yield f"{name}.plain: reports go to {plain.host} under TLS only; plain is for this host itself"


def _http(http: Http) -> Iterator[str]:
    url = urlsplit(http.url)
    if url.scheme not in ("http", "https") or not url.hostname:
        yield f"http.url: {http.url!r} is no address of a web server"
    elif url.username or url.password:
        yield "http.url: a password in it would be shown in logs; use authorization"
    elif url.scheme == "http" and not loopback(url.hostname):
        yield f"http.url: reports go to {url.hostname} under TLS only; http:// is for this host itself"


def _mqtt(mqtt: Mqtt, settings: Settings) -> Iterator[str]:
    if mqtt.port is not None and not 0 < mqtt.port < 65_536:
        yield "mqtt.port: a number from 1 to 65535 is wanted"
    if not PREFIX.fullmatch(mqtt.prefix):
        yield "mqtt.prefix: up to five words of A-Z a-z 0-9 . _ - with / between them are wanted"
    if len(f"{mqtt.prefix}/{settings.identity.site}/{settings.probe}/certificate") > MAX_TOPIC:
        yield f"mqtt.prefix: topics would be longer than {MAX_TOPIC} bytes"
    if not LEAST_PAYLOAD <= mqtt.max_payload <= MAX_PAYLOAD:
        yield f"mqtt.max_payload: from {LEAST_PAYLOAD} to {MAX_PAYLOAD} bytes"
    if mqtt.password is not None and mqtt.user is None:
        yield "mqtt.password: user is missing"
    if mqtt.client_id is not None and not 0 < len(mqtt.client_id.encode()) <= 128:
        yield "mqtt.client_id: 1 to 128 bytes"


def loopback(host: str) -> bool:
    """Whether this host itself is meant."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def secret(path: AbsolutePath) -> str:
    """What a file holds, without the line end. Raises SettingsError, which names the file only."""
    try:
        return files.read(path.resolve(), MAX_SECRET).decode().rstrip("\r\n")
    except files.UnreadableError as error:
        raise SettingsError(str(error)) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8") from None
    except ValueError as error:
        raise SettingsError(str(error)) from None

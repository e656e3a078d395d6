"""The collector's configuration: TOML, every key known, paths absolute.

[store]
url = "sqlite:////var/lib/transitproof-collector/collector.db"
keep_days = 400

[web]
listen = "127.0.0.1:8443"
certificate = "/etc/transitproof/web.pem"
key = "/etc/transitproof/web.key"
tokens = "/etc/transitproof/tokens"

[broker]
host = "mqtt.example"
port = 8883
ca = "/etc/transitproof/broker-ca.pem"
certificate = "/etc/transitproof/collector.pem"
key = "/etc/transitproof/collector.key"
"""

import ipaddress
import tomllib
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from collector.alerts.settings import Alerts, problems
from probe.files import UnreadableError, read
from probe.values import hook

MAX_BYTES: Final = 1 << 20  # of the file
_HERE: Final = frozenset({"127.0.0.1", "::1", "[::1]", "localhost"})


class SettingsError(ValueError):
    """The file cannot be used; the message is one line that names it."""


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where reports are kept, and for how long."""

    url: str = "sqlite:////var/lib/transitproof-collector/collector.db"
    keep_days: int = 400
    """Resolved findings, traffic by days and certificates that are seen no more."""
    keep_hours: int = 48
    """Traffic by intervals; older is added up to hours, then to days."""


class WebSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The pages and the API."""

    listen: str = "127.0.0.1:8080"
    certificate: str | None = None
    key: str | None = None
    tokens: str | None = None
    """A file with `ROLE NAME TOKEN` lines; needed where it does not listen on loopback."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.listen.rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)

    @property
    def is_local(self) -> bool:
        """Whether only this host can reach it."""
        return ipaddress.ip_address(self.address[0]).is_loopback


class ExportSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What leaves the collector as files."""

    signing_key: str | None = None
    """An Ed25519 key (PEM, PKCS #8) that signs audit packs."""


class SourceSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What every source of reports has."""

    prefix: str = "transitproof/v1"
    plain: bool = False
    """Without TLS: for a source on loopback only."""
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    user: str | None = None
    password_file: str | None = None
    signers: str | None = None
    """A file with `SITE PROBE KEY` lines: only what these keys signed counts."""


class BrokerSettings(SourceSettings, frozen=True, forbid_unknown_fields=True):
    """An MQTT broker."""

    host: str = "127.0.0.1"
    port: int = 8883
    share: str = "collector"
    """Name of the shared subscription; several collectors with one name split the work."""
    protocol: Literal["5", "3.1.1"] = "5"
    """With 3.1.1 there is no shared subscription: one collector for one broker."""
    client_id: str = "transitproof-collector"


class NatsSettings(SourceSettings, frozen=True, forbid_unknown_fields=True):
    """A NATS JetStream cluster to which probes speak MQTT."""

    servers: tuple[str, ...] = ("127.0.0.1:4222",)
    """HOST:PORT of some nodes; the others are told by them."""
    stream: str = "$MQTT_msgs"
    consumer: str = "transitproof-collector"
    """Collectors with one consumer share the work."""
    ack_wait: int = 60
    """Seconds after which what a collector did not acknowledge goes to another; holds for a consumer that is new."""
    credentials: str | None = None
    """A `.creds` file of NATS."""

    @property
    def host(self) -> str:
        """For messages."""
        return ", ".join(self.servers)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything."""

    store: StoreSettings = field(default_factory=StoreSettings)
    web: WebSettings = field(default_factory=WebSettings)
    broker: BrokerSettings | None = None
    nats: NatsSettings | None = None
    export: ExportSettings = field(default_factory=ExportSettings)
    alerts: Alerts = field(default_factory=Alerts)


def load(path: str) -> Settings:
    """Raises SettingsError."""
    try:
        settings = msgspec.convert(tomllib.loads(read(path, MAX_BYTES).decode()), Settings, dec_hook=hook)
    except UnreadableError as error:
        raise SettingsError(f"{error}; a TOML file is wanted") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"{path}: {error}") from None
    return check(settings, path)


def check(settings: Settings, path: str) -> Settings:
    """What the types do not say. Raises SettingsError."""
    web, broker, cluster = settings.web, settings.broker, settings.nats
    try:
        local = web.is_local
    except ValueError:
        raise SettingsError(f"{path}: web.listen: {web.listen!r} is no ADDRESS:PORT such as 127.0.0.1:8080") from None
    if not local and web.tokens is None:
        raise SettingsError(f"{path}: web.tokens: needed, because {web.listen} can be reached from other hosts")
    if not local and (web.certificate is None or web.key is None):
        raise SettingsError(f"{path}: web.certificate: needed, because {web.listen} can be reached from other hosts")
    if broker is not None and broker.plain and broker.host not in _HERE:
        raise SettingsError(f"{path}: broker.plain: only for a broker on this host; remove it to use TLS")
    if cluster is not None and cluster.plain:
        for server in cluster.servers:
            if server.rpartition(":")[0] not in _HERE:
                raise SettingsError(f"{path}: nats.plain: {server} is not on this host; remove it to use TLS")
    if broker is not None and cluster is not None and broker.signers != cluster.signers:
        raise SettingsError(f"{path}: nats.signers: must name the same file as broker.signers")
    for problem in problems(settings.alerts):
        raise SettingsError(f"{path}: {problem}")
    return settings

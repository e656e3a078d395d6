"""The agent's configuration: /etc/transitproof/transitproof.toml and what is in conf.d beside it.

Drop-ins are read in the order of their names; a later one wins key by key, lists replace. What is wrong is said as
file:line: key: problem, an unknown key with the nearest known one. The defaults are those below; what holds in the end
is shown by `transitproof config show --effective`.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from probe import dns_options
from probe.dns_options import DnsOptions
from probe.policy.load import DEFAULT
from probe.policy.toml import PolicyError, convert, line_of, problem, read, tables
from probe.values import AbsolutePath, Duration, Size, hook, protected, toml

PATH: Final = "/etc/transitproof/transitproof.toml"
DROP_INS: Final = "conf.d"
MAX_WORKERS: Final = 16  # one thread reads for all of them, and more it cannot feed


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""


class Capture(Section, frozen=True):
    """[capture]: where packets come from."""

    interfaces: tuple[str, ...] = ("any",)
    """`any` is all, also those that come later."""
    promiscuous: bool = False
    """Also packets that are not for this host."""
    ring: Size = Size(32 << 20)
    """Room in the kernel for packets that wait, for each interface."""
    bypass: bool = True
    """Count long flows in the kernel where CAP_BPF is granted."""
    write: AbsolutePath | None = None
    """Keep the packets behind findings here, as pcapng."""
    write_limit: Size = Size(64 << 20)
    """Bytes of that file and the one before it together."""
    workers: int = 1
    """Threads that flows are divided among, by their pair of addresses; one more reads."""
    flows: int | None = None
    """Flows followed at a time; without it what the memory of the unit (MemoryMax) allows."""


class Judge(Section, frozen=True):
    """[judge]: what is said of them, as the options of `replay`."""

    policies: tuple[str, ...] = DEFAULT
    """Ids, or absolute paths of TOML files."""
    expect: tuple[str, ...] = ()
    as_of: dt.date | None = None
    at: dt.datetime | None = None
    """Judge certificates at this time; at that of the packets without."""
    trust: tuple[AbsolutePath, ...] = ()
    stores: dict[str, AbsolutePath] = {}
    """The same as stores with names of their own."""
    crl: tuple[AbsolutePath, ...] = ()
    weak_keys: tuple[AbsolutePath, ...] = ()
    waivers: tuple[AbsolutePath, ...] = ()
    baseline: AbsolutePath | None = None
    hash_key: AbsolutePath | None = None
    keylog: tuple[AbsolutePath, ...] = ()
    filter: tuple[str, ...] = ()
    vpn: AbsolutePath | None = None
    """Declared site-to-site connections, as after `--vpn`."""
    protect: tuple[str, ...] = ()
    """Networks whose traffic has to be inside a tunnel, this side first: `10.1.0.0/16,10.2.0.0/16`."""
    passes: bool = False
    why: bool = False


class State(Section, frozen=True):
    """[state]: what is remembered from one run to the next."""

    directory: AbsolutePath | None = None
    """Without it systemd's STATE_DIRECTORY; without either nothing is remembered."""
    interval: Duration = Duration(60)


class Health(Section, frozen=True):
    """[health]: what the agent says of itself."""

    interval: Duration = Duration(60)
    metrics: str | None = None
    """`127.0.0.1:9464`: serve Prometheus metrics there; a loopback address is wanted."""


class Rollup(Section, frozen=True):
    """[rollup]: what is said of the traffic, in short."""

    interval: Duration = Duration(60)
    entries: int = 256
    """Pairs of endpoint and peer named in one; the traffic of the others is added up."""
    resolved_after: Duration = Duration(86_400)
    """A finding that was not seen for so long is resolved."""


class Identity(Section, frozen=True):
    """[identity]: who speaks."""

    id: str | None = None
    """Without it the instance's id on EC2, else one made from the machine's id."""
    site: str = "default"
    ec2: Literal["auto", "yes", "no"] = "auto"
    """Ask the instance metadata service: `auto` where the hardware says that it is EC2."""


class Reprobe(Section, frozen=True):
    """[reprobe]: endpoints whose certificates are hidden (TLS 1.3) are connected to, one attempt for each a day."""

    networks: tuple[str, ...] = ()
    """Only endpoints in these; none without. The unit's IPAddressAllow has to let them through."""


class CertificateFile(Section, frozen=True):
    """[[host.certificates]]: a chain that a service of this host shows, leaf first, PEM."""

    file: AbsolutePath
    port: int | None = None
    """The port whose service shows it; without it any, told by the name that clients ask for."""


class Host(Section, frozen=True):
    """[host]: what this host knows of itself."""

    certificates: tuple[CertificateFile, ...] = ()
    gateway: AbsolutePath | None = None
    """What `transitproof gateway` writes: IPsec is held against it, and traffic against the kernel's policies."""


class Output(Section, frozen=True):
    """[output]: what goes to standard output."""

    stdout: Literal["reports", "records", "nothing"] = "reports"
    """`reports`: all but flows; `records`: flows and the summary too."""


class Config(Section, frozen=True):
    """The whole, but for the sections of those who publish (PUBLISHING)."""

    capture: Capture = field(default_factory=Capture)
    judge: Judge = field(default_factory=Judge)
    dns: DnsOptions = field(default_factory=DnsOptions)
    state: State = field(default_factory=State)
    health: Health = field(default_factory=Health)
    rollup: Rollup = field(default_factory=Rollup)
    identity: Identity = field(default_factory=Identity)
    reprobe: Reprobe = field(default_factory=Reprobe)
    host: Host = field(default_factory=Host)
    output: Output = field(default_factory=Output)


SECTIONS: Final = frozenset(Config.__struct_fields__)


PUBLISHING: Final = ("publish", "spool", "mqtt", "http", "syslog", "file")
"""Sections of the same files that belong to probe.publish.settings, which reads them."""

_TIMED: Final = ("state", "health", "rollup")
_PREFIXES: Final = "no networks; write 10.1.0.0/16, or 10.1.0.0/16,10.2.0.0/16"
_NAME: Final = "no name; up to 128 of A-Z a-z 0-9 . _ - are wanted"


def files(path: str) -> list[Path]:
    """The file and its drop-ins, in the order in which they are read."""
    main = Path(path)
    return [main, *sorted((main.parent / DROP_INS).glob("*.toml"))]


def load(path: str) -> Config:
    """What the file and its drop-ins say together. Raises PolicyError."""
    merged: dict[str, Any] = {}
    for file in files(path):
        merged = _merge(merged, _read(file))
    config = msgspec.convert(_ours(merged), Config, dec_hook=hook)
    for section, key, what in _wrong(config):
        raise PolicyError(f"{path} and its drop-ins: {section}.{key}: {what}")
    return config


def publishing(path: str) -> dict[str, Any]:
    """The tables of PUBLISHING in the same files, as they stand there. Raises PolicyError."""
    merged: dict[str, Any] = {}
    for file in files(path):
        merged = _merge(merged, tables(read(file), str(file))[0])
    return {name: table for name, table in merged.items() if name in PUBLISHING}


def _ours(table: dict[str, Any]) -> dict[str, Any]:
    return {name: section for name, section in table.items() if name not in PUBLISHING}


def is_config(path: str) -> bool:
    """Whether a file is one of these rather than a policy: by its tables, or by its place if it has none."""
    try:
        found, _ = tables(read(Path(path)), path)
    except PolicyError:
        return Path(path).name == Path(PATH).name
    known = (SECTIONS | set(PUBLISHING)) & found.keys()
    return bool(known) or (not found and (Path(path).name == Path(PATH).name or Path(path).parent.name == DROP_INS))


def _read(file: Path) -> dict[str, Any]:
    """One file, in order by itself."""
    source = str(file)
    table, text = tables(read(file), source)
    config = convert(_ours(table), text, source, Config, hook)
    for section, key, what in _wrong(config):
        raise problem(source, line_of(text, section, None, key), key, what)
    return table


def _merge(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        merged[key] = _merge(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _wrong(config: Config) -> Iterator[tuple[str, str, str]]:
    """(section, key, problem) of what types do not say."""
    capture, named = config.capture, [*config.judge.policies, *config.judge.expect]
    rows = [
        ("capture", "interfaces", not capture.interfaces, "empty; name one, or any"),
        ("capture", "ring", capture.ring < 2 << 20, "less than the two blocks of 1MiB that a ring has"),
        ("capture", "write_limit", capture.write_limit < 1 << 20, "less than 1MiB"),
        ("capture", "workers", not 1 <= capture.workers <= MAX_WORKERS, f"1 to {MAX_WORKERS} are possible"),
        (
            "capture",
            "workers",
            capture.workers > 1 and capture.write is not None,
            "write wants one worker",
        ),
        ("capture", "flows", capture.flows is not None and capture.flows < 1, "at least 1 is wanted"),
        ("judge", "policies", not all(map(_is_found, named)), "not an id and no absolute path"),
        ("judge", "protect", not all(map(_is_protected, config.judge.protect)), _PREFIXES),
        ("rollup", "entries", config.rollup.entries < 1, "at least 1 is wanted"),
        ("identity", "id", not _is_name(config.identity.id or "-"), _NAME),
        ("identity", "site", not _is_name(config.identity.site), _NAME),
        ("reprobe", "networks", not all(map(_is_network, config.reprobe.networks)), "no network; write 10.0.0.0/8"),
        ("health", "metrics", not _is_loopback(config.health.metrics), "no port of the loopback; write 127.0.0.1:9464"),
    ]
    rows += [(one, "interval", getattr(config, one).interval < 1, "less than 1s") for one in _TIMED]
    yield from ((section, key, what) for section, key, wrong, what in rows if wrong)
    try:
        dns_options.check(config.dns)
    except ValueError as error:
        yield "dns", "dns", str(error)


def _is_found(policy: str) -> bool:
    """Whatever folder the service is started in."""
    return policy.startswith("/") or not ("/" in policy or policy.endswith(".toml"))


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_protected(text: str) -> bool:
    try:
        protected(text)
    except ValueError:
        return False
    return True


def _is_name(word: str) -> bool:
    """Fit for an MQTT topic and a file's name."""
    return 0 < len(word) <= 128 and word.isascii() and all(letter.isalnum() or letter in "._-" for letter in word)


def _is_loopback(where: str | None) -> bool:
    if where is None:
        return True
    host, _, port = where.rpartition(":")
    return host in ("127.0.0.1", "[::1]", "localhost") and port.isdecimal() and int(port) < 1 << 16


def shown(config: Config, *, effective: bool) -> str:
    """As TOML: the whole, defaults included, or only what differs from them."""
    lines: list[str] = []
    for section in config.__struct_fields__:
        table = getattr(config, section)
        if effective or table != type(table)():
            _write(section, table, lines, effective=effective)
    return "\n".join(lines).lstrip("\n") + "\n" if lines else ""


def _write(name: str, table: Struct, lines: list[str], *, effective: bool) -> None:
    later: list[tuple[str, Struct]] = []
    lines += ["", f"[{name}]"]
    for key in table.__struct_fields__:
        value = getattr(table, key)
        if not effective and value == getattr(type(table)(), key):
            continue
        if value is None:
            lines.append(f"# {key} is not set")
        elif isinstance(value, Struct):
            later.append((key, value))
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Struct):
            later += [(f"[{key}", one) for one in value]
        else:
            lines.append(f"{key} = {toml(value)}")
    for key, value in later:
        if not key.startswith("["):
            _write(f"{name}.{key}", value, lines, effective=effective)
            continue
        rows = ((word, getattr(value, word)) for word in value.__struct_fields__)
        lines += ["", f"[[{name}.{key[1:]}]]", *(f"{word} = {toml(one)}" for word, one in rows if one is not None)]

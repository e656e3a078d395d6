"""Values as operators write them: `"30s"`, `"64MiB"`, `"/etc/x"`. Each is read from TOML and written back to it."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Any, Final, Self

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]+)")
_CREDENTIAL: Final = "credential:"


class Duration(float):
    """Seconds. Written with a unit: ms, s, m, h, d."""

    __slots__ = ()

    @classmethod
    def read(cls, text: object) -> Self:
        """Raises ValueError."""
        found = _NUMBER.fullmatch(text) if isinstance(text, str) else None
        if found is None or found[2] not in _SECONDS:
            raise ValueError(f'{text!r} is no duration; write a number and ms, s, m, h or d in quotes, as in "30s"')
        return cls(float(found[1]) * _SECONDS[found[2]])

    def __str__(self) -> str:
        """In the largest unit that leaves no fraction."""
        for unit in ("d", "h", "m", "s"):
            if self and self % _SECONDS[unit] == 0:
                return f"{int(self / _SECONDS[unit])}{unit}"
        return f"{round(self * 1000)}ms" if self else "0s"


class Size(int):
    """Bytes. Written with a unit: B, KiB, MiB, GiB."""

    __slots__ = ()

    @classmethod
    def read(cls, text: object) -> Self:
        """Raises ValueError."""
        found = _NUMBER.fullmatch(text) if isinstance(text, str) else None
        if found is None or found[2] not in _BYTES:
            raise ValueError(f'{text!r} is no size; write a number and B, KiB, MiB or GiB in quotes, as in "64MiB"')
        return cls(float(found[1]) * _BYTES[found[2]])

    def __str__(self) -> str:
        """In the largest unit that leaves no fraction."""
        unit = next((unit for unit in ("GiB", "MiB", "KiB") if self and self % _BYTES[unit] == 0), "B")
        return f"{self // _BYTES[unit]}{unit}"


class AbsolutePath(str):
    """A file's or folder's absolute path, or `credential:NAME`: what systemd hands over by LoadCredential=NAME:…"""

    __slots__ = ()

    @classmethod
    def read(cls, text: object) -> Self:
        """Raises ValueError."""
        if not isinstance(text, str) or not text.startswith(("/", _CREDENTIAL)):
            raise ValueError(f"{text!r} is no absolute path; a service has no folder that it is started in")
        name = text.removeprefix(_CREDENTIAL)
        if name != text and (not name or "/" in name):
            raise ValueError(f"{text!r} is no credential; its name is that of LoadCredential=NAME:PATH")
        return cls(text)

    def resolve(self) -> str:
        """Where it is now. Raises ValueError for a credential that systemd did not hand over."""
        if not self.startswith(_CREDENTIAL):
            return str(self)
        name, folder = self.removeprefix(_CREDENTIAL), os.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise ValueError(f"{self}: no credentials were handed over; the unit needs LoadCredential={name}:PATH")
        return str(Path(folder) / name)


READ: Final = (Duration, Size, AbsolutePath)


def hook(wanted: type, value: object) -> Any:  # noqa: ANN401 - of the type that is wanted
    """For `msgspec.convert(…, dec_hook=hook)`."""
    for kind in READ:
        if wanted is kind:
            return kind.read(value)
    raise NotImplementedError(wanted)


def is_address(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address, and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def protected(text: str) -> str:
    """A policy of what has to be inside a tunnel: prefixes with commas between. Raises ValueError."""
    networks = [ipaddress.ip_network(prefix.strip(), strict=False) for prefix in text.split(",")]
    if len(networks) == 1 and networks[0].prefixlen == 0:
        raise ValueError(f"{text} is everything; name the networks whose traffic has to be inside")
    return text


def toml(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, int | float) and not isinstance(value, READ):
        return str(value)
    if hasattr(value, "isoformat"):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'

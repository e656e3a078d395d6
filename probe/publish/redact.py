"""Names and addresses as hashes under a site's key, for brokers that should not know who talks to whom. Pure.

The same name has the same hash everywhere under that key, so reports can still be put side by side; without the key a
hash cannot be tried out. What could be tried out goes too: a Community ID or a uid is a plain hash over addresses, and
a certificate's fingerprint leads to its names through public logs.

Text made for people (titles) has the same names and addresses in it: they are looked for and replaced there.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Collection
from typing import Any, Final

import msgspec

from probe.values import is_address

# Members by the last word of their name: `tls.sni` and `sni` are the same
NAMES: Final = frozenset(
    [
        "sni",
        "name",
        "domain",
        "host",
        "hostname",
        "account",
        "subject",
        "issuer",
        "sans",
        "names",
        "qname",
        "query",
        "common_name",
        "server_name",
        "identity",
        "initiator_id",
        "responder_id",
        "realm",
        "user",
        "user_name",
    ]
)
LEADING_TO_NAMES: Final = frozenset(
    [
        "sha256",
        "certificate",
        "certificates",
        "client_certificates",
        "spki_sha256",
        "key_modulus",
        "serial",
        "fingerprint",
        "chain",
    ]
)
LEADING_TO_ADDRESSES: Final = frozenset(("community_id", "flows"))
LEADING_TO_BOTH: Final = frozenset(("uid",))
_ADDRESS: Final = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?=[0-9A-Fa-f:]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?)(?![\w.]*\w:)"
)
_MAC: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:])")
_HOST: Final = re.compile(r"(?<![\w.@/-])(?:[A-Za-z0-9_*-]+\.)+[A-Za-z][A-Za-z0-9-]{1,62}(?![\w-])")
# Words with dots that are ours and nobody's name
_OURS: Final = frozenset(("check", "rule", "policy", "clause", "type", "version", "remediation", "frames", "why"))
_SHORTEST: Final = 3  # letters of a name that is looked for in titles; shorter ones are in every word


class Redactor:
    """With one key."""

    def __init__(self, key: bytes, what: Collection[str]) -> None:
        """`what`: addresses, names, or both."""
        self._key = key
        self._addresses, self._names = "addresses" in what, "names" in what

    def item(self, item: bytes) -> bytes:
        """A report, redacted."""
        record = msgspec.json.decode(item)
        found: dict[str, str] = {}
        changed = self._walk(record, "", found)
        if found or self._addresses:
            changed = self._texts(changed, "", sorted(found.items(), key=lambda pair: -len(pair[0])))
        return msgspec.json.encode(changed)

    def _hash(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()

    def _name(self, text: str) -> str:
        return f"name-{self._hash('name', text.lower())[:16]}"

    def _address(self, text: str) -> str:
        return f"ip-{self._hash('ip', str(ipaddress.ip_address(text)))[:16]}"

    def _walk(self, value: Any, member: str, found: dict[str, str]) -> Any:  # noqa: ANN401
        """Members that are what they are by their name; `found` collects what to look for in texts."""
        if isinstance(value, dict):
            return {key: self._walk(one, key.rpartition(".")[2], found) for key, one in value.items()}
        if isinstance(value, list):
            return [self._walk(one, member, found) for one in value]
        if not isinstance(value, str):
            return value
        if (
            (self._names and member in LEADING_TO_NAMES)
            or (self._addresses and member in LEADING_TO_ADDRESSES)
            or member in LEADING_TO_BOTH
        ):
            return self._hash(member if member in LEADING_TO_BOTH else "id", value)[:32]
        if self._names and member in NAMES and not is_address(value):
            hidden = self._name(value)
            for part in (value, *_HOST.findall(value), *re.findall(r"=([^,]+)", value)):
                if len(part) >= _SHORTEST:
                    found[part] = hidden if part == value else self._name(part)
            return hidden
        return value

    def _texts(self, value: Any, member: str, names: list[tuple[str, str]]) -> Any:  # noqa: ANN401
        """All other texts: addresses wherever they stand, and the names that were found."""
        if isinstance(value, dict):
            return {self._plain(key, names): self._texts(one, key, names) for key, one in value.items()}
        if isinstance(value, list):
            return [self._texts(one, member, names) for one in value]
        if not isinstance(value, str) or member in _OURS:
            return value
        return self._plain(value, names)

    def _plain(self, text: str, names: list[tuple[str, str]]) -> str:
        if self._names:
            for name, hidden in names:
                text = _outside(text, name, hidden)
        if self._addresses:
            text = _ADDRESS.sub(lambda found: self._address(found[0]) if is_address(found[0]) else found[0], text)
            text = _MAC.sub(lambda found: f"mac-{self._hash('mac', found[0].lower())[:16]}", text)
        return text


def _outside(text: str, name: str, hidden: str) -> str:
    """Where it stands as a word of its own."""
    return re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", hidden, text, flags=re.IGNORECASE)

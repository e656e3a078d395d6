"""What is known of keys and issuers besides what a certificate says itself: lists of weak keys that the operator gives,
and the names with which middleboxes sign.

The core looks them up, for itself and for chain.py.
"""

import tomllib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from probe import files
from probe.trust.store import TrustError

if TYPE_CHECKING:
    from probe._parsers import Known

MAX_BYTES: Final = 256 << 20  # of one list: ten million keys; Debian's lists have 5 MB each
_MIDDLEBOXES: Final = Path(__file__).with_name("middleboxes.toml")


class WeakKeysError(TrustError):
    """A list of weak keys that cannot be used; the text names the file and the remedy."""


def read(paths: tuple[str, ...]) -> list[bytes]:
    """The lists as they are. Raises WeakKeysError for one that cannot be read."""
    return [_read(path) for path in paths]


def known(parsers: ModuleType, paths: tuple[str, ...]) -> "Known":
    """What the core looks up. Raises WeakKeysError for a list that is none."""
    rows = [(row["begin"], row["product"]) for row in tomllib.loads(_MIDDLEBOXES.read_text())["middlebox"]]
    texts = read(paths)
    for path, text in zip(paths, texts, strict=True):
        try:
            parsers.Known([text], [])
        except ValueError as error:
            message = f"{path}: {error}; --weak-keys wants a list as openssl-blacklist has them, see openssl-vulnkey(1)"
            raise WeakKeysError(message) from None
    found: Known = parsers.Known(texts, rows)
    return found


def _read(path: str) -> bytes:
    try:
        return files.read(path, MAX_BYTES)
    except files.UnreadableError as error:
        raise WeakKeysError(f"{error}; --weak-keys wants a readable list of weak keys, or a part of one") from error

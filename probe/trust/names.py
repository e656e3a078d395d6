"""Whether a certificate speaks for the name that a client asked for.

A name that stands letter for letter in the certificate needs no rules; everything else is for identity.py and the
library behind it, which takes longer to import than most captures to read.
"""

import re
from typing import Final

from cryptography import x509
from msgspec import UNSET, UnsetType

MAX_NAME: Final = 254  # characters of a DNS name with its final dot (RFC 1035 section 2.3.4)
_HOST: Final = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)+")  # letters, digits, hyphens: what needs no normalisation
_ADDRESS: Final = re.compile(r"[0-9.]+")


def is_listed(sans: list[str] | UnsetType, name: str) -> bool:
    """Whether a plain host name is among the alternative names of a certificate's record."""
    if sans is UNSET or len(name) > MAX_NAME or f"dns:{name}" not in sans:
        return False
    return bool(_HOST.fullmatch(name)) and not _ADDRESS.fullmatch(name)


def matches(certificate: x509.Certificate, name: str) -> bool | None:
    """True or False; None if `name` cannot be checked.

    Raises ValueError if the certificate's extensions are malformed.
    """
    if len(name) > MAX_NAME:
        return None
    from probe.trust import identity

    return identity.matches(certificate, name)

"""What can be said against a certificate by looking at it alone: validity, name, usage, key and signature.

The path to a root is the business of chain.py. Functions may raise what `cryptography` raises for malformed extensions
and keys; the caller turns that into a reason.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from probe.model import PublicKey, Reason
from probe.trust import names
from probe.trust.certificates import MAX_TEXT, Parsed, extension

MIN_BITS: Final = {"rsa": 2048, "dsa": 2048, "ec": 224}  # RFC 9325 section 4.5: at least 112 bits of security
WEAK_HASHES: Final = ("md2", "md4", "md5", "sha1")  # RFC 9155; RFC 9325 section 4.5
_SERVER_USAGES: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
_CLIENT_USAGES: Final = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


class Judgement(Struct, frozen=True):
    """One reason, with the certificate that it is about and what an operator needs to recognise it."""

    reason: Reason
    sha256: str | None = None
    subject: str | None = None
    issuer: str | None = None
    detail: str | None = None
    store: str | None = None
    """The stores with the root that an accepted chain leads to."""


def about(reason: Reason, certificate: x509.Certificate, detail: str | None = None) -> Judgement:
    """A judgement that names its certificate as far as its names can be read."""
    return Judgement(
        reason,
        certificate.fingerprint(SHA256()).hex(),
        _text(certificate, "subject"),
        _text(certificate, "issuer"),
        detail,
    )


def of(reason: Reason, parsed: Parsed, detail: str | None = None) -> Judgement:
    """A judgement about a certificate that was parsed before, which spares reading its names again."""
    subject, issuer = parsed.record.subject, parsed.record.issuer
    return Judgement(
        reason,
        parsed.sha256,
        subject if isinstance(subject, str) else None,
        issuer if isinstance(issuer, str) else None,
        detail,
    )


def validity(certificate: x509.Certificate, when: dt.datetime) -> Iterator[Judgement]:
    """RFC 5280 section 4.1.2.5: both ends are part of the validity."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if when > end:
        yield about("expired", certificate, f"valid until {end:%Y-%m-%d %H:%M:%S} UTC")
    elif when < begin:
        yield about("not_yet_valid", certificate, f"valid from {begin:%Y-%m-%d %H:%M:%S} UTC")


def name_of(leaf: x509.Certificate, name: str | None) -> Iterator[Judgement]:
    """Whether the leaf speaks for the name that the client asked for."""
    if name is not None and names.matches(leaf, name) is False:
        sans = extension(leaf, x509.SubjectAlternativeName)
        detail = "no subjectAltName" if sans is None else f"issued for {_listed(sans)}"
        yield about("wrong_name", leaf, detail)


def usage(leaf: Parsed, *, client: bool = False) -> Iterator[Judgement]:
    """RFC 5280 section 4.2.1.12: a certificate that has extendedKeyUsage must list what it is used for."""
    usages = leaf.extensions.get(x509.ExtendedKeyUsage)
    if usages is not None and not any(usage in (_CLIENT_USAGES if client else _SERVER_USAGES) for usage in usages):
        yield of("wrong_usage", leaf, f"extendedKeyUsage does not list {'clientAuth' if client else 'serverAuth'}")


def strength(parsed: Parsed, *, leaf: bool, weakness: str | None = None) -> Iterator[Judgement]:
    """Size of the key and hash of the signature; neither library looks at both.

    `weakness`: why the key protects nothing whatever its size. Nobody relies on the signature of a root.
    """
    key, signature = parsed.record.key, parsed.record.signature
    if weakness is not None:
        yield of("weak_key", parsed, weakness)
    elif isinstance(key, PublicKey) and isinstance(key.bits, int) and key.bits < MIN_BITS.get(key.algorithm, 0):
        yield of("weak_key", parsed, f"{key.algorithm.upper()} {key.bits} bits")
    if not isinstance(signature, str) or (not leaf and parsed.record.subject == parsed.record.issuer):
        return
    if signature.lower().replace("-", "").removeprefix("ecdsawith").removeprefix("dsawith").startswith(WEAK_HASHES):
        yield of("weak_signature", parsed, signature)
    elif signature.lower() == "rsassapss" and parsed.x509 is not None and (used := _hash(parsed.x509)) in WEAK_HASHES:
        yield of("weak_signature", parsed, f"{signature} with {used}")


def _hash(certificate: x509.Certificate) -> str:
    algorithm = certificate.signature_hash_algorithm
    return "" if algorithm is None else algorithm.name


def _listed(sans: x509.SubjectAlternativeName, shown: int = 3) -> str:
    every = [str(name.value) for name in sans if isinstance(name, x509.DNSName | x509.IPAddress)]
    more = f" and {len(every) - shown} more" if len(every) > shown else ""
    return ", ".join(every[:shown])[:MAX_TEXT] + more if every else "no host name"


def _text(certificate: x509.Certificate, part: str) -> str | None:
    try:
        name: x509.Name = getattr(certificate, part)
        return name.rfc4514_string()[:MAX_TEXT]
    except Exception:  # noqa: BLE001 - a name that cannot be decoded is left out; the certificate is unparseable anyway
        return None

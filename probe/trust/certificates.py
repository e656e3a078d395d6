"""DER to certificate, once per SHA-256.

The bytes come from the network, so nothing here raises for what they hold: an unparseable certificate is a value that
says what was wrong with it. Fields: RFC 5280 section 4; names as RFC 4514 strings.
"""

import datetime as dt
import functools
import hashlib
import warnings
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import UNSET, Struct, UnsetType

from probe.model import Certificate, PublicKey
from probe.trust.services import service

MAX_TEXT: Final = 4096  # characters of a name kept in a record: no honest one is longer, and a record must stay a line
MAX_NAMES: Final = 1000  # alternative names kept in a record: CAs issue at most 100 to 2000
_T = TypeVar("_T")


class Parsed(Struct, frozen=True, eq=False):
    """A certificate as it came, with the library's view of it (None if it could not be loaded)."""

    sha256: str
    x509: x509.Certificate | None
    record: Certificate
    extensions: dict[type, Any] = {}
    """By the type of their values; empty where they are malformed."""

    @property
    def problem(self) -> str | None:
        """Why it, or a part of it, could not be parsed."""
        return self.record.unparseable or None


def parse(sha256: str, der: bytes) -> Parsed:
    """Parse one certificate; `problem` is set if that failed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns about odd serials and encodings: here they are data
        try:
            certificate = x509.load_der_x509_certificate(der)
        except Exception as error:  # noqa: BLE001 - hostile bytes: whatever the parser raises is the certificate's fault
            return Parsed(sha256, None, Certificate(sha256=sha256, unparseable=_why("certificate", error)))
        return _read(sha256, certificate)


def certificate_lines(certificates: Iterable[Certificate]) -> bytes:
    """Certificate records as JSON Lines."""
    return msgspec.json.Encoder().encode_lines(certificates)


def moment(when: dt.datetime) -> str:
    """A certificate's time in the contract's form."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond:06d}Z".zfill(27)


def key_of(certificate: x509.Certificate) -> PublicKey:
    """Algorithm and size of the public key. Raises what the library raises for keys that it cannot read."""
    key = _public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        return PublicKey("rsa", key.key_size)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return PublicKey("ec", key.key_size, key.curve.name)
    if isinstance(key, dsa.DSAPublicKey):
        return PublicKey("dsa", key.key_size)
    return PublicKey(_oid_name(certificate.public_key_algorithm_oid))


@functools.lru_cache(maxsize=1)  # both of its users come one after the other
def _public_key(certificate: x509.Certificate) -> Any:  # noqa: ANN401 - one of many kinds of key
    return certificate.public_key()


def signature_name(certificate: x509.Certificate) -> str:
    """The signature algorithm's usual name, `sha256WithRSAEncryption` for instance, else its OID in dots."""
    return _oid_name(certificate.signature_algorithm_oid)


def _read(sha256: str, certificate: x509.Certificate) -> Parsed:
    problems: list[str] = []

    def read(part: str, function: Callable[[], _T]) -> _T | UnsetType:
        try:
            return function()
        except Exception as error:  # noqa: BLE001 - fields are decoded on first access: see parse()
            problems.append(_why(part, error))
            return UNSET

    extensions = read("extensions", lambda: _extensions(certificate))
    known: dict[type, Any] = {} if extensions is UNSET else extensions
    issuer = read("issuer", lambda: certificate.issuer.rfc4514_string()[:MAX_TEXT])
    record = Certificate(
        sha256=sha256,
        subject=read("subject", lambda: certificate.subject.rfc4514_string()[:MAX_TEXT]),
        issuer=issuer,
        serial=read("serial", lambda: f"{certificate.serial_number:x}"),
        not_before=read("not_before", lambda: moment(certificate.not_valid_before_utc)),
        not_after=read("not_after", lambda: moment(certificate.not_valid_after_utc)),
        sans=UNSET if extensions is UNSET else _sans(known.get(x509.SubjectAlternativeName)),
        key=read("key", lambda: key_of(certificate)),
        signature=read("signature", lambda: signature_name(certificate)),
        spki_sha256=read("key", lambda: _spki_sha256(certificate)),
        key_modulus=read("key", lambda: _modulus(certificate)),
        scts=UNSET if extensions is UNSET else len(known.get(x509.PrecertificateSignedCertificateTimestamps, ())),
        ca=UNSET if extensions is UNSET else _is_ca(known.get(x509.BasicConstraints)),
        issuer_service=UNSET if issuer is UNSET else service(issuer, known) or UNSET,
        unparseable="; ".join(dict.fromkeys(problems)) or UNSET,
    )
    return Parsed(sha256, certificate, record, known)


def extension(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    """The value of an extension, None if the certificate has none of this type.

    Raises ValueError if they are malformed.
    """
    value: _T | None = _extensions(certificate).get(kind)
    return value


def _extensions(certificate: x509.Certificate) -> dict[type, Any]:
    return {type(candidate.value): candidate.value for candidate in reversed(list(certificate.extensions))}


def _is_ca(constraints: x509.BasicConstraints | None) -> bool:
    """Whether basicConstraints says that this certificate may sign others."""
    return constraints is not None and constraints.ca


def _sans(names: x509.SubjectAlternativeName | None) -> list[str]:
    return [] if names is None else list(_name_strings(list(names)[:MAX_NAMES]))


def _name_strings(names: Iterable[x509.GeneralName]) -> Iterable[str]:
    for name in names:
        if isinstance(name, x509.DNSName):
            yield f"dns:{name.value}"[:MAX_TEXT]
        elif isinstance(name, x509.IPAddress):
            yield f"ip:{name.value}"
        elif isinstance(name, x509.RFC822Name):
            yield f"email:{name.value}"[:MAX_TEXT]
        elif isinstance(name, x509.UniformResourceIdentifier):
            yield f"uri:{name.value}"[:MAX_TEXT]


def _spki_sha256(certificate: x509.Certificate) -> str:
    spki = _public_key(certificate).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _modulus(certificate: x509.Certificate) -> str | UnsetType:
    key = _public_key(certificate)
    if not isinstance(key, rsa.RSAPublicKey):
        return UNSET
    return key.public_numbers().n.to_bytes((key.key_size + 7) // 8).hex()


def _oid_name(oid: Any) -> str:  # noqa: ANN401 - ObjectIdentifier, whose name has no public accessor
    name: str = oid._name  # noqa: SLF001
    return oid.dotted_string if name == "Unknown OID" else name


def _why(part: str, error: Exception) -> str:
    return f"{part}: {str(error).splitlines()[0][:200] if str(error) else type(error).__name__}"

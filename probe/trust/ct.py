"""Signed certificate timestamps (RFC 6962): whether the logs of a given list promised to publish a certificate.

They come embedded in the certificate, in a TLS extension, or in a stapled OCSP response. Embedded ones are over the
precertificate, so that the certificate without them and the key of its issuer are needed. The list is that of Google or
Apple (log list version 3, JSON).
"""

import base64
import binascii
import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from cryptography.x509 import ocsp
from msgspec import Struct

from probe.files import UnreadableError, read
from probe.trust.beside import Beside
from probe.trust.certificates import Parsed
from probe.trust.signed import issuers, verifies
from probe.trust.store import TrustError

CHECK: Final = "certificate.transparency"
MAX_BYTES: Final = 16 << 20  # of a log list; Google's has 100 kB
_MOST: Final = 32  # timestamps of one certificate looked at; honest ones have 2 to 5
_LONG: Final = dt.timedelta(days=180)
"""From which validity on browsers want three timestamps rather than two."""
_LAST: Final = 253_402_300_799_000
"""Milliseconds until the end of the year 9999: a later time is as good as this one."""
_SHA256: Final = 4
"""HashAlgorithm of RFC 5246; logs use no other (RFC 6962 section 2.1.4)."""

Source = Literal["certificate", "extension", "staple"]


class LogListError(TrustError):
    """A log list that cannot be used; the text names the file and the remedy."""


class Log(Struct, frozen=True):
    """One log."""

    operator: str
    description: str
    key: Any
    retired: dt.datetime | None
    """What it promised from then on does not count."""


class Timestamp(Struct, frozen=True):
    """One promise (RFC 6962 section 3.2)."""

    log: bytes
    milliseconds: int
    extensions: bytes
    hash: int
    signature: bytes


class _State(Struct):
    timestamp: dt.datetime | None = None


class _Log(Struct):
    key: str
    log_id: str = ""
    description: str = ""
    state: dict[str, _State] = {}


class _Operator(Struct):
    name: str
    logs: list[_Log] = []
    tiled_logs: list[_Log] = []


class _List(Struct):
    operators: list[_Operator]


class Logs:
    """The logs of a list, by their ids."""

    def __init__(self, path: str) -> None:
        """Raises LogListError."""
        self._logs: dict[bytes, Log] = {}
        try:
            for operator in _read(path).operators:
                for log in [*operator.logs, *operator.tiled_logs]:
                    self._add(operator.name, log)
        except (msgspec.DecodeError, binascii.Error, ValueError) as error:
            if isinstance(error, LogListError):
                raise
            message = f"{path}: {error}; --ct-logs wants a log list of Google or Apple, version 3 (JSON)"
            raise LogListError(message) from None

    def _add(self, operator: str, log: _Log) -> None:
        key = base64.b64decode(log.key)
        retired = log.state.get("retired") or log.state.get("rejected")
        self._logs[hashlib.sha256(key).digest()] = Log(
            operator, log.description, load_der_public_key(key), None if retired is None else retired.timestamp
        )

    def __len__(self) -> int:
        return len(self._logs)

    @staticmethod
    def ends(leaf: Parsed, beside: Beside) -> Iterator[int]:
        """The seconds since the epoch from which on a timestamp is not of the future any more."""
        if leaf.x509 is not None and not leaf.problem:
            for _, timestamp in _timestamps(leaf.x509, beside):
                yield min(timestamp.milliseconds, _LAST) // 1000

    def judge(
        self, certificates: Sequence[Parsed], beside: Beside, roots: Sequence[x509.Certificate], when: dt.datetime
    ) -> str | None:
        """Why the certificate counts as not published, None if enough logs promised that it would be."""
        leaf = certificates[0]
        if leaf.x509 is None:
            return None
        above = [*(parsed.x509 for parsed in certificates[1:] if parsed.x509 is not None), *roots]
        entries = _entries(leaf.x509, list(issuers(leaf.x509, above)))
        proven: dict[bytes, Log] = {}
        faults: list[str] = []
        for source, timestamp in list(_timestamps(leaf.x509, beside))[:_MOST]:
            log = self._logs.get(timestamp.log)
            fault = _fault(timestamp, log, entries[source], when)
            if fault is None and log is not None:
                proven[timestamp.log] = log
            else:
                faults.append(f"{fault} ({source})")
        operators = {log.operator for log in proven.values()}
        lifetime = leaf.x509.not_valid_after_utc - leaf.x509.not_valid_before_utc
        wanted = 3 if lifetime > _LONG else 2
        if len(proven) >= wanted and len(operators) > 1:
            return None
        logs = f"{len(proven)} of {wanted} logs" if len(proven) < wanted else "logs of one operator only"
        return "; ".join([f"promised by {logs}", *dict.fromkeys(faults)])


def _fault(timestamp: Timestamp, log: Log | None, entries: Sequence[bytes], when: dt.datetime) -> str | None:
    """Why a timestamp does not count for any of these entries."""
    if log is None:
        return "a timestamp of a log that is not on the list"
    on = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=min(timestamp.milliseconds, _LAST))
    begin = b"\0\0" + timestamp.milliseconds.to_bytes(8, "big")
    signed = (begin + entry + _vector(timestamp.extensions, 2) for entry in entries)
    faults = (
        (on > when, "a timestamp of the future"),
        (log.retired is not None and on >= log.retired, "a timestamp of a log that was retired before"),
        (timestamp.hash != _SHA256, "a timestamp that is not signed with SHA-256"),
        (not entries, "a timestamp that cannot be checked without the issuer's certificate"),
        (
            not any(verifies(log.key, timestamp.signature, one, hashes.SHA256()) for one in signed),
            "a timestamp whose signature is wrong",
        ),
    )
    return next((text for holds, text in faults if holds), None)


def _entries(leaf: x509.Certificate, over: Sequence[x509.Certificate]) -> dict[Source, list[bytes]]:
    """What is signed besides time and extensions (RFC 6962 section 3.2): for embedded ones the precertificate."""
    whole = [b"\0\0" + _vector(leaf.public_bytes(Encoding.DER), 3)]
    spkis = (one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in over)
    before = [b"\0\1" + hashlib.sha256(spki).digest() + _vector(_precertificate(leaf), 3) for spki in spkis]
    return {"certificate": before, "extension": whole, "staple": whole}


def _precertificate(leaf: x509.Certificate) -> bytes:
    """What would be signed without the timestamps in it."""
    try:
        return leaf.tbs_precertificate_bytes
    except ValueError:  # it has none
        return b""


def _vector(content: bytes, length: int) -> bytes:
    return len(content).to_bytes(length, "big") + content


def _timestamps(leaf: x509.Certificate, beside: Beside) -> Iterator[tuple[Source, Timestamp]]:
    """Those from all three places."""
    for extension in leaf.extensions:
        if isinstance(extension.value, x509.PrecertificateSignedCertificateTimestamps):
            yield from (("certificate", one) for one in _list(_octets(extension.value.public_bytes())))
    for content in beside.timestamps:
        yield from (("extension", one) for one in _list(content))
    for response in beside.responses:
        yield from (("staple", one) for one in _of_response(response, leaf))


def _of_response(response: bytes, leaf: x509.Certificate) -> Iterator[Timestamp]:
    try:
        loaded = ocsp.load_der_ocsp_response(response)
        if (
            loaded.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL
            or loaded.serial_number != leaf.serial_number
        ):
            return
        for extension in loaded.single_extensions:
            if isinstance(extension.value, x509.SignedCertificateTimestamps):
                yield from _list(_octets(extension.value.public_bytes()))
    except Exception:  # noqa: BLE001 - hostile bytes: certificate.staple says what is wrong with them
        return


def _octets(der: bytes) -> bytes:
    """The contents of an OCTET STRING."""
    length = der[1]
    return der[2:] if length < 0x80 else der[2 + (length & 0x7F) :]


def _list(content: bytes) -> Iterator[Timestamp]:
    """A SignedCertificateTimestampList, as far as it can be read."""
    rest = content[2 : 2 + int.from_bytes(content[:2], "big")]
    while len(rest) > 2:
        length = int.from_bytes(rest[:2], "big")
        one, rest = rest[2 : 2 + length], rest[2 + length :]
        if len(one) < 47 or one[0] != 0:
            continue  # of another version, or cut
        behind = 43 + int.from_bytes(one[41:43], "big")
        yield Timestamp(
            one[1:33],
            int.from_bytes(one[33:41], "big"),
            one[43:behind],
            one[behind] if behind < len(one) else 0,
            one[behind + 4 :],
        )


def _read(path: str) -> _List:
    try:
        content = read(path, MAX_BYTES)
    except UnreadableError as error:
        raise LogListError(f"{error}; --ct-logs wants a readable log list") from error
    return msgspec.json.decode(content, type=_List)

"""Stapled OCSP responses (RFC 6960, RFC 6066 section 8): what they say of the certificates of a chain at a time.

A response counts if the authority of the certificate signed it, or somebody to whom that delegated it (a certificate of
its own with OCSPSigning, valid then), and if it is about the certificate. One that is out of date still tells of a
revocation, as lists do, but proves nothing else.
"""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from probe.trust.certificates import Parsed, extension
from probe.trust.reasons import Judgement, of
from probe.trust.signed import issued, issuers, verifies

SKEW: Final = dt.timedelta(minutes=5)
"""By so much clocks may differ: what `openssl ocsp` grants."""
_SINGLES: Final = 16  # statements of one response looked at; responders give one
CHECK: Final = "certificate.staple"


def ends(responses: Sequence[bytes]) -> Iterator[int]:
    """The seconds since the epoch at which a response begins or ceases to count, or revokes."""
    for response in responses:
        for single in _singles(_load(response)):
            if single.next_update_utc is not None:
                yield int((single.next_update_utc + SKEW).timestamp())
            if (revoked := _revoked_on(single)) is not None:
                yield int(revoked.timestamp()) - 1
            yield int((single.this_update_utc - SKEW).timestamp()) - 1
        for delegate in _delegates(_load(response)):
            yield from (int(one.timestamp()) for one in (delegate.not_valid_before_utc, delegate.not_valid_after_utc))


def judge(
    responses: Sequence[bytes],
    certificates: Sequence[Parsed],
    roots: Sequence[x509.Certificate],
    when: dt.datetime,
) -> tuple[list[Judgement], set[str]]:
    """What the responses say at `when`, and the certificates (SHA-256) that they prove to be good."""
    above = [*(parsed.x509 for parsed in certificates if parsed.x509 is not None), *roots]
    found: list[Judgement] = []
    good: set[str] = set()
    for response in responses:
        try:
            for judged in _of_one(response, certificates, above, when):
                if isinstance(judged, Judgement):
                    found.append(judged)
                else:
                    good.add(judged)
        except Exception as error:  # noqa: BLE001 - hostile bytes: whatever the library raises is the response's fault
            found.append(of(CHECK, certificates[0], f"it cannot be parsed ({type(error).__name__})"))
    return found, good


def _of_one(
    response: bytes, certificates: Sequence[Parsed], above: Sequence[x509.Certificate], when: dt.datetime
) -> Iterator[Judgement | str]:
    leaf, loaded = certificates[0], _load(response)
    if loaded is None:
        yield of(CHECK, leaf, "it cannot be parsed")
        return
    if loaded.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        yield of(CHECK, leaf, f"the responder answered {loaded.response_status.name.lower()}")
        return
    matched = False
    for single in _singles(loaded):
        for parsed in certificates:
            if parsed.x509 is None or parsed.x509.serial_number != single.serial_number:
                continue
            over = list(issuers(parsed.x509, above))
            if not over:
                return  # by nobody known: there is nothing to check the response with
            if not any(_is_by(single, issuer) for issuer in over):
                continue
            matched = True
            yield (
                _said(single, parsed, when)
                if _signed(loaded, over, when)
                else of(CHECK, parsed, "it is not signed by the authority, nor by one to whom that delegated it")
            )
    if not matched:
        yield of(CHECK, leaf, "it is about another certificate")


def _said(single: Any, parsed: Parsed, when: dt.datetime) -> Judgement | str:  # noqa: ANN401 - OCSPSingleResponse or a response of one
    on, until = _revoked_on(single), single.next_update_utc
    if on is not None and on <= when:
        reason = single.revocation_reason
        why = "" if reason is None else f": {reason.value}"
        return of("revoked", parsed, f"revoked on {on:%Y-%m-%d %H:%M:%S} UTC{why}, says the stapled OCSP response")
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return of(CHECK, parsed, "the responder does not know the certificate")
    if when < single.this_update_utc - SKEW:
        return of(CHECK, parsed, f"it is made on {single.this_update_utc:%Y-%m-%d %H:%M:%S} UTC only")
    if until is not None and when > until + SKEW:
        return of(CHECK, parsed, f"it was to be replaced by {until:%Y-%m-%d %H:%M:%S} UTC")
    return parsed.sha256


def _revoked_on(single: Any) -> dt.datetime | None:  # noqa: ANN401
    revoked = single.certificate_status is ocsp.OCSPCertStatus.REVOKED
    on: dt.datetime | None = single.revocation_time_utc if revoked else None
    return on


def _load(response: bytes) -> ocsp.OCSPResponse | None:
    try:
        return ocsp.load_der_ocsp_response(response)
    except Exception:  # noqa: BLE001 - see judge
        return None


def _singles(loaded: ocsp.OCSPResponse | None) -> list[Any]:
    if loaded is None or loaded.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return []
    return [single for single, _ in zip(loaded.responses, range(_SINGLES), strict=False)]


def _is_by(single: Any, issuer: x509.Certificate) -> bool:  # noqa: ANN401
    """RFC 6960 section 4.1.1: hashes of the issuer's name and of its key without tag, length and unused bits."""
    algorithm = single.hash_algorithm
    key = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bits = _bit_string(key)
    names = hashlib.new(algorithm.name, issuer.subject.public_bytes()).digest()
    return bool(
        names == single.issuer_name_hash and hashlib.new(algorithm.name, bits).digest() == single.issuer_key_hash
    )


def _bit_string(spki: bytes) -> bytes:
    """The contents of the second element of a SubjectPublicKeyInfo in DER."""
    _, rest = _element(_element(spki)[0])
    return _element(rest)[0][1:]


def _element(data: bytes) -> tuple[bytes, bytes]:
    """The contents of the first element, and what is behind it."""
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    return data[start : start + length], data[start + length :]


def _signed(loaded: ocsp.OCSPResponse, over: Sequence[x509.Certificate], when: dt.datetime) -> bool:
    by: list[x509.Certificate] = [*over, *(one for one in _delegates(loaded) if _may_answer(one, over, when))]
    return any(
        verifies(
            one.public_key(),
            loaded.signature,
            loaded.tbs_response_bytes,
            _hash_of(loaded),
            loaded.signature_algorithm_oid,
        )
        for one in by
    )


def _hash_of(loaded: ocsp.OCSPResponse) -> hashes.HashAlgorithm | None:
    try:
        return loaded.signature_hash_algorithm
    except Exception:  # noqa: BLE001 - an algorithm that has none, or that the library does not know
        return None


def _delegates(loaded: ocsp.OCSPResponse | None) -> list[x509.Certificate]:
    if loaded is None or loaded.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return []
    return list(loaded.certificates[:4])


def _may_answer(delegate: x509.Certificate, over: Sequence[x509.Certificate], when: dt.datetime) -> bool:
    """RFC 6960 section 4.2.2.2."""
    usages = extension(delegate, x509.ExtendedKeyUsage)
    valid = delegate.not_valid_before_utc <= when <= delegate.not_valid_after_utc
    signs = usages is not None and ExtendedKeyUsageOID.OCSP_SIGNING in usages
    return valid and signs and any(issued(delegate, issuer) for issuer in over)

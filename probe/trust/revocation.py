"""Certificates that their authority took back, by lists that the operator gives (RFC 5280 sections 5 and 6.3).

A list counts for the certificates of the authority that signed it, which is checked, from the moment that it names for
each. Lists for something else are passed over: indirect ones, deltas, and those with critical extensions that are not
understood. An outdated list still tells what it had revoked; what it says nothing of may have been revoked since.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cryptography import x509

from probe.files import UnreadableError, read
from probe.trust.certificates import Parsed, extension
from probe.trust.reasons import Judgement, of
from probe.trust.store import TrustError

MAX_BYTES: Final = 128 << 20  # of one file; the largest lists of public authorities had 80 MB
_UNDERSTOOD: Final = (x509.IssuingDistributionPoint, x509.AuthorityKeyIdentifier, x509.CRLNumber)
_PEM: Final = b"-----BEGIN X509 CRL-----"
_END: Final = b"-----END X509 CRL-----"


class CrlError(TrustError):
    """A file of revocation lists that cannot be used; the text names the file and the remedy."""


class Revocations:
    """Revocation lists, by the authority that they are from."""

    def __init__(self, paths: Sequence[str]) -> None:
        """`paths`: files in DER or PEM, of several lists too. Raises CrlError if one is unusable."""
        self._lists: dict[bytes, list[x509.CertificateRevocationList]] = {}
        for path in paths:
            for crl in _read(path):
                self._lists.setdefault(crl.issuer.public_bytes(), []).append(crl)

    @property
    def issuers(self) -> Iterator[str]:
        """The authorities' names, RFC 4514."""
        return (crls[0].issuer.rfc4514_string() for crls in self._lists.values())

    def ends(self, certificates: Sequence[Parsed]) -> Iterator[int]:
        """The seconds since the epoch at which a list begins or ceases to count, or revokes one of the certificates."""
        for parsed in certificates:
            if parsed.x509 is None:
                continue
            for crl in self._lists.get(parsed.x509.issuer.public_bytes(), ()):
                entry = _entry(crl, parsed)
                moments = (crl.next_update_utc, None if entry is None else entry.revocation_date_utc)
                yield from (int(moment.timestamp()) for moment in moments if moment is not None)

    def judge(
        self, certificates: Sequence[Parsed], roots: Sequence[x509.Certificate], when: dt.datetime
    ) -> Iterator[Judgement]:
        """What the lists say of the certificates of one chain at `when`."""
        above = [*(parsed.x509 for parsed in certificates if parsed.x509 is not None), *roots]
        for parsed in certificates:
            if parsed.x509 is not None and not parsed.problem:
                crls = self._lists.get(parsed.x509.issuer.public_bytes())
                if crls and (found := _of_one(parsed, crls, above, when)) is not None:
                    yield found


def _of_one(
    parsed: Parsed,
    crls: Sequence[x509.CertificateRevocationList],
    above: Sequence[x509.Certificate],
    when: dt.datetime,
) -> Judgement | None:
    certificate: Any = parsed.x509
    issuers = [issuer for issuer in above if _issued(certificate, issuer)]
    if not issuers:
        return None  # by nobody known: there is nothing to check the lists' signatures with
    keys = [signer.public_key() for signer in (*issuers, *_renewed(issuers, above))]
    doubt: str | None = None
    for crl in crls:
        if not _is_for(crl, parsed):
            continue
        if not any(_signed(crl, key) for key in keys):
            doubt = "the CRL is not signed by the issuer of the certificate"
            continue
        entry = _entry(crl, parsed)
        if entry is not None and entry.revocation_date_utc <= when and not _taken_back(entry):
            return of("revoked", parsed, f"revoked on {entry.revocation_date_utc:%Y-%m-%d %H:%M:%S} UTC{_why(entry)}")
        if crl.next_update_utc is None or when <= crl.next_update_utc:
            return None
        doubt = f"the CRL was to be replaced by {crl.next_update_utc:%Y-%m-%d %H:%M:%S} UTC"
    return None if doubt is None else of("revocation_unknown", parsed, doubt)


def _entry(crl: x509.CertificateRevocationList, parsed: Parsed) -> x509.RevokedCertificate | None:
    """What a list says of a certificate. The library does not look up negative numbers, which old authorities gave."""
    if not isinstance(parsed.record.serial, str):
        return None
    number = int(parsed.record.serial, 16)
    if number < 0:
        return next((entry for entry in crl if entry.serial_number == number), None)
    return crl.get_revoked_certificate_by_serial_number(number)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether it did, and may sign lists (RFC 5280 section 6.3.3, f)."""
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - whatever a library raises for hostile bytes: it did not issue it then
        return False
    return _may_sign_lists(issuer)


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        usage = extension(issuer, x509.KeyUsage)
    except ValueError:
        return False
    return usage is None or usage.crl_sign


def _renewed(issuers: Sequence[x509.Certificate], above: Sequence[x509.Certificate]) -> Iterator[x509.Certificate]:
    """Certificates of the same authority with another key, which the one or its own issuer signed: it signs its lists
    with either while keys change (RFC 5280 section 6.3.3, f; RFC 4210 section 4.4)."""
    for other in above:
        if any(other.subject == issuer.subject and other != issuer for issuer in issuers):
            signers = (one for one in above if one.subject == other.issuer and one != other)
            if any(_issued(other, signer) for signer in signers) and _may_sign_lists(other):
                yield other


def _signed(crl: x509.CertificateRevocationList, key: Any) -> bool:  # noqa: ANN401 - one of many kinds of key
    try:
        return crl.is_signature_valid(key)
    except Exception:  # noqa: BLE001 - a key of another kind, or one that the library does not know
        return False


def _is_for(crl: x509.CertificateRevocationList, parsed: Parsed) -> bool:
    """Whether the certificate is within the list's scope (RFC 5280 section 5.2.5)."""
    for found in crl.extensions:
        if isinstance(found.value, x509.DeltaCRLIndicator) or (
            found.critical and not isinstance(found.value, _UNDERSTOOD)
        ):
            return False
        if isinstance(found.value, x509.IssuingDistributionPoint):
            scope, is_ca = found.value, parsed.record.ca is True
            if scope.indirect_crl or scope.only_contains_attribute_certs:
                return False
            if (scope.only_contains_user_certs and is_ca) or (scope.only_contains_ca_certs and not is_ca):
                return False
    return True


def _taken_back(entry: x509.RevokedCertificate) -> bool:
    return _reason(entry) is x509.ReasonFlags.remove_from_crl


def _why(entry: x509.RevokedCertificate) -> str:
    reason = _reason(entry)
    return "" if reason is None else f": {reason.value}"


def _reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except (x509.ExtensionNotFound, ValueError):
        return None


def _read(path: str) -> list[x509.CertificateRevocationList]:
    try:
        data = read(path, MAX_BYTES)
    except UnreadableError as error:
        message = f"{error}; --crl wants a readable file of revocation lists"
        raise CrlError(message) from error
    blocks = [_PEM + block.partition(_END)[0] + _END + b"\n" for block in data.split(_PEM)[1:]]
    try:
        crls = [x509.load_pem_x509_crl(block) for block in blocks] or [x509.load_der_x509_crl(data)]
        for crl in crls:
            list(crl.extensions)  # malformed ones are found now rather than at the first chain
    except ValueError as error:
        message = f"{path}: no revocation list in DER or PEM; look at it with: openssl crl -in {path} -noout -text"
        raise CrlError(message) from error
    return crls

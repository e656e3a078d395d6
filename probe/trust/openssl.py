"""Why a chain is rejected: OpenSSL's numeric code and depth, which `openssl verify` prints too and which stay the same.

The codes are those of x509_vfy.h. Only X509Store is used here; nothing of pyOpenSSL that needs callbacks.
"""

import datetime as dt
import functools
from typing import Any, Final

from cryptography import x509
from msgspec import Struct
from OpenSSL import crypto

from probe.model import Reason
from probe.trust.store import Store

NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which pyOpenSSL does not name

NOT_YET_VALID: Final = 9
EXPIRED: Final = 10
SELF_SIGNED: Final = 18
ISSUER_NOT_LOCAL: Final = 20
_REASONS: Final[dict[int, Reason]] = {
    2: "unknown_root",  # issuer not found
    4: "unparseable",  # signature cannot be decoded
    6: "unparseable",  # issuer's key cannot be decoded
    7: "unknown_root",  # signature does not fit the issuer: nobody trusted vouches for it
    NOT_YET_VALID: "not_yet_valid",
    EXPIRED: "expired",
    13: "unparseable",  # notBefore cannot be decoded
    14: "unparseable",  # notAfter cannot be decoded
    SELF_SIGNED: "self_signed",
    19: "unknown_root",  # a self-signed root was sent that is not trusted
    ISSUER_NOT_LOCAL: "unknown_root",
    21: "missing_intermediate",
    22: "unknown_root",  # longer than OpenSSL builds
    23: "revoked",
    24: "unparseable",  # issuer's key is missing
    25: "not_a_ca",  # pathLenConstraint exceeded
    26: "wrong_usage",
    28: "wrong_usage",
    32: "not_a_ca",  # keyUsage without keyCertSign
    34: "wrong_usage",  # critical extension not understood
    47: "wrong_usage",  # name constraints
    48: "wrong_usage",
    66: "weak_key",
    67: "weak_key",
    68: "weak_signature",
    79: "not_a_ca",
}


class Failure(Struct, frozen=True):
    """What OpenSSL stopped at."""

    code: int
    depth: int
    text: str
    certificate: x509.Certificate | None

    @property
    def reason(self) -> Reason:
        """The contract's word.

        An issuer that is missing right above the leaf is one that the server should have sent.
        """
        if self.code == ISSUER_NOT_LOCAL and self.depth == 0:
            return "missing_intermediate"
        return _REASONS.get(self.code, "unknown_root")


class Verifier:
    """X509Store around the roots of one `Store`, with time and without."""

    def __init__(self, store: Store) -> None:
        """The store's roots are trusted even where they are not self-signed (PARTIAL_CHAIN), as in `cryptography`."""
        self._roots = [crypto.X509.from_cryptography(root) for root in store.roots]
        self._timed = self._store(crypto.X509StoreFlags.PARTIAL_CHAIN)

    @functools.cached_property
    def _timeless(self) -> crypto.X509Store:
        return self._store(crypto.X509StoreFlags.PARTIAL_CHAIN | NO_CHECK_TIME)

    def _store(self, flags: int) -> crypto.X509Store:
        store = crypto.X509Store()
        store.set_flags(flags)
        for root in self._roots:
            store.add_cert(root)
        return store

    def failures(self, leaf: x509.Certificate, others: list[x509.Certificate], when: dt.datetime) -> list[Failure]:
        """Empty if the chain holds at `when`. After a failure of time the rest is looked at as well."""
        self._timed.set_time(when)
        first = _verify(self._timed, leaf, others)
        if first is None:
            return []
        if first.code not in (EXPIRED, NOT_YET_VALID):
            return [first]
        second = _verify(self._timeless, leaf, others)
        return [first] if second is None else [first, second]


def _verify(store: crypto.X509Store, leaf: x509.Certificate, others: list[x509.Certificate]) -> Failure | None:
    try:
        _context(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        detail: list[Any] = error.errors
        return Failure(int(detail[0]), int(detail[1]), str(detail[2]), _faulty(error))
    return None


def _faulty(error: crypto.X509StoreContextError) -> x509.Certificate | None:
    if not error.certificate._x509:  # noqa: SLF001 - NULL where OpenSSL had no certificate at hand; using it would crash
        return None
    try:
        return error.certificate.to_cryptography()
    except ValueError:
        return None


def _context(
    store: crypto.X509Store, leaf: x509.Certificate, others: list[x509.Certificate]
) -> crypto.X509StoreContext:
    untrusted = [crypto.X509.from_cryptography(certificate) for certificate in others]
    return crypto.X509StoreContext(store, crypto.X509.from_cryptography(leaf), untrusted)

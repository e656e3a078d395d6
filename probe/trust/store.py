"""The roots that are trusted: the host's own, because the question is whether this host would trust a chain, plus those
given.

Roots are read when the first chain is judged, so that a capture without certificates pays nothing. A store does not
change once it is loaded.
"""

import base64
import binascii
import contextlib
import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from probe.files import UnreadableError, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptography import x509

    from probe._parsers import Known, Roots
    from probe.trust.ct import Logs
    from probe.trust.revocation import Revocations

MAX_BYTES: Final = 16 << 20  # of one file of roots; those of all public programmes together have 400 kB
HOST_BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
"""Debian and its family; Fedora, Amazon Linux and theirs."""
HOST: Final = "host"
PRIVATE: Final = "private"
"""The name of a store that is given without one."""
PUBLIC: Final = (HOST, "mozilla", "chrome", "apple", "microsoft")
"""Stores of public programmes, whose authorities the CA/B Forum's rules bind; all others are private."""
_NAMED: Final = re.compile(r"([a-z][a-z0-9_-]*)=(.+)", re.DOTALL)
_BEGIN: Final = re.compile(rb"(?:TRUSTED )?CERTIFICATE-----")
_END: Final = re.compile(rb"-----END (?:TRUSTED )?CERTIFICATE-----")
"""Two plain searches: one expression needs possessive quantifiers, which Python 3.11.2 (Debian 12) gets wrong."""


class TrustError(ValueError):
    """A file of roots that cannot be used; the text names the file and the remedy."""


class Store:
    """A set of roots, in the forms that the two verifiers want."""

    def __init__(
        self,
        extra: tuple[str, ...] = (),
        *,
        host: bool = True,
        crls: tuple[str, ...] = (),
        weak_keys: tuple[str, ...] = (),
        ct_logs: str | None = None,
    ) -> None:
        """`extra`: PEM files whose certificates are trusted besides the host's, with `name=` in front if the store has
        a name; `crls`: files of revocation lists; `weak_keys`: lists of keys that are known to be weak; `ct_logs`:
        a list of Certificate Transparency logs.

        Raises TrustError or CrlError if one is unusable.
        """
        self.revocations = _revocations(crls) if crls else None
        self.logs = None if ct_logs is None else _logs(ct_logs)
        self.weak_keys = weak_keys
        given = [_name_and_path(each) for each in extra]
        self._given = [(name, read_pem(path)) for name, path in given]
        self._roots: list[x509.Certificate] | None = None
        self._stores: dict[bytes, list[str]] = {}
        self._known: Known | None = None
        self._subjects: frozenset[str] | None = None
        self._ends: list[int] | None = None
        self._verifier: Any = None
        bundle = host_bundle() if host else None
        self._host = bundle
        self.sources = (*(() if bundle is None else (bundle,)), *(path for _, path in given))
        """The files that the roots come from."""

    @property
    def roots(self) -> "list[x509.Certificate]":
        """Every trusted certificate, once."""
        if self._roots is None:
            self._roots = self._load()
        return self._roots

    def contains(self, fingerprint: bytes) -> bool:
        """Whether the certificate with this SHA-256 is itself trusted."""
        return bool(self.roots) and fingerprint in self._stores

    def is_public(self, root: "x509.Certificate") -> bool:
        """Whether it is in a store of a public programme: the host's own, say."""
        return any(store in PUBLIC for store in self.stores_of(root))

    def stores_of(self, root: "x509.Certificate") -> list[str]:
        """The names of the stores that a certificate is in."""
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._stores.get(root.fingerprint(SHA256()), []) if self.roots else []

    @property
    def ends(self) -> list[int]:
        """The seconds since the epoch at which the validity of a root begins or ends, sorted."""
        if self._ends is None:
            pairs = ((root.not_valid_before_utc, root.not_valid_after_utc) for root in self.roots)
            self._ends = sorted({int(moment.timestamp()) for pair in pairs for moment in pair})
        return self._ends

    @property
    def subjects(self) -> frozenset[str]:
        """The names of the trusted certificates, casefolded RFC 4514 strings cut as records cut them."""
        if self._subjects is None:
            from probe.trust.certificates import MAX_TEXT

            self._subjects = frozenset(root.subject.rfc4514_string()[:MAX_TEXT].casefold() for root in self.roots)
        return self._subjects

    @property
    def verifier_store(self) -> Any:  # noqa: ANN401 - cryptography's Store, imported late
        """The roots for `cryptography.x509.verification`; None if there are none, which that library refuses."""
        if self._verifier is None and self.roots:
            from cryptography.x509.verification import Store as VerifierStore

            self._verifier = VerifierStore(self.roots)
        return self._verifier

    def for_core(self, parsers: ModuleType) -> "Roots":
        """The roots for the core, which judges all but the odd chains."""
        roots: Roots = parsers.Roots([])
        for name, ders in self._blocks():
            roots.trust(name, ders, name in PUBLIC)
        roots.know(self.known(parsers))
        for der in roots.unread:
            from probe.trust.certificates import parse

            subject = parse("", der).record.subject
            roots.resolve(der, subject if isinstance(subject, str) else None)
        if self.revocations is not None:
            for issuer in self.revocations.issuers:
                roots.leave(issuer)
        if self.logs is not None:
            roots.leave_all()  # whose signatures of timestamps it does not check
        return roots

    def known(self, parsers: ModuleType) -> "Known":
        """What else is known of keys and issuers, for the core to look up. Raises WeakKeysError."""
        if self._known is None:
            from probe.trust.known import known

            self._known = known(parsers, self.weak_keys)
        return self._known

    def _blocks(self) -> "list[tuple[str, list[bytes]]]":
        """The stores by name, the host's first."""
        return [*([] if self._host is None else [(HOST, read_pem(self._host))]), *self._given]

    def _load(self) -> "list[x509.Certificate]":
        from cryptography.hazmat.primitives.hashes import SHA256

        roots: dict[bytes, x509.Certificate] = {}
        for name, ders in self._blocks():
            for root in _parse(ders):
                fingerprint = root.fingerprint(SHA256())
                roots.setdefault(fingerprint, root)
                stores = self._stores.setdefault(fingerprint, [])
                if name not in stores:
                    stores.append(name)
        return list(roots.values())


def _revocations(crls: tuple[str, ...]) -> "Revocations":
    from probe.trust.revocation import Revocations

    return Revocations(crls)


def _logs(path: str) -> "Logs":
    from probe.trust.ct import Logs

    return Logs(path)


def _name_and_path(given: str) -> tuple[str, str]:
    """`mozilla=roots.pem` is the store mozilla; a path alone is of the private one."""
    named = None if Path(given).exists() else _NAMED.fullmatch(given)
    return (PRIVATE, given) if named is None else (named[1], named[2])


def host_bundle() -> str | None:
    """The host's bundle of roots, else certifi's if that is installed, else None."""
    for path in HOST_BUNDLES:
        if Path(path).is_file():
            return path
    try:
        import certifi  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    return str(certifi.where())


def read_pem(path: str) -> list[bytes]:
    """The DER of each certificate in a PEM file."""
    try:
        data = read(path, MAX_BYTES)
    except UnreadableError as error:
        message = f"{error}; --trust wants a readable PEM file of certificates"
        raise TrustError(message) from error
    blocks = []
    for part in data.split(b"-----BEGIN "):
        begin, end = _BEGIN.match(part), _END.search(part)
        if begin is None or end is None:
            continue
        try:
            blocks.append(base64.b64decode(b"".join(part[begin.end() : end.start()].split()), validate=True))
        except binascii.Error as error:
            message = f"{path}: a certificate in it is not base64; export it again as PEM"
            raise TrustError(message) from error
    if not blocks:
        message = (
            f"{path}: no PEM certificate in it; convert DER with: openssl x509 -inform der -in {path} -out roots.pem"
        )
        raise TrustError(message)
    return blocks


def _parse(blocks: "Iterable[bytes]") -> "Iterator[x509.Certificate]":
    """The roots that can be parsed; one that cannot is nobody's root."""
    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns about odd serials of roots that everybody trusts
        for der in blocks:
            with contextlib.suppress(ValueError, TypeError):
                yield x509.load_der_x509_certificate(der)

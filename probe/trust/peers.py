"""Certificates of peers of IKE: what they claim to be (ID payload) against the certificate, and whom a library accepts.

RFC 4945 sections 3.1 and 5.1.3: an address or a host's or mail name has to be a subjectAltName of its kind, a
distinguished name the subject; extendedKeyUsage need not be there and need not list anything in particular.
"""

from collections.abc import Iterator
from typing import Final

from cryptography import x509
from cryptography.x509 import verification

from probe.trust import names, reasons
from probe.trust.certificates import Parsed, extension
from probe.trust.reasons import Judgement

_MAIL: Final = "@"
_DISTINGUISHED: Final = "="


def verifier(builder: verification.PolicyBuilder) -> verification.ClientVerifier:
    """One that lets the leaf be for anything."""
    authorities = verification.ExtensionPolicy.webpki_defaults_ca()
    anything = verification.ExtensionPolicy.permit_all()
    return builder.extension_policies(ca_policy=authorities, ee_policy=anything).build_client_verifier()


def judge_name(leaf: Parsed, name: str | None) -> Iterator[Judgement]:
    """Nothing if it proves the name; names as the core writes identities."""
    if leaf.x509 is None or name is None:
        return
    if _DISTINGUISHED in name:
        if leaf.record.subject != name:
            yield reasons.of("wrong_name", leaf, "the subject is another")
    elif _MAIL in name:
        if not _is_mail_of(leaf.x509, name):
            yield reasons.of("wrong_name", leaf, "not among the mail addresses of subjectAltName")
    elif not names.is_listed(leaf.record.sans, name):
        yield from reasons.name_of(leaf.x509, name)


def _is_mail_of(certificate: x509.Certificate, name: str) -> bool:
    """RFC 5280 section 7.5: the host's name without regard to case."""
    sans = extension(certificate, x509.SubjectAlternativeName)
    given = [] if sans is None else sans.get_values_for_type(x509.RFC822Name)
    return _folded(name) in map(_folded, given)


def _folded(mail: str) -> tuple[str, str]:
    local, _, host = mail.rpartition(_MAIL)
    return local, host.lower()

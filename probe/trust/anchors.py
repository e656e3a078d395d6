"""Chains that cannot lead to a trusted root, told by names alone.

If no certificate of a chain is itself trusted and none names a trusted root as its issuer, no path exists, and no
signature has to be looked at to say so. The reason is then found as OpenSSL finds it: by following names until there
is no issuer or the certificate is its own (RFC 5280 section 6.1; x509_vfy.c, build_chain). Whatever is out of the
ordinary, names that cannot be read or key identifiers that do not fit, is left to the libraries.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from probe.model import Reason
from probe.trust.certificates import Parsed
from probe.trust.reasons import Judgement, of
from probe.trust.store import Store

SELF_SIGNED: Final = "self-signed certificate"
SELF_SIGNED_IN_CHAIN: Final = "self-signed certificate in certificate chain"
NO_ISSUER: Final = "unable to get local issuer certificate"


def dead_end(certificates: Sequence[Parsed], store: Store) -> Judgement | None:
    """Why this chain (leaf first) ends short of every root; None if it may reach one, or if only a library can tell."""
    names = [_names(parsed) for parsed in certificates]
    if any(store.contains(bytes.fromhex(parsed.sha256)) for parsed in certificates):
        return None
    if any(name is None or name[1] in store.subjects for name in names):
        return None
    current, depth, left = 0, 0, set(range(1, len(certificates)))
    while True:
        subject, issuer = names[current] or ("", "")
        if subject == issuer:
            if not _fits(certificates[current], certificates[current]):
                return None
            return _end("self_signed" if depth == 0 else "unknown_root", certificates[current], own=True, depth=depth)
        above = next((at for at in sorted(left) if (names[at] or ("", ""))[0] == issuer), None)
        if above is None:
            return _end("missing_intermediate" if depth == 0 else "unknown_root", certificates[current])
        if not _fits(certificates[current], certificates[above]):
            return None
        left.remove(above)
        current, depth = above, depth + 1


def _end(reason: Reason, parsed: Parsed, *, own: bool = False, depth: int = 0) -> Judgement:
    text = NO_ISSUER if not own else SELF_SIGNED if depth == 0 else SELF_SIGNED_IN_CHAIN
    return of(reason, parsed, text)


def _names(parsed: Parsed) -> tuple[str, str] | None:
    """Subject and issuer in a form in which equal names are equal; None if one of them cannot be read."""
    subject, issuer = parsed.record.subject, parsed.record.issuer
    if not (isinstance(subject, str) and isinstance(issuer, str)) or parsed.problem or not subject or not issuer:
        return None
    return subject.casefold(), issuer.casefold()


def _fits(child: Parsed, parent: Parsed) -> bool:
    """Whether nothing in the two speaks against the one having issued the other (RFC 5280 section 4.2.1.1)."""
    usage = parent.extensions.get(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign and child is not parent:
        return False
    wanted = child.extensions.get(x509.AuthorityKeyIdentifier)
    if wanted is None:
        return True
    if wanted.authority_cert_serial_number is not None:
        return False  # by issuer and serial number: rare enough for the library
    given = parent.extensions.get(x509.SubjectKeyIdentifier)
    return bool(wanted.key_identifier is None or given is None or wanted.key_identifier == given.digest)

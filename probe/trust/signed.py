"""Signatures that are not of certificates, and who issued what: what staples and timestamps are checked with."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

_PSS: Final = x509.SignatureAlgorithmOID.RSASSA_PSS
_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def verifies(key: Any, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm | None, oid: Any = None) -> bool:  # noqa: ANN401 - one of many kinds of key
    """Whether it is this key's signature. False also for kinds that the library does not know."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            return _rsa(key, signature, data, algorithm, pss=oid == _PSS)
        if isinstance(key, ec.EllipticCurvePublicKey):
            if algorithm is None:
                return False
            key.verify(signature, data, ec.ECDSA(algorithm))
        else:
            key.verify(signature, data)  # EdDSA and ML-DSA, which hash by themselves
    except Exception:  # noqa: BLE001 - whatever a library raises for hostile bytes: it does not verify then
        return False
    return True


def _rsa(
    key: rsa.RSAPublicKey, signature: bytes, data: bytes, algorithm: hashes.HashAlgorithm | None, *, pss: bool
) -> bool:
    if not pss:
        if algorithm is None:
            return False
        key.verify(signature, data, padding.PKCS1v15(), algorithm)
        return True
    for kind in _HASHES:
        try:
            key.verify(signature, data, padding.PSS(padding.MGF1(kind()), padding.PSS.AUTO), kind())
        except InvalidSignature:
            continue
        return True
    return False


def issuers(certificate: x509.Certificate, above: Iterable[x509.Certificate]) -> Iterator[x509.Certificate]:
    """Those that did issue it, by name and signature."""
    for issuer in above:
        if issuer.subject == certificate.issuer and issued(certificate, issuer):
            yield issuer


def issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether it did."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - see above
        return False
    return True

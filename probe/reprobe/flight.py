"""Whether a chain that was fetched fits into what a TLS 1.3 server sent, hidden, to its clients (RFC 8446 section 4).

Pure: no connections, no time.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

_HEADER: Final = 4  # of a handshake message
_ENTRY: Final = 3 + 2  # lengths of a certificate and of its extensions
_SIGNATURES: Final[dict[type, int]] = {
    ed25519.Ed25519PublicKey: 64,
    ed448.Ed448PublicKey: 114,
    mldsa.MLDSA44PublicKey: 2420,
    mldsa.MLDSA65PublicKey: 3309,
    mldsa.MLDSA87PublicKey: 4627,
}
"""RFC 8032; FIPS 204 table 2."""
_HASHES: Final = {"SHA384": 48, "SHA256": 32}
MAX_EXTENSIONS: Final = 96
"""Bytes that EncryptedExtensions have at most behind their length: protocol chosen, empty server_name, groups."""


def predicted(chain: Sequence[bytes], suite: str) -> range | None:
    """Bytes of messages with which a server sends this chain (DER, leaf first); None for another kind of key or suite.

    Without a CertificateRequest, staples, timestamps, compression and padding.
    """
    signature = _signature(chain[0]) if chain else None
    hashed = next((size for name, size in _HASHES.items() if suite.endswith(name)), None)
    if signature is None or hashed is None:
        return None
    extensions, verify, finished = _HEADER + 2, _HEADER + 2 + 2, _HEADER + hashed
    certificates = _HEADER + 1 + 3 + sum(_ENTRY + len(der) for der in chain)
    fixed = extensions + certificates + verify + finished
    return range(fixed + signature.start, fixed + signature.stop + MAX_EXTENSIONS)


def _signature(leaf: bytes) -> range | None:
    """Bytes of a signature with the leaf's key."""
    try:
        key = x509.load_der_x509_certificate(leaf).public_key()
    except (ValueError, TypeError):
        return None
    if isinstance(key, rsa.RSAPublicKey):
        size = (key.key_size + 7) // 8
        return range(size, size + 1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        size = (key.key_size + 7) // 8
        return range(2 * size, 2 * size + 10)  # a SEQUENCE of two INTEGER, whose leading zeros are left out
    fixed = next((size for kind, size in _SIGNATURES.items() if isinstance(key, kind)), None)
    return None if fixed is None else range(fixed, fixed + 1)

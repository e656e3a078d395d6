"""Signed envelopes: a detached JWS (RFC 7515 appendix F) with Ed25519 (RFC 8037), so that a broker in between can
neither make, change nor reorder what a probe said.

The signature is the last member, `"jws":"<header>..<signature>"`. What is signed are the envelope's bytes without that
member: everything before `,"jws":"`, and the closing brace. No canonical form is needed, the bytes are the probe's.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from probe.files import UnreadableError, read

_MEMBER: Final = b',"jws":"'
MAX_KEY: Final = 64 * 1024  # bytes of the file; a key has some hundred
SIGNATURE_ROOM: Final = 320  # bytes that the member takes


class SigningError(ValueError):
    """A key or a signature is not as it should be; the text is one line and has nothing of a key."""


class Signer:
    """Signs with one key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.kid = thumbprint(key.public_key())
        self._header = _base64(json.dumps({"alg": "EdDSA", "kid": self.kid}, separators=(",", ":")).encode())

    @classmethod
    def load(cls, path: str) -> "Signer":
        """From a PEM file. Raises SigningError."""
        try:
            key = load_pem_private_key(read(path, MAX_KEY), None)
        except UnreadableError as error:
            raise SigningError(str(error)) from None
        except (ValueError, TypeError):
            raise SigningError(f"{path}: no unencrypted private key in PEM; {_MAKE} {path}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SigningError(f"{path}: an Ed25519 key is wanted; {_MAKE} {path}")
        return cls(key)

    def sign(self, envelope: bytes) -> bytes:
        """The envelope with its signature."""
        signature = self._key.sign(self._header + b"." + _base64(envelope))
        return envelope[:-1] + _MEMBER + self._header + b".." + _base64(signature) + b'"}'


_MAKE: Final = "make one by: openssl genpkey -algorithm ed25519 -out"


def verify(envelope: bytes, keys: Mapping[str, Ed25519PublicKey]) -> str:
    """The id of the key that signed it, from the keys that are trusted (by `kid`). Raises SigningError."""
    before, member, after = envelope.rpartition(_MEMBER)
    if not member or not after.endswith(b'"}'):
        raise SigningError("no signature")
    header, _, signature = after[:-2].partition(b"..")
    try:
        said = json.loads(_raw(header))
        algorithm, kid = said["alg"], said["kid"]
        raw = _raw(signature)
    except (ValueError, KeyError, TypeError):
        raise SigningError("damaged signature") from None
    if algorithm != "EdDSA" or set(said) != {"alg", "kid"}:
        raise SigningError("signed in another way than ours")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise SigningError("signed with a key that is not known")
    try:
        key.verify(raw, header + b"." + _base64(before + b"}"))
    except InvalidSignature:
        raise SigningError("wrong signature") from None
    return str(kid)


def thumbprint(key: Ed25519PublicKey) -> str:
    """RFC 7638: what names a key."""
    x = _base64(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    return _base64(hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _raw(text: bytes) -> bytes:
    """Raises ValueError also where other text means the same bytes: the bits left over in the last character count."""
    raw = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _base64(raw) != text:
        raise ValueError("not canonical")
    return raw

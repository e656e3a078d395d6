"""Whose signature is believed: the public keys of probes, and what each probe has to show.

The file has a line for each key, `SITE PROBE KEY`; the key is the base64 that
`openssl pkey -in signing.key -pubout -outform DER | base64` prints. Several lines for one probe are for the time in
which its key is changed. Probes that are not in the file are not believed either.
"""

import base64
import binascii
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from collector.settings import SettingsError
from probe.files import UnreadableError, read
from probe.publish import signing

MAX_BYTES: Final = 32 << 20  # of the file: some 200,000 probes

Keys = dict[str, Ed25519PublicKey]


class Signers:
    """Keys by site and probe, each by its `kid`."""

    def __init__(self, keys: dict[tuple[str, str], Keys]) -> None:
        self._keys = keys

    def fault(self, site: str, probe: str, payload: bytes) -> str | None:
        """Why this payload is not the probe's word, None if it is."""
        keys = self._keys.get((site, probe))
        if keys is None:
            return "signature: no key of this probe is known"
        try:
            signing.verify(payload, keys)
        except signing.SigningError as error:
            return f"signature: {error}"
        return None


def load(path: str) -> Signers:
    """Raises SettingsError."""
    try:
        text = read(path, MAX_BYTES)
    except UnreadableError as error:
        raise SettingsError(str(error)) from None
    keys: dict[tuple[str, str], Keys] = {}
    for number, line in enumerate(text.decode(errors="replace").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 3:
            raise SettingsError(f"{path}:{number}: a line is SITE PROBE KEY")
        key = _key(words[2])
        if key is None:
            raise SettingsError(
                f"{path}:{number}: not an Ed25519 public key; print it by: "
                "openssl pkey -in signing.key -pubout -outform DER | base64"
            )
        keys.setdefault((words[0], words[1]), {})[signing.thumbprint(key)] = key
    return Signers(keys)


def _key(text: str) -> Ed25519PublicKey | None:
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None

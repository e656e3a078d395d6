"""`python -m collector.export.verify PACK.zip KEY.pem`: whether an audit pack is as it was when it was signed.

KEY is the public key (`openssl pkey -in signing.key -pubout`). Exit code 0 if nothing was changed, 1 if something was,
2 for files that cannot be read.
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from probe.publish.signing import SigningError, thumbprint, verify

MANIFEST: Final = "manifest.json"
MOST: Final = 1 << 30  # bytes of one file in a pack: no more is unpacked
CHANGED, UNREADABLE = 1, 2


def faults(pack: zipfile.ZipFile, key: Ed25519PublicKey) -> list[str]:
    """What is not as it was signed; nothing if all is. Raises KeyError without a manifest."""
    told = pack.read(MANIFEST)
    try:
        verify(told, {thumbprint(key): key})
    except SigningError as error:
        return [f"{MANIFEST}: {error}"]
    files = json.loads(told)["files"]
    names = set(pack.namelist()) - {MANIFEST}
    found = [f"{name}: not in the manifest" for name in sorted(names - set(files))]
    found += [f"{name}: missing" for name in sorted(set(files) - names)]
    for name in sorted(names & set(files)):
        if pack.getinfo(name).file_size > MOST:
            found.append(f"{name}: larger than {MOST} bytes")
        elif hashlib.sha256(pack.read(name)).hexdigest() != files[name]:
            found.append(f"{name}: changed")
    return found


def _key(path: str) -> Ed25519PublicKey:
    """Raises OSError and ValueError."""
    key = load_pem_public_key(Path(path).read_bytes())
    if isinstance(key, Ed25519PublicKey):
        return key
    raise ValueError(f"{path} has no Ed25519 key")


def main(arguments: list[str]) -> int:
    """The exit code."""
    if len(arguments) != 2:
        sys.stderr.write(f"{(__doc__ or '').splitlines()[0]}\n")
        return UNREADABLE
    try:
        key = _key(arguments[1])
        with zipfile.ZipFile(arguments[0]) as pack:
            found = faults(pack, key)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        sys.stderr.write(f"{' and '.join(arguments)} cannot be used: {error}\n")
        return UNREADABLE
    sys.stdout.writelines(f"{line}\n" for line in found or ["as it was signed"])
    return CHANGED if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Signatures, with PyJWT and openssl as judges."""

import base64
import json
import subprocess
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.publish.signing import SIGNATURE_ROOM, Signer, SigningError, thumbprint, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(KEY)
KEYS = {SIGNER.kid: KEY.public_key()}
ENVELOPE = b'{"schema":"transitproof.finding/1","seq":1,"items":[{"type":"finding","title":"\xc3\xa4,\\"jws\\":"}]}'


def test_another_library_verifies_it() -> None:
    signed = SIGNER.sign(ENVELOPE)
    jws = json.loads(signed)["jws"]
    header, _, signature = jws.split(".")
    payload = base64.urlsafe_b64encode(ENVELOPE).rstrip(b"=").decode()
    whole = jwt.PyJWS().decode_complete(f"{header}.{payload}.{signature}", KEY.public_key(), algorithms=["EdDSA"])
    assert whole["payload"] == ENVELOPE
    assert whole["header"] == {"alg": "EdDSA", "kid": SIGNER.kid}
    assert len(signed) - len(ENVELOPE) < SIGNATURE_ROOM


def test_the_kid_is_a_thumbprint() -> None:
    """The example key of RFC 8037, appendices A.1 and A.3."""
    d = base64.urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = Ed25519PrivateKey.from_private_bytes(d).public_key()
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_what_was_signed_verifies() -> None:
    assert verify(SIGNER.sign(ENVELOPE), KEYS) == SIGNER.kid


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_does_not(place: int, change: int) -> None:
    signed = bytearray(SIGNER.sign(ENVELOPE))
    signed[place % len(signed)] ^= change
    with pytest.raises(SigningError):
        verify(bytes(signed), KEYS)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(SigningError):
        verify(data, KEYS)
    with pytest.raises(SigningError):
        verify(ENVELOPE[:-1] + b',"jws":"' + data + b'"}', KEYS)


def test_keys_that_are_not_known_and_other_algorithms() -> None:
    with pytest.raises(SigningError, match="not known"):
        verify(SIGNER.sign(ENVELOPE), {})
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": SIGNER.kid}).encode()).rstrip(b"=")
    with pytest.raises(SigningError, match="another way"):
        verify(ENVELOPE[:-1] + b',"jws":"' + header + b'.."}', KEYS)


def test_keys_from_files(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)], check=True, capture_output=True)
    signer = Signer.load(str(path))
    assert signer.kid != SIGNER.kid
    subprocess.run(["openssl", "genpkey", "-algorithm", "x25519", "-out", str(path)], check=True, capture_output=True)
    for content, what in ((path.read_bytes(), "Ed25519 key is wanted"), (b"secret text", "no unencrypted private key")):
        path.write_bytes(content)
        with pytest.raises(SigningError, match=what) as raised:
            Signer.load(str(path))
        assert "secret text" not in str(raised.value)
    with pytest.raises(SigningError, match="no such file"):
        Signer.load(str(tmp_path / "none"))

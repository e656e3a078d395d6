"""A TLS 1.3 server that takes Encrypted Client Hellos (RFC 9849), since no server at hand does.

Scripted: one suite, one group, one connection. What it does is checked by the clients that it talks to: a real one goes
on only if the signal in the ServerHello, the Finished and the certificate for the hidden name are right.
"""

import os
import socket
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CLIENT, SERVER = 0, 1
Flights = list[tuple[int, bytes]]
PUBLIC_NAME: Final = "front.example"
SUITE: Final = b"\x13\x01"  # TLS_AES_128_GCM_SHA256
X25519: Final = 29
ECH, OUTER_EXTENSIONS, KEY_SHARE = 0xFE0D, 0xFD00, 51
TIMEOUT: Final = 10.0


def vector(content: bytes, width: int = 2) -> bytes:
    return len(content).to_bytes(width, "big") + content


def _expand(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def _mac(key: bytes, data: bytes) -> bytes:
    """HMAC, which is also HKDF-Extract (RFC 5869 section 2.2)."""
    made = hmac.HMAC(key, hashes.SHA256())
    made.update(data)
    return made.finalize()


def _hash(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def _label(secret: bytes, label: str, context: bytes, length: int = 32) -> bytes:
    """HKDF-Expand-Label, RFC 8446 section 7.1."""
    return _expand(
        secret, length.to_bytes(2, "big") + vector(b"tls13 " + label.encode(), 1) + vector(context, 1), length
    )


class Hpke:
    """The receiver of RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, mode base."""

    KEM: Final = b"KEM\0\x20"
    HPKE: Final = b"HPKE\0\x20\0\1\0\1"

    def __init__(self) -> None:
        self.key = X25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes_raw()

    def open(self, enc: bytes, info: bytes, aad: bytes, sealed: bytes) -> bytes:
        shared = self.key.exchange(X25519PublicKey.from_public_bytes(enc))
        prk = self._extract(self.KEM, b"", b"eae_prk", shared)
        secret = self._expand(self.KEM, prk, b"shared_secret", enc + self.public, 32)
        none = self._extract(self.HPKE, b"", b"psk_id_hash", b"")
        schedule = b"\0" + none + self._extract(self.HPKE, b"", b"info_hash", info)
        prk = self._extract(self.HPKE, secret, b"secret", b"")
        key = self._expand(self.HPKE, prk, b"key", schedule, 16)
        nonce = self._expand(self.HPKE, prk, b"base_nonce", schedule, 12)
        return AESGCM(key).decrypt(nonce, sealed, aad)

    @staticmethod
    def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return _mac(salt or bytes(32), b"HPKE-v1" + suite + label + ikm)

    @staticmethod
    def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        return _expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


class Hello:
    """A ClientHello's body in its parts."""

    def __init__(self, body: bytes) -> None:
        self.random = body[2:34]
        at = 34
        self.parts = []
        for width in (1, 2, 1):  # session id, suites, compression methods
            end = at + width + int.from_bytes(body[at : at + width], "big")
            self.parts.append(body[at:end])
            at = end
        self.head = body[:34]
        end, at, self.extensions = at + 2 + int.from_bytes(body[at : at + 2], "big"), at + 2, list[tuple[int, bytes]]()
        self.begins: dict[int, int] = {}
        while at < end:
            kind, length = int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big")
            self.begins[kind] = at + 4
            self.extensions.append((kind, body[at + 4 : at + 4 + length]))
            at += 4 + length

    def get(self, kind: int) -> bytes:
        return dict(self.extensions)[kind]

    def body(self) -> bytes:
        extensions = b"".join(kind.to_bytes(2, "big") + vector(data) for kind, data in self.extensions)
        return self.head + b"".join(self.parts) + vector(extensions)


class EchServer:
    """Serves one connection on a port of loopback. `config_list` is what DNS would give out."""

    def __init__(self, chain: Path, key: Path, *, accepts: bool = True, config_id: int = 7) -> None:
        """`accepts`: whether it has the key of the configuration."""
        self._chain = x509.load_pem_x509_certificates(chain.read_bytes())
        signer = serialization.load_pem_private_key(key.read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        self._signer, self._accepts, self._hpke = signer, accepts, Hpke()
        contents = bytes([config_id]) + b"\0\x20" + vector(self._hpke.public) + vector(b"\0\1\0\1") + b"\0"
        self._config = b"\xfe\x0d" + vector(contents + vector(PUBLIC_NAME.encode(), 1) + vector(b""))
        self.config_list = vector(self._config)
        self.flights: Flights = []
        self.inner: Hello | None = None
        self.outer: Hello | None = None
        self.finished = False
        """The client's Finished is right."""
        self._secrets: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._listener.settimeout(TIMEOUT)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()

    def key_log(self, random: bytes) -> str:
        """The secrets as lines under this random."""
        labels = ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET")
        return "".join(
            f"{label} {random.hex()} {secret.hex()}\n" for label, secret in zip(labels, self._secrets, strict=True)
        )

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(TIMEOUT)
            self._connection, self._waiting = connection, b""
            try:
                self._handshake()
            except OSError:
                return  # the client did not like it; what it liked is in `finished`

    def _record(self) -> tuple[int, bytes]:
        while len(self._waiting) < 5 or len(self._waiting) < 5 + int.from_bytes(self._waiting[3:5], "big"):
            data = self._connection.recv(65536)
            if not data:
                raise ConnectionError
            self.flights.append((CLIENT, data))
            self._waiting += data
        end = 5 + int.from_bytes(self._waiting[3:5], "big")
        kind, record, self._waiting = self._waiting[0], self._waiting[5:end], self._waiting[end:]
        return kind, record

    def _send(self, data: bytes) -> None:
        self.flights.append((SERVER, data))
        self._connection.sendall(data)

    def _open(self, message: bytes) -> bytes:
        """The hidden hello's body, RFC 9849 section 5.1."""
        outer = self.outer = Hello(message)
        ech, begins = outer.get(ECH), outer.begins[ECH]
        size = int.from_bytes(ech[6:8], "big")
        enc, payload = ech[8 : 8 + size], ech[10 + size :]
        at = begins + 10 + size
        aad = message[:at] + bytes(len(payload)) + message[at + len(payload) :]
        inner = Hello(self._hpke.open(enc, b"tls ech\0" + self._config, aad, payload))
        inner.parts[0] = outer.parts[0]
        inner.extensions = [
            one
            for kind, data in inner.extensions
            for one in (_copied(data, outer) if kind == OUTER_EXTENSIONS else [(kind, data)])
        ]
        self.inner = inner
        return inner.body()

    def _handshake(self) -> None:
        _, record = self._record()
        while len(record) < 4 + int.from_bytes(record[1:4], "big"):
            record += self._record()[1]
        body = record[4:]
        hello = Hello(body)
        self.outer = hello
        if self._accepts:
            body = self._open(body)
            assert self.inner is not None
            hello = self.inner
        said = b"\1" + vector(body, 3)
        own = X25519PrivateKey.generate()
        shared = own.exchange(X25519PublicKey.from_public_bytes(_share(hello.get(KEY_SHARE))))
        said += self._server_hello(said, hello, own.public_key().public_bytes_raw())
        derived = _label(_mac(bytes(32), bytes(32)), "derived", _hash(b""))
        secret = _mac(derived, shared)
        self._secrets = [_label(secret, f"{side} hs traffic", _hash(said)) for side in "cs"]
        chain = b"".join(vector(one.public_bytes(serialization.Encoding.DER), 3) + vector(b"") for one in self._chain)
        flight = [b"\x08" + vector(vector(b""), 3), b"\x0b" + vector(b"\0" + vector(chain, 3), 3)]
        said += b"".join(flight)
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + _hash(said)
        verify = b"\x0f" + vector(b"\4\3" + vector(self._signer.sign(signed, ec.ECDSA(hashes.SHA256()))), 3)
        said += verify
        finished = b"\x14" + vector(_mac(_label(self._secrets[SERVER], "finished", b""), _hash(said)), 3)
        said += finished
        self._send(b"\x14\3\3\0\1\1" + self._sealed([*flight, verify, finished]))
        self._farewell(said)

    def _server_hello(self, said: bytes, hello: Hello, share: bytes) -> bytes:
        extensions = b"\0\x2b\0\2\3\4" + b"\0\x33" + vector(X25519.to_bytes(2, "big") + vector(share))
        rest = hello.parts[0] + SUITE + b"\0" + vector(extensions)
        random = os.urandom(24)
        signal = os.urandom(8)
        if self._accepts:
            # Section 7.2.
            without = b"\2" + vector(b"\3\3" + random + bytes(8) + rest, 3)
            signal = _label(_mac(bytes(32), hello.random), "ech accept confirmation", _hash(said + without), 8)
        message = b"\2" + vector(b"\3\3" + random + signal + rest, 3)
        self._send(b"\x16\3\3" + vector(message))
        return message

    def _sealed(self, messages: Iterable[bytes]) -> bytes:
        key, nonce = self._keys(SERVER)
        records = b""
        for number, message in enumerate(messages):
            header = b"\x17\3\3" + (len(message) + 17).to_bytes(2, "big")
            records += header + AESGCM(key).encrypt(_nonce(nonce, number), message + b"\x16", header)
        return records

    def _keys(self, side: int) -> tuple[bytes, bytes]:
        return _label(self._secrets[side], "key", b"", 16), _label(self._secrets[side], "iv", b"", 12)

    def _farewell(self, said: bytes) -> None:
        """The client's Finished; then the connection ends, as a server that has nothing to say may."""
        kind, record = self._record()
        while kind == 20:  # change_cipher_spec
            kind, record = self._record()
        key, nonce = self._keys(CLIENT)
        opened = AESGCM(key).decrypt(nonce, record, b"\x17\3\3" + len(record).to_bytes(2, "big"))
        expected = b"\x14" + vector(_mac(_label(self._secrets[CLIENT], "finished", b""), _hash(said)), 3)
        self.finished = opened == expected + b"\x16"


def _nonce(iv: bytes, number: int) -> bytes:
    return (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")


def _copied(kinds: bytes, outer: Hello) -> list[tuple[int, bytes]]:
    wanted = [int.from_bytes(kinds[at : at + 2], "big") for at in range(1, len(kinds), 2)]
    return [(kind, outer.get(kind)) for kind in wanted]


def _share(shares: bytes) -> bytes:
    at = 2
    while at < len(shares):
        group, length = int.from_bytes(shares[at : at + 2], "big"), int.from_bytes(shares[at + 2 : at + 4], "big")
        if group == X25519:
            return shares[at + 4 : at + 4 + length]
        at += 4 + length
    raise ValueError("the client offers no key share of X25519")

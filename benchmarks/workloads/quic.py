"""QUIC version 1: protected Initials (RFC 9001 section 5), opaque Handshake and 1-RTT packets."""

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from .conversation import CLIENT, SERVER, Conversation
from .entropy import Entropy
from .hello import client_hello, server_hello, vector

INITIAL_SALT: Final = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
VERSION: Final = b"\0\0\0\x01"
TAG_BYTES: Final = 16

# RFC 9000 section 14.1: a datagram that carries an Initial is at least this long.
MINIMUM_DATAGRAM: Final = 1200

# A hello with an ML-KEM share does not fit one datagram; its first piece is this long.
FIRST_CRYPTO_BYTES: Final = 1100
HANDSHAKE_PAYLOAD: Final = 1180
PAYLOAD: Final = 1330


def varint(value: int) -> bytes:
    """RFC 9000 section 16, of one or two bytes."""
    return bytes([value]) if value < 64 else (0x4000 | value).to_bytes(2, "big")


def crypto_frame(offset: int, data: bytes) -> bytes:
    """RFC 9000 section 19.6."""
    return b"\x06" + varint(offset) + varint(len(data)) + data


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    info = length.to_bytes(2, "big") + vector(1, b"tls13 " + label) + b"\0"
    return HKDFExpand(SHA256(), length, info).derive(secret)


class InitialKeys:
    """Packet protection of the Initials that one side sends."""

    def __init__(self, original_destination: bytes, side: int) -> None:
        extracted = hmac.new(INITIAL_SALT, original_destination, hashlib.sha256).digest()
        secret = _expand(extracted, b"client in" if side == CLIENT else b"server in", 32)
        self._aead = AESGCM(_expand(secret, b"quic key", 16))
        self._iv = _expand(secret, b"quic iv", 12)
        self._mask = Cipher(algorithms.AES(_expand(secret, b"quic hp", 16)), modes.ECB())

    def seal(self, destination: bytes, source: bytes, packet_number: int, frames: bytes) -> bytes:
        """An Initial of one-byte packet number without a token, padded to the least datagram."""
        head = VERSION + vector(1, destination) + vector(1, source) + b"\0"
        room = MINIMUM_DATAGRAM - 1 - len(head) - 2 - 1 - TAG_BYTES
        frames = frames.ljust(room, b"\0")
        head = b"\xc0" + head + (0x4000 | 1 + len(frames) + TAG_BYTES).to_bytes(2, "big")
        nonce = self._iv[:-1] + bytes([self._iv[-1] ^ packet_number])
        sealed = self._aead.encrypt(nonce, frames, head + bytes([packet_number]))
        # The sample starts four bytes after the packet number, which here is one byte long.
        mask = self._mask.encryptor().update(sealed[3:19])
        return bytes([head[0] ^ mask[0] & 0x0F]) + head[1:] + bytes([packet_number ^ mask[1]]) + sealed


def play(flow: Conversation, entropy: Entropy, server_name: str, bulk: int, *, post_quantum: bool) -> None:
    """A connection whose client has an empty connection ID; `bulk` bytes come from the server."""
    original, server_id = entropy.take(8), entropy.take(8)
    _initials(
        flow, entropy, original, server_id, client_hello(entropy, server_name, post_quantum=post_quantum, quic=True)
    )
    for _ in range(3):
        flow.wait(12)
        flow.udp(SERVER, _handshake_packet(b"", server_id, entropy.take(HANDSHAKE_PAYLOAD)))
    flow.wait(flow.round_trip // 2)
    flow.udp(CLIENT, _handshake_packet(server_id, b"", entropy.take(56)))
    for index, left in enumerate(range(bulk, 0, -PAYLOAD)):
        first = bytes([0x40 | flow.rng.getrandbits(5)])
        flow.udp(SERVER, first + entropy.take(min(left, PAYLOAD) + 25))
        flow.wait(14)
        if index % 4 == 3:
            flow.udp(CLIENT, b"\x51" + server_id + entropy.take(24))
            flow.wait(3)


def _initials(flow: Conversation, entropy: Entropy, original: bytes, server_id: bytes, hello: bytes) -> None:
    keys = InitialKeys(original, CLIENT)
    offsets = range(0, len(hello), FIRST_CRYPTO_BYTES)
    for packet_number, offset in enumerate(offsets):
        frame = crypto_frame(offset, hello[offset : offset + FIRST_CRYPTO_BYTES])
        flow.udp(CLIENT, keys.seal(original, b"", packet_number, frame))
        flow.wait(15)
    flow.wait(flow.round_trip)
    acknowledgement = b"\x02" + varint(len(offsets) - 1) + b"\0\0" + varint(len(offsets) - 1)
    answer = acknowledgement + crypto_frame(0, server_hello(entropy, b"", post_quantum=False))
    flow.udp(SERVER, InitialKeys(original, SERVER).seal(b"", server_id, 0, answer))


def _handshake_packet(destination: bytes, source: bytes, payload: bytes) -> bytes:
    """A long header of type Handshake; packet number and frames are inside the random payload."""
    length = (0x4000 | len(payload)).to_bytes(2, "big")
    return b"\xe3" + VERSION + vector(1, destination) + vector(1, source) + length + payload

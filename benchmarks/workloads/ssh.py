"""SSH (RFC 4253): banners, algorithm lists and the key exchange in the clear, the rest opaque."""

from typing import Final

from .conversation import CLIENT, SERVER
from .entropy import Entropy
from .tcp import TcpConversation

KEXINIT, NEWKEYS, ECDH_INIT, ECDH_REPLY = 20, 21, 30, 31
BLOCK_BYTES: Final = 8

ALGORITHMS: Final = (
    b"curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256",
    b"ssh-ed25519,rsa-sha2-512",
    b"chacha20-poly1305@openssh.com,aes128-ctr",
    b"chacha20-poly1305@openssh.com,aes128-ctr",
    b"umac-64-etm@openssh.com",
    b"umac-64-etm@openssh.com",
    b"none",
    b"none",
    b"",
    b"",
)

# A keystroke, its echo, a line of output, a screenful.
ENCRYPTED_LENGTHS: Final = (36, 44, 60, 300)


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _packet(message: int, body: bytes) -> bytes:
    """The binary packet of section 6, with at least four bytes of padding."""
    padding = BLOCK_BYTES - (5 + 1 + len(body)) % BLOCK_BYTES
    if padding < 4:
        padding += BLOCK_BYTES
    return _string(bytes([padding, message]) + body + bytes(padding))


def session(flow: TcpConversation, entropy: Entropy) -> None:
    """An interactive session of 20 to 200 packets."""
    rng = flow.rng
    flow.send(CLIENT, b"SSH-2.0-OpenSSH_9.6\r\n")
    flow.send(SERVER, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n")
    lists = b"".join(map(_string, ALGORITHMS)) + bytes(5)
    for side in (CLIENT, SERVER):
        flow.send(side, _packet(KEXINIT, entropy.take(16) + lists))
    flow.send(CLIENT, _packet(ECDH_INIT, _string(entropy.take(32))))
    host_key = _string(b"ssh-ed25519") + _string(entropy.take(32))
    signature = _string(b"ssh-ed25519") + _string(entropy.take(64))
    reply = _string(host_key) + _string(entropy.take(32)) + _string(signature)
    flow.send(SERVER, _packet(ECDH_REPLY, reply) + _packet(NEWKEYS, b""))
    flow.send(CLIENT, _packet(NEWKEYS, b""))
    for _ in range(rng.randrange(20, 200)):
        flow.send(rng.randrange(2), entropy.take(rng.choice(ENCRYPTED_LENGTHS)))

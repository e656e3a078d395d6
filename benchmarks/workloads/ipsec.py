"""IKEv2 (RFC 7296) in clear as far as it is in clear, then ESP (RFC 4303), bare or in UDP (RFC 3948)."""

import random
from typing import Final

from .capture import CaptureWriter
from .conversation import CLIENT, ESP, SERVER, UDP, Conversation, draw_path
from .entropy import Entropy
from .truth import Truth

IKE_PORT: Final = 500
NAT_T_PORT: Final = 4500
NON_ESP_MARKER: Final = b"\0\0\0\0"
NAT_KEEPALIVE: Final = b"\xff"
KEEPALIVE_PACKETS: Final = 500

SA_INIT, AUTH = 34, 35
INITIATOR, RESPONSE = 0x08, 0x20
SA, KE, IDI, NONCE, NOTIFY, ENCRYPTED = 33, 34, 35, 40, 41, 46

# Transforms: type, identifier, key length (0 for none).
AES_GCM_256: Final = (1, 20, 256)
AES_CBC_128: Final = (1, 12, 128)
PRF_SHA256: Final = (2, 5, 0)
HMAC_SHA256_128: Final = (3, 12, 0)
ECP_256: Final = (4, 19, 0)
MODP_2048: Final = (4, 14, 0)

Transform = tuple[int, int, int]

# An AEAD cipher may not stand beside an integrity transform (RFC 7296 section 3.3).
OFFER: Final[tuple[tuple[Transform, ...], ...]] = (
    (AES_GCM_256, PRF_SHA256, ECP_256, MODP_2048),
    (AES_CBC_128, PRF_SHA256, HMAC_SHA256_128, ECP_256, MODP_2048),
)
CHOICE: Final[tuple[tuple[Transform, ...], ...]] = ((AES_GCM_256, PRF_SHA256, ECP_256),)

# ESP payload lengths: downloads to the client, requests and acknowledgements from it.
FROM_SERVER: Final = (1344, 1344, 1344, 1344, 576, 96, 96)
FROM_CLIENT: Final = (80, 80, 96, 576, 1344)
SERVER_SHARE: Final = 0.7


def payload(following: int, content: bytes) -> bytes:
    """A generic payload header (RFC 7296 section 3.2) and its content."""
    return bytes([following, 0]) + (4 + len(content)).to_bytes(2, "big") + content


def _transform(transform: Transform, *, last: bool) -> bytes:
    kind, identifier, key_length = transform
    attribute = b"\x80\x0e" + key_length.to_bytes(2, "big") if key_length else b""
    content = bytes([kind, 0]) + identifier.to_bytes(2, "big") + attribute
    return payload(0 if last else 3, content)


def _security_association(proposals: tuple[tuple[Transform, ...], ...]) -> bytes:
    encoded = b""
    for index, transforms in enumerate(proposals):
        content = b"".join(_transform(entry, last=entry is transforms[-1]) for entry in transforms)
        head = bytes([index + 1, 1, 0, len(transforms)])
        encoded += payload(0 if index == len(proposals) - 1 else 2, head + content)
    return encoded


class Exchange:
    """The messages of one IKE SA."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._spis = (entropy.take(8), entropy.take(8))

    def _message(self, side: int, exchange: int, first: int, body: bytes) -> bytes:
        answered = side == SERVER or exchange != SA_INIT
        spis = self._spis[0] + (self._spis[1] if answered else bytes(8))
        flags = RESPONSE if side == SERVER else INITIATOR
        message_id = exchange - SA_INIT
        head = bytes([first, 0x20, exchange, flags]) + message_id.to_bytes(4, "big")
        return spis + head + (28 + len(body)).to_bytes(4, "big") + body

    def sa_init(self, side: int) -> bytes:
        """IKE_SA_INIT: proposals or the choice, a share of group 19, a nonce, NAT detection."""
        take = self._entropy.take
        body = b"".join(
            (
                payload(KE, _security_association(OFFER if side == CLIENT else CHOICE)),
                payload(NONCE, b"\0\x13\0\0" + take(64)),
                payload(NOTIFY, take(32)),
                payload(NOTIFY, b"\0\0\x40\x04" + take(20)),
                payload(0, b"\0\0\x40\x05" + take(20)),
            )
        )
        return self._message(side, SA_INIT, SA, body)

    def auth(self, side: int) -> bytes:
        """IKE_AUTH, all of it inside one encrypted payload."""
        return self._message(side, AUTH, ENCRYPTED, payload(IDI, self._entropy.take(208)))


def play(
    rng: random.Random, entropy: Entropy, start: int, *, nat: bool, packets: int
) -> tuple[Conversation, Conversation]:
    """The conversations of one tunnel: IKE on port 500, and the one that carries ESP."""
    path = draw_path(rng, ipv6=False, tagged=False)
    ike = Conversation(path, rng, start, UDP, IKE_PORT, client_port=IKE_PORT)
    exchange = Exchange(entropy)
    for side in (CLIENT, SERVER):
        ike.udp(side, exchange.sa_init(side))
        ike.wait(ike.round_trip)
    if nat:
        port = rng.choice((NAT_T_PORT, rng.randrange(1024, 65000)))
        esp = Conversation(path, rng, ike.now, UDP, NAT_T_PORT, client_port=port)
    carrier, marker = (esp, NON_ESP_MARKER) if nat else (ike, b"")
    for side in (CLIENT, SERVER):
        carrier.udp(side, marker + exchange.auth(side))
        carrier.wait(carrier.round_trip)
    if not nat:
        esp = Conversation(path, rng, ike.now, ESP, 0, client_port=0)
    _protected(esp, entropy, packets, nat=nat)
    return ike, esp


def _protected(esp: Conversation, entropy: Entropy, packets: int, *, nat: bool) -> None:
    rng = esp.rng
    spis = (entropy.take(4), entropy.take(4))
    sequence = [0, 0]
    for index in range(packets):
        side = SERVER if rng.random() < SERVER_SHARE else CLIENT
        sequence[side] += 1
        length = rng.choice(FROM_SERVER if side == SERVER else FROM_CLIENT)
        packet = spis[side] + sequence[side].to_bytes(4, "big") + entropy.take(length)
        if nat:
            esp.udp(side, packet)
        else:
            esp.packet(side, packet)
        esp.wait(rng.choice((30, 60, 900)))
        if nat and index % KEEPALIVE_PACKETS == KEEPALIVE_PACKETS // 2:
            esp.udp(CLIENT, NAT_KEEPALIVE)


def add_tunnel(
    writer: CaptureWriter, truth: Truth, rng: random.Random, entropy: Entropy, start: int, *, nat: bool
) -> None:
    """One tunnel with all its flows; IKE_AUTH goes over port 4500 where a NAT was found."""
    ike, esp = play(rng, entropy, start, nat=nat, packets=rng.randrange(300, 3800))
    truth.note(ike, "ipsec", "ike", version="IKEv2")
    if nat:
        truth.note(esp, "ipsec", "ike", version="IKEv2", detail="nat_t")
    else:
        truth.note(esp, "ipsec", "esp")
    writer.add(ike.frames)
    writer.add(esp.frames)

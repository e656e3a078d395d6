"""Hand-made hellos (RFC 8446, RFC 9001 section 8.2) for what the local OpenSSL cannot record: X25519MLKEM768, QUIC.

Extensions stand in the order of a browser, GREASE (RFC 8701) included. Key shares and randoms are random bytes: a
passive observer cannot tell.
"""

from typing import Final

from .entropy import Entropy

HANDSHAKE: Final = 22
CLIENT_HELLO: Final = 1
SERVER_HELLO: Final = 2

X25519: Final = 0x001D
X25519MLKEM768: Final = 0x11EC
MLKEM768_CLIENT_SHARE: Final = 1184 + 32
MLKEM768_SERVER_SHARE: Final = 1088 + 32

TLS13_SUITES: Final = "130113021303"
TLS12_SUITES: Final = "c02bc02fc02cc030cca9cca8c013c014009c009d002f0035"
SIGNATURE_SCHEMES: Final = "04030804040105030805050108060601"

# Transport parameters (RFC 9000 section 18.2) with the values of a common client.
TRANSPORT_PARAMETERS: Final = (
    (0x01, "80007530"),  # max_idle_timeout
    (0x03, "45c0"),  # max_udp_payload_size
    (0x04, "80f00000"),  # initial_max_data
    (0x05, "80600000"),  # initial_max_stream_data_bidi_local
    (0x06, "80600000"),  # initial_max_stream_data_bidi_remote
    (0x07, "80600000"),  # initial_max_stream_data_uni
    (0x08, "4064"),  # initial_max_streams_bidi
    (0x09, "4067"),  # initial_max_streams_uni
    (0x0F, ""),  # initial_source_connection_id: the client's is empty
)


def vector(width: int, content: bytes) -> bytes:
    """A TLS vector: its length in `width` bytes, then the content."""
    return len(content).to_bytes(width, "big") + content


def number(value: int) -> bytes:
    """A 16-bit registry value."""
    return value.to_bytes(2, "big")


def extension(kind: int, content: bytes = b"") -> bytes:
    """One entry of an extensions list."""
    return number(kind) + vector(2, content)


def key_share(group: int, share: bytes) -> bytes:
    """A KeyShareEntry."""
    return number(group) + vector(2, share)


def record(content: bytes, version: int = 0x0303) -> bytes:
    """A plaintext record of handshake messages."""
    return bytes([HANDSHAKE]) + number(version) + vector(2, content)


def client_hello(entropy: Entropy, server_name: str, *, post_quantum: bool, quic: bool = False) -> bytes:
    """A ClientHello message of TLS 1.3, without a record."""
    session_id = b"" if quic else entropy.take(32)
    suites = bytes.fromhex("1a1a" + TLS13_SUITES + ("" if quic else TLS12_SUITES))
    extensions = b"".join(
        (
            extension(0x0A0A),
            extension(0, vector(2, b"\0" + vector(2, server_name.encode("ascii")))),
            b"" if quic else _tls12_extensions(),
            extension(10, vector(2, number(0x2A2A) + _groups(post_quantum=post_quantum))),
            extension(16, vector(2, vector(1, b"h3") if quic else vector(1, b"h2") + vector(1, b"http/1.1"))),
            extension(13, vector(2, bytes.fromhex(SIGNATURE_SCHEMES))),
            extension(51, vector(2, _client_shares(entropy, post_quantum=post_quantum))),
            extension(45, vector(1, b"\x01")),
            extension(43, vector(1, bytes.fromhex("0304" if quic else "3a3a03040303"))),
            extension(27, vector(1, number(2))),
            extension(57, _transport_parameters()) if quic else b"",
            extension(0x3A3A, b"\0"),
        )
    )
    body = number(0x0303) + entropy.take(32) + vector(1, session_id) + vector(2, suites) + vector(1, b"\0")
    return bytes([CLIENT_HELLO]) + vector(3, body + vector(2, extensions))


def server_hello(entropy: Entropy, session_id: bytes, *, post_quantum: bool) -> bytes:
    """The ServerHello message that chooses TLS_AES_128_GCM_SHA256."""
    if post_quantum:
        share = key_share(X25519MLKEM768, entropy.take(MLKEM768_SERVER_SHARE))
    else:
        share = key_share(X25519, entropy.take(32))
    extensions = extension(43, number(0x0304)) + extension(51, share)
    body = number(0x0303) + entropy.take(32) + vector(1, session_id) + number(0x1301) + b"\0"
    return bytes([SERVER_HELLO]) + vector(3, body + vector(2, extensions))


def _groups(*, post_quantum: bool) -> bytes:
    return (number(X25519MLKEM768) if post_quantum else b"") + bytes.fromhex("001d00170018")


def _client_shares(entropy: Entropy, *, post_quantum: bool) -> bytes:
    shares = key_share(0x2A2A, b"\0")
    if post_quantum:
        shares += key_share(X25519MLKEM768, entropy.take(MLKEM768_CLIENT_SHARE))
    return shares + key_share(X25519, entropy.take(32))


def _tls12_extensions() -> bytes:
    return b"".join(
        (
            extension(23),  # extended_master_secret
            extension(0xFF01, b"\0"),  # renegotiation_info
            extension(11, vector(1, b"\0")),  # ec_point_formats
            extension(35),  # session_ticket
            extension(5, bytes.fromhex("0100000000")),  # status_request
            extension(18),  # signed_certificate_timestamp
        )
    )


def _transport_parameters() -> bytes:
    return b"".join(bytes([kind]) + vector(1, bytes.fromhex(value)) for kind, value in TRANSPORT_PARAMETERS)

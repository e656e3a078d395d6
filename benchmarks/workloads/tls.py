"""TLS over an open TCP conversation: a recorded handshake played again, then bulk from the server.

Randoms and, where asked, the server name (of the same length) are replaced in place, so that no two sessions are
equal. Signatures over the randoms no longer verify; nobody but the two ends could ask for that in TLS 1.3, and in
TLS 1.2 the certificates, which are what an observer can verify, stay as they were.
"""

from .conversation import CLIENT, SERVER
from .entropy import Entropy
from .hello import client_hello, record, server_hello
from .recorder import Recording
from .tcp import TcpConversation

# Record header, handshake header and legacy_version come before the random; in a ServerHello as well.
RANDOM_OFFSET = 5 + 4 + 2
RANDOM_END = RANDOM_OFFSET + 32


def play(
    flow: TcpConversation, recording: Recording, entropy: Entropy, bulk: int = 0, server_name: str | None = None
) -> None:
    """The recorded flights with fresh randoms."""
    for index, (side, flight) in enumerate(recording.flights):
        data = flight
        if index < 2:
            data = data[:RANDOM_OFFSET] + entropy.take(32) + data[RANDOM_END:]
        if index == 0 and server_name:
            data = data.replace(recording.server_name.encode(), server_name.encode())
        flow.send(side, data)
    _bulk(flow, entropy, bulk)


def play_post_quantum(
    flow: TcpConversation, recording: Recording, entropy: Entropy, server_name: str, bulk: int = 0
) -> None:
    """A hybrid key exchange with hand-made hellos; the encrypted rest is of a TLS 1.3 recording."""
    hello = client_hello(entropy, server_name, post_quantum=True)
    flow.send(CLIENT, record(hello, 0x0301))
    session_id = hello[39:71]
    answer = recording.flights[1][1]
    encrypted = answer[5 + int.from_bytes(answer[3:5], "big") :]
    flow.send(SERVER, record(server_hello(entropy, session_id, post_quantum=True)) + encrypted)
    for side, flight in recording.flights[2:]:
        flow.send(side, flight)
    _bulk(flow, entropy, bulk)


def _bulk(flow: TcpConversation, entropy: Entropy, count: int) -> None:
    if count:
        flow.send(SERVER, entropy.application_data(flow.rng, count))

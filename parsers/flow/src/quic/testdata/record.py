#!/usr/bin/env python3
"""Records the QUIC handshakes that the tests follow: two aioquic connections talking to each other in memory.

    record.py        writes NAME.txt beside itself, one line a datagram: `>` from the client, `<` from the server, then hex.

Needs aioquic. rfc9001.txt and rfc9369.txt are not made here: they are the packets of appendix A.2 and A.3 of these RFCs.
"""

import datetime
import pathlib

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicProtocolVersion, encode_quic_retry, encode_quic_version_negotiation
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

HERE = pathlib.Path(__file__).resolve().parent
V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2
CLIENT, SERVER = ("127.0.0.1", 1), ("127.0.0.1", 2)


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "pay.example")])
    start = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), start, start.replace(2036)
    )
    return builder.sign(key, hashes.SHA256()), key


def talk(lines: list[str], client: QuicConnection, server_configuration: QuicConfiguration, ids: dict) -> None:
    """Passes datagrams between the two until neither has any."""
    server, now = QuicConnection(configuration=server_configuration, **ids), 0.0
    for _ in range(6):
        for mark, sender, receiver, address in ((">", client, server, CLIENT), ("<", server, client, SERVER)):
            now += 0.01
            for datagram, _ in sender.datagrams_to_send(now=now):
                lines.append(f"{mark} {datagram.hex()}")
                receiver.receive_datagram(datagram, address, now=now)
        if client._handshake_complete and server._handshake_complete:
            client.send_stream_data(0, b"ping")


def record(name: str, client_options: dict, server_options: dict, answer: str = "") -> None:
    chain, key = certificate()
    server_configuration = QuicConfiguration(
        is_client=False, certificate=chain, private_key=key, **{"alpn_protocols": ["h3"], **server_options}
    )
    client_configuration = QuicConfiguration(
        server_name="pay.example", verify_mode=0, **{"alpn_protocols": ["h3"], **client_options}
    )
    client, lines = QuicConnection(configuration=client_configuration), []
    client.connect(SERVER, now=0.0)
    first_id = client.original_destination_connection_id
    ids = {"original_destination_connection_id": first_id}
    if answer:
        lines += [f"> {datagram.hex()}" for datagram, _ in client.datagrams_to_send(now=0.0)]
        if answer == "retry":
            ids["retry_source_connection_id"] = bytes(range(8))
            packet = encode_quic_retry(V1, bytes(range(8)), client.host_cid, first_id, b"token")
        else:
            packet = encode_quic_version_negotiation(first_id, client.host_cid, [V1])
        lines.append(f"< {packet.hex()}")
        client.receive_datagram(packet, SERVER, now=0.0)
    talk(lines, client, server_configuration, ids)
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")


record("v1", {}, {})
record("long_hello", {"alpn_protocols": ["h3"] + [f"a-long-protocol-name-{n:03}" for n in range(80)]}, {})
record("retry", {}, {}, "retry")
record("compatible_v2", {"original_version": V1, "supported_versions": [V2, V1]}, {"supported_versions": [V2, V1]})
record(
    "version_negotiation",
    {"original_version": V2, "supported_versions": [V2, V1]},
    {"supported_versions": [V1]},
    "versions",
)
record("refused", {"alpn_protocols": ["other"]}, {})

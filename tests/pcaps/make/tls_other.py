"""TLS by other means: the post-quantum hybrid, IPv6, DTLS and QUIC."""

from __future__ import annotations

from lab import CLIENT_6, SERVER_6, SERVERS, expect
from plaintext_apps import speaker
from scenario import Flow, Stage, captured, flow
from tls import PLAIN_OPENSSL, play
from tls_versions import NAME, OPENSSL, facts, good_chain, session, tls_flow


@captured(
    "tls13_mlkem.pcap", "TLS 1.3 with X25519MLKEM768: pyOpenSSL at both ends", "pypi:pyOpenSSL", "pypi:cryptography"
)
def tls13_mlkem(stage: Stage) -> list[Flow]:
    files = stage.pki.leaf(NAME).write(stage.lab.directory, "mlkem")
    with stage.lab.server(speaker("pyopenssl", "serve", SERVERS[0], "443", str(files.chain), str(files.key)), 443):
        client = speaker("pyopenssl", "connect", SERVERS[0], "443", NAME, str(stage.pki.root_file))
        expect(stage.lab.call("client", client), "reward TLSv1.3 TLS_AES_256_GCM_SHA384", "X25519MLKEM768")
    return [tls_flow(443, facts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519MLKEM768"))]


@captured("tls12_ipv6.pcap", "TLS 1.2 over IPv6", *OPENSSL)
def tls12_ipv6(stage: Stage) -> list[Flow]:
    options = ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    addresses = {"client_address": f"[{CLIENT_6}]", "server_address": f"[{SERVER_6}]"}
    ipv6 = session(stage, "ec", client_options=options, **addresses)
    expect(play(stage.lab, ipv6), "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256", "Verify return code: 0 (ok)")
    tls = facts("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "x25519")
    return [{"src_ip": CLIENT_6, "dst_ip": SERVER_6, **good_chain(tls)}]


@captured("dtls12.pcap", "DTLS 1.2 on UDP port 4433, with HelloVerifyRequest", *OPENSSL)
def dtls12(stage: Stage) -> list[Flow]:
    options = ("-dtls1_2", "-listen")
    wanted = ("Protocol  : DTLSv1.2", "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384", "Verify return code: 0 (ok)")
    datagrams = session(stage, "ec", port=4433, server_options=options, client_options=("-dtls1_2",))
    with (
        stage.lab.server(datagrams.server_command(), 4433, udp=True, env=PLAIN_OPENSSL) as server,
        stage.lab.program("client", datagrams.client_command(), env=PLAIN_OPENSSL) as client,
    ):
        client.wait_for("---\n")
        client.send("question\n")
        server.wait_for("question")
        server.send("answer\n")
        client.wait_for("answer")
        client.end_input()
        expect(client.wait(), *wanted)
    tls = facts("DTLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "x25519", certificates=2)
    return [flow("dtls", 4433, "tls", transport="udp", tls=tls, clean=["certificate.chain"])]


@captured(
    "quic.pcap", "QUIC version 1, SNI and ALPN hq-interop in the Initial packets: aioquic at both ends", "pypi:aioquic"
)
def quic(stage: Stage) -> list[Flow]:
    files = stage.pki.leaf(NAME).write(stage.lab.directory, "quic")
    server = speaker("quic", "serve", SERVERS[0], "443", str(files.chain), str(files.key))
    with stage.lab.server(server, 443, udp=True):
        client = speaker("quic", "connect", SERVERS[0], "443", NAME, str(stage.pki.root_file))
        expect(stage.lab.call("client", client), "reward", "QUIC 0x00000001 AES_256_GCM_SHA384")
    return [flow("quic", 443, "tls", transport="udp", quic={"version": "0x00000001"}, tls={"version": "TLSv1.3"})]

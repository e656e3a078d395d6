"""TLS by version and key exchange: OpenSSL at both ends."""

from __future__ import annotations

from typing import Any

from lab import expect
from scenario import Flow, Stage, captured, finding, flow
from tls import LEGACY, PLAIN_OPENSSL, Session, connect, play

OPENSSL = ("openssl", "pypi:cryptography")
NAME = "www.example.test"


def tls_flow(port: int, tls: dict[str, Any], *, findings: list[Any] | None = None, **more: Any) -> Flow:
    return flow("tls", port, "tls", tls=tls, findings=findings or [], **more)


def good_chain(tls: dict[str, Any], port: int = 443, **more: Any) -> Flow:
    """A session whose chain verifies against the root: no chain finding may be made."""
    return tls_flow(port, {**tls, "certificates": 2}, clean=["certificate.chain"], **more)


def facts(version: str, suite: str, group: str | None = None, **more: Any) -> dict[str, Any]:
    common: dict[str, Any] = {"version": version, "suite": suite, "sni": NAME}
    if group:
        common["group"] = group
    return {**common, "established": True, "resumed": False, **more}


def session(stage: Stage, key: str, **options: Any) -> Session:
    """A session with a leaf of this kind of key below the intermediate, verified by the client."""
    name = options.setdefault("name", NAME)
    files = stage.pki.leaf(name, key=key).write(stage.lab.directory, f"{name}-{key}")
    return Session(files, root=stage.pki.root_file, **options)


@captured("tls13.pcap", "TLS 1.3 with X25519; the certificates are encrypted", *OPENSSL)
def tls13(stage: Stage) -> list[Flow]:
    wanted = ("New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384", "Server Temp Key: X25519", "Verify return code: 0 (ok)")
    play(stage.lab, session(stage, "ec", wanted=wanted))
    return [tls_flow(443, facts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519"))]


@captured("tls12_ecdhe_rsa.pcap", "TLS 1.2 with ECDHE-RSA; leaf and intermediate are sent and verify", *OPENSSL)
def tls12_ecdhe_rsa(stage: Stage) -> list[Flow]:
    cipher = "ECDHE-RSA-AES128-GCM-SHA256"
    wanted = (f"New, TLSv1.2, Cipher is {cipher}", "Server Temp Key: X25519", "Verify return code: 0 (ok)")
    play(stage.lab, session(stage, "rsa2048", client_options=("-tls1_2", "-cipher", cipher), wanted=wanted))
    return [good_chain(facts("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "x25519"))]


@captured("tls12_dhe.pcap", "TLS 1.2 with DHE over a 2048-bit group (ffdhe2048)", *OPENSSL)
def tls12_dhe(stage: Stage) -> list[Flow]:
    cipher = "DHE-RSA-AES256-GCM-SHA384"
    wanted = (f"New, TLSv1.2, Cipher is {cipher}", "Server Temp Key: DH, 2048 bits", "Verify return code: 0 (ok)")
    group = stage.lab.scratch("ffdhe2048.pem")
    generate = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"]
    stage.lab.call("server", [*generate, "-out", str(group)])
    options = {"server_options": ("-dhparam", str(group)), "client_options": ("-tls1_2", "-cipher", cipher)}
    play(stage.lab, session(stage, "rsa2048", wanted=wanted, **options))
    return [
        good_chain(
            facts("TLSv1.2", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "ffdhe2048"), findings=[finding("tls.suite")]
        )
    ]


@captured("tls12_static_rsa.pcap", "TLS 1.2 with RSA key transport: no forward secrecy", *OPENSSL)
def tls12_static_rsa(stage: Stage) -> list[Flow]:
    cipher = "AES128-SHA256"
    wanted = (f"New, TLSv1.2, Cipher is {cipher}", "Verify return code: 0 (ok)")
    play(stage.lab, session(stage, "rsa2048", client_options=("-tls1_2", "-cipher", cipher), wanted=wanted))
    suite = "TLS_RSA_WITH_AES_128_CBC_SHA256"
    return [good_chain(facts("TLSv1.2", suite), findings=[finding("tls.suite")])]


def _legacy(stage: Stage, option: str, port: int = 443, **where: str) -> str:
    options = (option, "-cipher", LEGACY)
    wanted = ("Cipher is ECDHE-RSA-AES256-SHA", "Server Temp Key: X25519")
    return play(
        stage.lab,
        session(stage, "rsa2048", port=port, server_options=options, client_options=options, wanted=wanted, **where),
    )


@captured("tls11.pcap", "TLS 1.1", *OPENSSL)
def tls11(stage: Stage) -> list[Flow]:
    expect(_legacy(stage, "-tls1_1"), "Protocol  : TLSv1.1", "Verify return code: 0 (ok)")
    suite = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
    return [good_chain(facts("TLSv1.1", suite, "x25519"), findings=[finding("tls.version")])]


@captured("tls10.pcap", "TLS 1.0", *OPENSSL)
def tls10(stage: Stage) -> list[Flow]:
    return tls10_at(stage)


def tls10_at(stage: Stage, name: str = NAME, port: int = 443, **where: str) -> list[Flow]:
    expect(_legacy(stage, "-tls1", port, name=name, **where), "Protocol  : TLSv1", "Verify return code: 0 (ok)")
    suite = "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
    tls = facts("TLSv1.0", suite, "x25519", sni=name)
    return [good_chain(tls, port, findings=[finding("tls.version")])]


def _twice(stage: Stage, *options: str) -> tuple[str, str]:
    """A full session and a resumed one, against one server."""
    ticket = str(stage.lab.scratch("session.pem"))
    first = session(stage, "rsa2048", client_options=(*options, "-sess_out", ticket), wanted=("New, ",))
    second = Session(
        first.server,
        client_options=(*options, "-sess_in", ticket),
        root=first.root,
        wanted=("Reused, ",),
    )
    with stage.lab.server(first.server_command(), first.port, env=PLAIN_OPENSSL):
        return connect(stage.lab, first), connect(stage.lab, second)


def _resumed_12() -> list[Flow]:
    suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    resumed = facts("TLSv1.2", suite, resumed=True)
    return [good_chain(facts("TLSv1.2", suite, "x25519")), tls_flow(443, resumed, absent=["tls.certificates"])]


@captured("tls12_resumed_id.pcap", "TLS 1.2: a full handshake, then one resumed by session identifier", *OPENSSL)
def tls12_resumed_id(stage: Stage) -> list[Flow]:
    for output in _twice(stage, "-tls1_2", "-no_ticket"):
        expect(output, "TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384")
    return _resumed_12()


@captured("tls12_resumed_ticket.pcap", "TLS 1.2: a full handshake, then one resumed by session ticket", *OPENSSL)
def tls12_resumed_ticket(stage: Stage) -> list[Flow]:
    for output in _twice(stage, "-tls1_2"):
        expect(output, "TLSv1.2, Cipher is ECDHE-RSA-AES256-GCM-SHA384")
    return _resumed_12()


@captured("tls13_resumed.pcap", "TLS 1.3: a full handshake, then one resumed by ticket with (EC)DHE", *OPENSSL)
def tls13_resumed(stage: Stage) -> list[Flow]:
    for output in _twice(stage, "-tls1_3"):
        expect(output, "TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384")
    first = facts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519")
    return [tls_flow(443, first), tls_flow(443, {**first, "resumed": True})]


@captured(
    "tls13_hello_retry.pcap", "TLS 1.3 with HelloRetryRequest: key share for P-256, server wants X25519", *OPENSSL
)
def tls13_hello_retry(stage: Stage) -> list[Flow]:
    wanted = ("New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384", "Server Temp Key: X25519")
    options = {"server_options": ("-groups", "X25519"), "client_options": ("-groups", "P-256:X25519")}
    play(stage.lab, session(stage, "ec", wanted=wanted, **options))
    return [tls_flow(443, facts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519", hello_retry_request=True))]


@captured("tls12_mutual.pcap", "TLS 1.2 with a client certificate", *OPENSSL)
def tls12_mutual(stage: Stage) -> list[Flow]:
    client = stage.pki.leaf("device-7.example.test", client=True).write(stage.lab.directory, "device-7")
    root = str(stage.pki.root_file)
    server_options = ("-Verify", "2", "-verify_return_error", "-CAfile", root)
    mine = ("-tls1_2", "-cert", str(client.certificate), "-key", str(client.key), "-cert_chain", str(client.above))
    wanted = ("New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384", "Verify return code: 0 (ok)")
    play(stage.lab, session(stage, "ec", server_options=server_options, client_options=mine, wanted=wanted))
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    return [good_chain(facts("TLSv1.2", suite, "x25519", client_certificates=2))]


@captured("tls_no_shared_suite.pcap", "A refused handshake: the server answers with alert handshake_failure", *OPENSSL)
def tls_no_shared_suite(stage: Stage) -> list[Flow]:
    ours, theirs = ("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"), ("-cipher", "ECDHE-RSA-AES256-GCM-SHA384")
    wanted = ("alert handshake failure", "no peer certificate available")
    refused = session(stage, "rsa2048", server_options=theirs, client_options=ours, wanted=wanted, complete=False)
    play(stage.lab, refused)
    return [tls_flow(443, {"sni": NAME, "established": False}, absent=["tls.version", "tls.suite", "tls.certificates"])]


@captured("tls_unknown_ca_alert.pcap", "The client does not trust the root and ends with alert unknown_ca", *OPENSSL)
def tls_unknown_ca_alert(stage: Stage) -> list[Flow]:
    """The chain is good against the manifest's root; it is the client here that has no root."""
    cipher = "ECDHE-RSA-AES256-GCM-SHA384"
    options = ("-tls1_2", "-cipher", cipher, "-verify_return_error", "-no-CAfile", "-no-CApath", "-no-CAstore")
    wanted = ("unable to get local issuer certificate", "verify failed")
    files = stage.pki.leaf(NAME, key="rsa2048").write(stage.lab.directory, "untrusted")
    play(stage.lab, Session(files, client_options=options, wanted=wanted, complete=False))
    tls = facts("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "x25519", established=False)
    return [good_chain(tls)]

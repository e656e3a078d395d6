"""TLS 1.3 with the keys of its handshakes, as a Decryption Secrets Block and as a key log beside the capture.

The keys are those of these sessions alone, made for these captures. The root is made anew with them: what its leaves
are is said by the programs' own files, so that what is decrypted can be compared byte by byte.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from lab import SERVERS, expect, run
from pki import Leaf, make_ca, make_leaf, pem
from plaintext_apps import speaker
from scenario import Flow, Stage, flow, written
from tls import PLAIN_OPENSSL, Session, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pki import Files, Identity

SUITES = {
    4431: "TLS_AES_128_GCM_SHA256",
    4432: "TLS_AES_256_GCM_SHA384",
    4433: "TLS_CHACHA20_POLY1305_SHA256",
    4434: "TLS_AES_128_CCM_SHA256",
    4435: "TLS_AES_128_CCM_8_SHA256",
}
NAME = "www.example.test"
QUIC = {
    4451: ("0x00000001", "AES_128_GCM_SHA256"),
    4452: ("0x00000001", "AES_256_GCM_SHA384"),
    4453: ("0x00000001", "CHACHA20_POLY1305_SHA256"),
    4454: ("0x6b3343cf", "AES_256_GCM_SHA384"),
    4455: ("0x6b3343cf", "CHACHA20_POLY1305_SHA256"),
}
RETRY, MUTUAL, RESUMED, PROTOCOL = 4436, 4437, 4438, 4439


def _sha256(identity: Identity) -> list[str]:
    chain = (identity.certificate, *identity.above)
    return [hashlib.sha256(one.public_bytes(serialization.Encoding.DER)).hexdigest() for one in chain]


class _Maker:
    """A root of its own, sessions below it, and the log that their keys go to."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.lab = stage.lab
        self.root = make_ca("Example Test Root of Keys")
        self.intermediate = make_ca("Example Test Intermediate of Keys", self.root)
        self.root_file = stage.captures / "pki" / f"{name}.pem"
        self.root_file.write_bytes(pem(self.root.certificate))
        self.log = stage.lab.scratch("keylog", "")
        self.log.unlink()

    def leaf(self, name: str, key: str, *, client: bool = False) -> Identity:
        wanted = Leaf((name,), key=key, client=client)
        return make_leaf(wanted, self.intermediate, above=(self.intermediate.certificate,))

    def play(self, files: Files, port: int, ours: tuple[str, ...], theirs: tuple[str, ...], *wanted: str) -> None:
        session = Session(
            files,
            port=port,
            root=self.root_file,
            server_options=theirs,
            client_options=("-tls1_3", "-keylogfile", str(self.log), *ours),
            wanted=("New, TLSv1.3" if port != RESUMED else "TLSv1.3", "Verify return code: 0 (ok)", *wanted),
        )
        with self.lab.server(session.server_command(), port, env=PLAIN_OPENSSL):
            connect(self.lab, session)
            if port == RESUMED:
                again = (*session.client_options[:3], "-sess_in", str(self.lab.scratch("ticket")))
                connect(
                    self.lab, Session(files, port=port, root=self.root_file, client_options=again, wanted=("Reused",))
                )


def _flow(port: int, suite: str, certificates: list[str], **tls: Any) -> Flow:
    facts = {"version": "TLSv1.3", "suite": suite, "group": "x25519", "sni": NAME, "established": True}
    told = {**facts, "resumed": False, "decrypted": True, "certificates": certificates, **tls}
    return flow("tls", port, "tls", tls=told, findings=[], clean=["certificate.chain"])


def _sessions(maker: _Maker) -> list[Flow]:
    flows = []
    for port, suite in SUITES.items():
        identity = maker.leaf(NAME, "ec" if port % 2 else "rsa2048")
        files = identity.write(maker.lab.directory, f"keys-{port}")
        maker.play(files, port, ("-ciphersuites", suite), ("-ciphersuites", suite), f"Cipher is {suite}")
        flows.append(_flow(port, suite, _sha256(identity)))
    best = SUITES[4432]
    server = maker.leaf(NAME, "ec")
    files = server.write(maker.lab.directory, "keys-server")
    maker.play(files, RETRY, ("-groups", "P-256:X25519"), ("-groups", "X25519"))
    flows.append(_flow(RETRY, best, _sha256(server), hello_retry_request=True))
    client = maker.leaf("device-7.example.test", "rsa4096", client=True)
    mine = client.write(maker.lab.directory, "keys-client")
    ours = ("-cert", str(mine.certificate), "-key", str(mine.key), "-cert_chain", str(mine.above))
    maker.play(files, MUTUAL, ours, ("-Verify", "2", "-verify_return_error", "-CAfile", str(maker.root_file)))
    flows.append(_flow(MUTUAL, best, _sha256(server), client_certificates=_sha256(client)))
    maker.play(files, RESUMED, ("-sess_out", str(maker.lab.scratch("ticket"))), ())
    flows.append(_flow(RESUMED, best, _sha256(server)))
    again = _flow(RESUMED, best, [], resumed=True)
    del again["tls"]["certificates"], again["clean"]
    flows.append({**again, "absent": ["tls.certificates"]})
    maker.play(files, PROTOCOL, ("-alpn", "h2,http/1.1"), ("-alpn", "http/1.1"))
    flows.append(_flow(PROTOCOL, best, _sha256(server), alpn="http/1.1"))
    return flows


def _injected(stage: Stage, out: Path, act: Callable[[_Maker], list[Flow]]) -> list[Flow]:
    """Records `act`, writes the log of its handshakes beside the capture and in front of it."""
    maker = _Maker(stage, out.stem)
    plain = out.with_name(f"{out.stem}.pcap")
    with stage.lab.capture(plain):
        flows = act(maker)
    log = out.with_suffix(".log")
    labels = ("CLIENT_HANDSHAKE", "SERVER_HANDSHAKE", "CLIENT_TRAFFIC", "SERVER_TRAFFIC", "EXPORTER")
    log.write_text("".join(line for line in maker.log.read_text().splitlines(keepends=True) if line.startswith(labels)))
    run(["editcap", "--inject-secrets", f"tls,{log}", str(plain), str(out)])
    plain.unlink()
    return flows


def _quic_sessions(maker: _Maker) -> list[Flow]:
    flows = []
    for port, (version, suite) in QUIC.items():
        identity = maker.leaf(NAME, "rsa4096" if suite.startswith("CHACHA") else "ec")
        files = identity.write(maker.lab.directory, f"quic-{port}")
        server = speaker("quic", "serve", SERVERS[0], str(port), str(files.chain), str(files.key))
        with maker.lab.server(server, port, udp=True):
            told = (NAME, str(maker.root_file), version, suite, str(maker.log))
            output = maker.lab.call("client", speaker("quic", "connect", SERVERS[0], str(port), *told))
            expect(output, "reward", f"QUIC {version} {suite}")
        tls = {"version": "TLSv1.3", "suite": f"TLS_{suite}", "alpn": "hq-interop", "decrypted": True}
        facts = {"quic": {"version": version}, "tls": {**tls, "established": True, "certificates": _sha256(identity)}}
        flows.append(flow("quic", port, "tls", transport="udp", **facts, findings=[], clean=["certificate.chain"]))
    return flows


@written(
    "quic_keys.pcapng",
    "QUIC versions 1 and 2 with the keys of these sessions in front, three suites: aioquic at both ends",
    "tcpdump",
    "wireshark-common",
    "pypi:cryptography",
    "pypi:aioquic",
    trust="pki/quic_keys.pem",
)
def quic_keys(stage: Stage, out: Path) -> list[Flow]:
    return _injected(stage, out, _quic_sessions)


@written(
    "tls13_keys.pcapng",
    "TLS 1.3 with the keys of these sessions in front: five suites, retry, client certificates, resumption, ALPN",
    "tcpdump",
    "openssl",
    "wireshark-common",
    "pypi:cryptography",
    trust="pki/tls13_keys.pem",
)
def tls13_keys(stage: Stage, out: Path) -> list[Flow]:
    return _injected(stage, out, _sessions)

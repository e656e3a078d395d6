"""Certificate chains with one fault each, seen in clear in TLS 1.2 handshakes.

The client goes on in spite of the fault and prints OpenSSL's verdict, which each scenario demands.
"""

from __future__ import annotations

from lab import CLIENTS, SERVERS
from pki import Files, Leaf, make_ca, make_leaf
from scenario import Flow, Stage, captured, chain
from tls import LEGACY, Session, play, require_certificates
from tls_versions import OPENSSL, facts, tls_flow

ECDSA_SUITE = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
RSA_SUITE = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
EXPIRED = "Verify return code: 10 (certificate has expired)"
SELF_SIGNED = "Verify return code: 18 (self-signed certificate)"


def judged(
    stage: Stage,
    files: Files,
    name: str,
    verdict: str,
    reason: str,
    *,
    sent: int = 2,
    suite: str = ECDSA_SUITE,
    asked: str | None = None,
    where: tuple[int, int] = (0, 0),
    legacy: bool = False,
) -> list[Flow]:
    """Play a session in which the server shows `files`; `where` picks the client's and server's address."""
    options = ("-tls1_2", "-cipher", LEGACY) if legacy else ("-tls1_2",)
    session = Session(
        files,
        asked or name,
        server_options=options if legacy else (),
        client_options=options,
        wanted=(verdict,),
        client_address=CLIENTS[where[0]],
        server_address=SERVERS[where[1]],
        root=stage.pki.root_file,
    )
    require_certificates(play(stage.lab, session), sent)
    tls = facts("TLSv1.2", suite, "x25519", sni=asked or name, certificates=sent)
    return [tls_flow(443, tls, findings=[chain(reason)])]


@captured("cert_expired.pcap", "The leaf expired 10 days before", *OPENSSL)
def cert_expired(stage: Stage) -> list[Flow]:
    return expired_at(stage, "expired.example.test")


def expired_at(stage: Stage, name: str, where: tuple[int, int] = (0, 0)) -> list[Flow]:
    files = stage.pki.leaf(name, days=(-100, -10)).write(stage.lab.directory, name)
    return judged(stage, files, name, EXPIRED, "expired", where=where)


@captured("cert_not_yet_valid.pcap", "The leaf becomes valid in 30 days", *OPENSSL)
def cert_not_yet_valid(stage: Stage) -> list[Flow]:
    name = "early.example.test"
    files = stage.pki.leaf(name, days=(30, 120)).write(stage.lab.directory, name)
    return judged(stage, files, name, "Verify return code: 9 (certificate is not yet valid)", "not_yet_valid")


@captured("cert_self_signed.pcap", "A self-signed leaf", *OPENSSL)
def cert_self_signed(stage: Stage) -> list[Flow]:
    return self_signed_at(stage, "self-signed.example.test")


def self_signed_at(stage: Stage, name: str, where: tuple[int, int] = (0, 0)) -> list[Flow]:
    files = make_leaf(Leaf((name,)), None).write(stage.lab.directory, name)
    return judged(stage, files, name, SELF_SIGNED, "self_signed", sent=1, where=where)


@captured("cert_unknown_root.pcap", "A complete chain, root included, to a root that is not trusted", *OPENSSL)
def cert_unknown_root(stage: Stage) -> list[Flow]:
    name = "stranger.example.test"
    root = make_ca("Example Stranger Root")
    middle = make_ca("Example Stranger Intermediate", root)
    leaf = make_leaf(Leaf((name,)), middle, above=(middle.certificate, root.certificate))
    files = leaf.write(stage.lab.directory, name)
    verdict = "Verify return code: 19 (self-signed certificate in certificate chain)"
    return judged(stage, files, name, verdict, "unknown_root", sent=3)


@captured("cert_missing_intermediate.pcap", "Only the leaf is sent; its issuer is an intermediate", *OPENSSL)
def cert_missing_intermediate(stage: Stage) -> list[Flow]:
    name = "incomplete.example.test"
    leaf = make_leaf(Leaf((name,)), stage.pki.intermediate)
    files = leaf.write(stage.lab.directory, name)
    verdict = "Verify return code: 21 (unable to verify the first certificate)"
    return judged(stage, files, name, verdict, "missing_intermediate", sent=1)


@captured("cert_wrong_name.pcap", "A good chain for another name than the one in the SNI", *OPENSSL)
def cert_wrong_name(stage: Stage) -> list[Flow]:
    name = "other.example.test"
    files = stage.pki.leaf(name).write(stage.lab.directory, name)
    verdict = "Verify return code: 62 (hostname mismatch)"
    return judged(stage, files, name, verdict, "wrong_name", asked="wanted.example.test")


@captured("cert_weak_key.pcap", "A leaf with an RSA key of 1024 bits", *OPENSSL)
def cert_weak_key(stage: Stage) -> list[Flow]:
    name = "small-key.example.test"
    files = stage.pki.leaf(name, key="rsa1024").write(stage.lab.directory, name)
    # At SECLEVEL=0 OpenSSL accepts the key; that it is weak is the printed fact.
    verdict = "Server public key is 1024 bit"
    return judged(stage, files, name, verdict, "weak_key", suite=RSA_SUITE, legacy=True)


@captured("cert_sha1.pcap", "A leaf signed with ECDSA and SHA-1", *OPENSSL)
def cert_sha1(stage: Stage) -> list[Flow]:
    name = "sha1.example.test"
    files = stage.pki.sha1_leaf(stage.lab.directory, name)
    verdict = "sigalg: ecdsa-with-SHA1"
    return judged(stage, files, name, verdict, "weak_signature", suite=RSA_SUITE, legacy=True)

"""TLS 1.2 whose client is asked for a certificate or falls back: OpenSSL at both ends."""

from __future__ import annotations

from lab import expect
from scenario import Flow, Stage, captured, finding
from tls import play
from tls_versions import OPENSSL, facts, good_chain, session, tls_flow

SUITE = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
TLS12 = "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"


@captured("tls12_mutual_absent.pcap", "A client certificate requested, none shown, and the server goes on", *OPENSSL)
def tls12_mutual_absent(stage: Stage) -> list[Flow]:
    asking = ("-verify", "2", "-CAfile", str(stage.pki.root_file))
    play(stage.lab, session(stage, "ec", server_options=asking, client_options=("-tls1_2",), wanted=(TLS12,)))
    tls = facts("TLSv1.2", SUITE, "x25519", client_certificate="absent", client_certificates=0)
    return [good_chain(tls)]


@captured("tls12_mutual_refused.pcap", "A client certificate required, none shown: the server ends it", *OPENSSL)
def tls12_mutual_refused(stage: Stage) -> list[Flow]:
    asking = ("-Verify", "2", "-verify_return_error", "-CAfile", str(stage.pki.root_file))
    options = {"server_options": asking, "client_options": ("-tls1_2",), "complete": False}
    play(stage.lab, session(stage, "ec", **options, wanted=("alert handshake failure",)))
    more = {"client_certificate": "refused", "alert": "handshake_failure", "alert_from": "server"}
    tls = facts("TLSv1.2", SUITE, "x25519", client_certificates=0, **more)
    wanted = {"tls.client_certificate": "refused"}
    return [good_chain({**tls, "established": False}, findings=[finding("mtls.requested", **wanted)])]


@captured("tls12_mutual_unknown_ca.pcap", "The server does not know who issued the client's certificate", *OPENSSL)
def tls12_mutual_unknown_ca(stage: Stage) -> list[Flow]:
    """Of the same authority, whose root only the manifest trusts: the server here has none."""
    mine = stage.pki.leaf("device-8.example.test", client=True).write(stage.lab.directory, "device-8")
    asking = ("-Verify", "2", "-verify_return_error", "-no-CAfile", "-no-CApath", "-no-CAstore")
    client = ("-tls1_2", "-cert", str(mine.certificate), "-key", str(mine.key))
    options = {"server_options": asking, "client_options": client, "complete": False}
    play(stage.lab, session(stage, "ec", **options, wanted=("alert unknown ca",)))
    more = {"client_certificate": "refused", "alert": "unknown_ca", "alert_from": "server"}
    tls = facts("TLSv1.2", SUITE, "x25519", client_certificates=1, **more)
    wanted = {"tls.client_certificate": "refused", "tls.alert": "unknown_ca"}
    return [good_chain({**tls, "established": False}, findings=[finding("mtls.requested", **wanted)])]


@captured("tls12_fallback.pcap", "A client that falls back to TLS 1.2, at a server that can do no more", *OPENSSL)
def tls12_fallback(stage: Stage) -> list[Flow]:
    client = ("-tls1_2", "-fallback_scsv")
    play(stage.lab, session(stage, "ec", server_options=("-tls1_2",), client_options=client, wanted=(TLS12,)))
    tls = facts("TLSv1.2", SUITE, "x25519", fallback_scsv=True)
    return [good_chain(tls, findings=[finding("tls.downgrade", reason="fallback")])]


@captured("tls12_fallback_refused.pcap", "A client that falls back to TLS 1.2, at a server of TLS 1.3", *OPENSSL)
def tls12_fallback_refused(stage: Stage) -> list[Flow]:
    options = {"client_options": ("-tls1_2", "-fallback_scsv"), "complete": False}
    expect(play(stage.lab, session(stage, "ec", **options)), "inappropriate fallback")
    tls = {"established": False, "alert": "inappropriate_fallback", "alert_from": "server", "fallback_scsv": True}
    return [tls_flow(443, tls, findings=[finding("tls.downgrade", reason="fallback_refused")])]


@captured("tls12_sentinel.pcap", "A client of TLS 1.2 at a server of TLS 1.3, which says so: no downgrade", *OPENSSL)
def tls12_sentinel(stage: Stage) -> list[Flow]:
    play(stage.lab, session(stage, "ec", client_options=("-tls1_2",), wanted=(TLS12,)))
    tls = facts("TLSv1.2", SUITE, "x25519", downgrade_sentinel="TLSv1.3", signature_scheme="ecdsa_secp256r1_sha256")
    return [good_chain(tls)]

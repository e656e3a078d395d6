"""TLS 1.2 whose client is asked for a certificate or falls back: OpenSSL at both ends.

A root of their own, so that they can be made without making every other capture anew. Where its key is gone, a new one
is made: then make all of them.
"""

from __future__ import annotations

import dataclasses

from lab import expect
from pki import Pki, PkiError
from scenario import Flow, Stage, captured, finding
from tls import play
from tls_versions import facts, good_chain, session, tls_flow

SUITE = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
TLS12 = "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"
TRUST = "pki/refusals/root.pem"


def own(stage: Stage) -> Stage:
    """The stage with this family's authority."""
    directory = (stage.captures / TRUST).parent
    pki = Pki(stage.captures.parent.parent / ".build" / "pcaps-pki-refusals", directory)
    try:
        pki.load()
    except PkiError:
        pki.create()
    return dataclasses.replace(stage, pki=pki)


@captured(
    "tls12_mutual_absent.pcap",
    "A client certificate requested, none shown, and the server goes on",
    "openssl",
    trust=TRUST,
)
def tls12_mutual_absent(stage: Stage) -> list[Flow]:
    stage = own(stage)
    asking = ("-verify", "2", "-CAfile", str(stage.pki.root_file))
    play(stage.lab, session(stage, "ec", server_options=asking, client_options=("-tls1_2",), wanted=(TLS12,)))
    tls = facts("TLSv1.2", SUITE, "x25519", client_certificate="absent")
    return [good_chain(tls)]


@captured(
    "tls12_mutual_refused.pcap", "A client certificate required, none shown: the server ends it", "openssl", trust=TRUST
)
def tls12_mutual_refused(stage: Stage) -> list[Flow]:
    stage = own(stage)
    asking = ("-Verify", "2", "-verify_return_error", "-CAfile", str(stage.pki.root_file))
    options = {"server_options": asking, "client_options": ("-tls1_2",), "complete": False}
    play(stage.lab, session(stage, "ec", **options, wanted=("alert handshake failure",)))
    more = {"client_certificate": "refused", "alert": "handshake_failure", "alert_from": "server"}
    tls = facts("TLSv1.2", SUITE, "x25519", **more)
    wanted = {"tls.client_certificate": "refused"}
    return [good_chain({**tls, "established": False}, findings=[finding("mtls.requested", **wanted)])]


@captured(
    "tls12_mutual_unknown_ca.pcap",
    "The server does not know who issued the client's certificate",
    "openssl",
    trust=TRUST,
)
def tls12_mutual_unknown_ca(stage: Stage) -> list[Flow]:
    """Of the same authority, whose root only the manifest trusts: the server here has none."""
    stage = own(stage)
    mine = stage.pki.leaf("device-8.example.test", client=True).write(stage.lab.directory, "device-8")
    asking = ("-Verify", "2", "-verify_return_error", "-no-CAfile", "-no-CApath", "-no-CAstore")
    client = ("-tls1_2", "-cert", str(mine.certificate), "-key", str(mine.key))
    options = {"server_options": asking, "client_options": client, "complete": False}
    play(stage.lab, session(stage, "ec", **options, wanted=("alert unknown ca",)))
    more = {"client_certificate": "refused", "alert": "unknown_ca", "alert_from": "server"}
    tls = facts("TLSv1.2", SUITE, "x25519", client_certificates=1, **more)
    wanted = {"tls.client_certificate": "refused", "tls.alert": "unknown_ca"}
    return [good_chain({**tls, "established": False}, findings=[finding("mtls.requested", **wanted)])]


@captured(
    "tls12_fallback.pcap",
    "A client that falls back to TLS 1.2, at a server that can do no more",
    "openssl",
    trust=TRUST,
)
def tls12_fallback(stage: Stage) -> list[Flow]:
    stage = own(stage)
    client = ("-tls1_2", "-fallback_scsv")
    play(stage.lab, session(stage, "ec", server_options=("-tls1_2",), client_options=client, wanted=(TLS12,)))
    tls = facts("TLSv1.2", SUITE, "x25519", fallback_scsv=True)
    return [good_chain(tls, findings=[finding("tls.downgrade", reason="fallback")])]


@captured(
    "tls12_fallback_refused.pcap", "A client that falls back to TLS 1.2, at a server of TLS 1.3", "openssl", trust=TRUST
)
def tls12_fallback_refused(stage: Stage) -> list[Flow]:
    stage = own(stage)
    options = {"client_options": ("-tls1_2", "-fallback_scsv"), "complete": False}
    expect(play(stage.lab, session(stage, "ec", **options)), "inappropriate fallback")
    tls = {"established": False, "alert": "inappropriate_fallback", "alert_from": "server", "fallback_scsv": True}
    return [tls_flow(443, tls, findings=[finding("tls.downgrade", reason="fallback_refused")])]


@captured(
    "tls12_sentinel.pcap",
    "A client of TLS 1.2 at a server of TLS 1.3, which says so: no downgrade",
    "openssl",
    trust=TRUST,
)
def tls12_sentinel(stage: Stage) -> list[Flow]:
    stage = own(stage)
    play(stage.lab, session(stage, "ec", client_options=("-tls1_2",), wanted=(TLS12,)))
    tls = facts("TLSv1.2", SUITE, "x25519", downgrade_sentinel="TLSv1.3", signature_scheme="ecdsa_secp256r1_sha256")
    return [good_chain(tls)]

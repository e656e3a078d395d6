"""IKE and ESP between strongSwan peers, one capture for each way of agreeing, going on, or not agreeing."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from ipsec import (
    INNER,
    SIDES,
    STRONGSWAN,
    Negotiation,
    chosen,
    ike_flow,
    pair,
    peers,
    ping,
    sa_init,
    tunnel,
)
from lab import CLIENT_6, CLIENTS, INTERFACE, SERVER_6, SERVERS, LabError, expect
from pki import Leaf, make_ca, make_leaf, pem
from scenario import Act, Flow, Stage, captured, finding, flow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EAP = (*STRONGSWAN, "libcharon-extauth-plugins")
PYTHON = "pypi:cryptography"
GCM = "aes256gcm16-prfsha256-x25519"
GCM_CHOICE = chosen("ENCR_AES_GCM_16", "PRF_HMAC_SHA2_256", "curve25519", key_length=256)


def case(name: str, holds: str, *needs: str) -> Callable[[Act], Act]:
    """A capture in the folder of its own."""
    return captured(f"ipsec/{name}.pcap", holds, *(needs or STRONGSWAN), trust="pki/root.pem")


def agreed(
    name: str, holds: str, negotiation: Negotiation, printed: tuple[str, ...], flows: list[Flow], *needs: str
) -> None:
    """A tunnel that comes up, carries three echoes and is taken down."""

    @case(name, holds, *needs)
    def act(stage: Stage) -> list[Flow]:
        tunnel(stage, negotiation, *printed)
        return flows


agreed(
    "v2_chacha",
    "IKEv2 and ESP with ChaCha20-Poly1305 and X25519",
    Negotiation("chacha20poly1305-prfsha256-x25519", "chacha20poly1305"),
    ("CHACHA20_POLY1305/PRF_HMAC_SHA2_256/CURVE_25519", "ESP:CHACHA20_POLY1305"),
    pair(2, chosen("ENCR_CHACHA20_POLY1305", "PRF_HMAC_SHA2_256", "curve25519"), []),
)
agreed(
    "v2_cbc",
    "IKEv2 with AES-CBC, SHA-256 and MODP-2048",
    Negotiation("aes256-sha256-modp2048", "aes256-sha256"),
    ("AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048", "ESP:AES_CBC-256/HMAC_SHA2_256_128"),
    pair(2, chosen("ENCR_AES_CBC", "PRF_HMAC_SHA2_256", "modp2048", "AUTH_HMAC_SHA2_256_128", 256), []),
)
agreed(
    "v2_ecp384",
    "IKEv2 as CNSA wants it: AES-256-GCM, SHA-384, ECP-384",
    Negotiation("aes256gcm16-prfsha384-ecp384", "aes256gcm16-ecp384"),
    ("AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384",),
    pair(2, chosen("ENCR_AES_GCM_16", "PRF_HMAC_SHA2_384", "ecp384", key_length=256), []),
)
agreed(
    "v2_aes128_modp1024",
    "IKEv2 with AES-128, SHA-1 and MODP-1024",
    Negotiation("aes128-sha1-modp1024", "aes128-sha1"),
    ("AES_CBC-128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024",),
    pair(
        2,
        chosen("ENCR_AES_CBC", "PRF_HMAC_SHA1", "modp1024", "AUTH_HMAC_SHA1_96", 128),
        [finding(f"ike.{fact}") for fact in ("prf", "integ", "ke")],
    ),
)
agreed(
    "v2_ipv6",
    "IKEv2 and ESP between IPv6 addresses",
    Negotiation(GCM, "aes256gcm16", addresses=(CLIENT_6, SERVER_6)),
    ("AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519",),
    pair(2, GCM_CHOICE, []),
)


@case("v2_null", "IKEv2 with strong algorithms for a tunnel that does not encrypt (ESP NULL)")
def v2_null(stage: Stage) -> list[Flow]:
    printed = tunnel(stage, Negotiation("aes256-sha256-modp2048", "null-sha256"), "ESP:NULL/HMAC_SHA2_256_128")
    outgoing = re.search(r"out\s+([0-9a-f]{8})", printed)
    if outgoing is None:
        raise LabError(f"no SPI in {printed}")
    choice = chosen("ENCR_AES_CBC", "PRF_HMAC_SHA2_256", "modp2048", "AUTH_HMAC_SHA2_256_128", 256)
    start, _ = pair(2, choice, [])
    carried = ike_flow({"version": 2}, esp={"null_encryption": True}, findings=[finding("esp.null_encryption")])
    ends = {"src_ip": INNER["client"], "dst_ip": INNER["server"], "tunnel": [f"esp:0x{outgoing[1]}"]}
    return [start, carried, flow("icmp", None, "plaintext", transport="icmp", **ends, unseen_by_tshark=True)]


def papers(kind: str) -> Callable[[Path, str], None]:
    """An authority for one capture, and a certificate for each side; both sides trust it."""
    authority = make_ca("Example Test VPN")
    leaves = {side: make_leaf(Leaf((f"{side}.example.test",), key=kind), authority) for side in SIDES}

    def write(directory: Path, side: str) -> None:
        for folder in ("x509", "x509ca", "private"):
            (directory / folder).mkdir(exist_ok=True)
        (directory / "x509ca" / "ca.pem").write_bytes(pem(authority.certificate))
        files = leaves[side].write(directory / "x509", "own")
        files.key.rename(directory / "private" / "own.key")
        for spare in (files.above, files.chain):
            spare.unlink()

    return write


BY_CERTIFICATE = "auth = pubkey\n certs = own.pem"


def certified(kind: str, ike: str, esp: str, **more: Any) -> Negotiation:
    both = (BY_CERTIFICATE, BY_CERTIFICATE)
    return Negotiation(ike, esp, auth=both, expected=("auth = pubkey",) * 2, papers=papers(kind), **more)


@case("v2_rsa", "IKEv2 with RSA certificates, IKE_AUTH in fragments (RFC 7383)", *STRONGSWAN, PYTHON)
def v2_rsa(stage: Stage) -> list[Flow]:
    negotiation = certified("rsa2048", GCM, "aes256gcm16", connection_more="fragmentation = force")
    tunnel(stage, negotiation, "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519")
    start, _ = pair(2, GCM_CHOICE, [])
    return [start, ike_flow({"version": 2, "fragmented": True}, esp={"spis": 2})]


@case("v2_ecdsa", "IKEv2 with ECDSA certificates", *STRONGSWAN, PYTHON)
def v2_ecdsa(stage: Stage) -> list[Flow]:
    tunnel(stage, certified("ec", GCM, "aes256gcm16"), "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519")
    return pair(2, GCM_CHOICE, [])


@case("v2_eap_mschapv2", "IKEv2 with EAP-MSCHAPv2 for the client and a certificate for the gateway", *EAP, PYTHON)
def v2_eap_mschapv2(stage: Stage) -> list[Flow]:
    negotiation = Negotiation(
        GCM,
        "aes256gcm16",
        auth=("auth = eap-mschapv2\n eap_id = alice", BY_CERTIFICATE),
        expected=("auth = pubkey", "auth = eap-mschapv2\n eap_id = %any"),
        secrets='eap-1 { id = alice\n secret = "wonderland-for-tests" }',
        papers=papers("ec"),
    )
    tunnel(stage, negotiation, "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519")
    start, carried = pair(2, GCM_CHOICE, [])
    return [start, {**carried, "ike": {**carried["ike"], "exchange_counts": {"IKE_AUTH": 5}}}]


@case("v2_eap_tls", "IKEv2 with EAP-TLS", *EAP, PYTHON)
def v2_eap_tls(stage: Stage) -> list[Flow]:
    negotiation = Negotiation(
        GCM,
        "aes256gcm16",
        auth=("auth = eap-tls\n certs = own.pem", BY_CERTIFICATE),
        expected=("auth = pubkey", "auth = eap-tls"),
        papers=papers("rsa2048"),
    )
    tunnel(stage, negotiation, "AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE_25519")
    return pair(2, GCM_CHOICE, [])


@case("v2_ppk", "IKEv2 with a pre-shared key against quantum computers mixed in (RFC 8784)")
def v2_ppk(stage: Stage) -> list[Flow]:
    negotiation = Negotiation(
        GCM,
        "aes256gcm16",
        connection_more="ppk_id = shared.example.test\n ppk_required = yes",
        secrets='ppk-1 { id = shared.example.test\n secret = "a-long-key-for-tests-only-0123456789" }',
    )
    tunnel(stage, negotiation, "PPK")
    return pair(2, GCM_CHOICE, [], ppk="agreed")


@case("v2_invalid_ke", "IKEv2 where the responder asks for another group (INVALID_KE_PAYLOAD)")
def v2_invalid_ke(stage: Stage) -> list[Flow]:
    negotiation = Negotiation(
        "aes256-sha256-modp3072-modp2048", "aes256-sha256", responder_ike="aes256-sha256-modp2048"
    )
    tunnel(stage, negotiation, "MODP_2048")
    choice = chosen("ENCR_AES_CBC", "PRF_HMAC_SHA2_256", "modp2048", "AUTH_HMAC_SHA2_256_128", 256)
    return pair(2, choice, [], ke_wanted="modp2048")


@case("v2_downgrade", "IKEv2 where the responder picks MODP-1024 although better was offered")
def v2_downgrade(stage: Stage) -> list[Flow]:
    offer = "aes256-sha256-modp2048,aes128-sha1-modp1024"
    tunnel(stage, Negotiation(offer, "aes256-sha256", responder_ike="aes128-sha1-modp1024"), "MODP_1024")
    choice = chosen("ENCR_AES_CBC", "PRF_HMAC_SHA1", "modp1024", "AUTH_HMAC_SHA1_96", 128)
    weak = [finding(f"ike.{fact}") for fact in ("prf", "integ", "ke", "downgrade")]
    return pair(2, choice, weak, downgraded=["prf", "integ", "ke"])


@case("v2_wrong_psk", "IKEv2 with different pre-shared keys: AUTHENTICATION_FAILED, encrypted")
def v2_wrong_psk(stage: Stage) -> list[Flow]:
    with peers(stage, Negotiation(GCM, "aes256gcm16", responder_secret="something-else-for-tests")) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net", check=False), "AUTHENTICATION_FAILED")
    refused = ike_flow({"authentication": "refused"}, absent=["esp"], findings=[finding("ike.negotiation")])
    return [sa_init({"version": 2, "chosen": GCM_CHOICE}, findings=[]), refused]


@case("v2_child_rekey", "IKEv2 that replaces its child SA twice")
def v2_child_rekey(stage: Stage) -> list[Flow]:
    with peers(stage, Negotiation(GCM, "aes256gcm16")) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net"), "initiate completed successfully")
        for _ in range(2):
            ping(stage)
            expect(initiator.swanctl("--rekey", "--child", "net"), "rekey completed successfully")
            time.sleep(0.3)
        ping(stage, 5)
        initiator.swanctl("--terminate", "--ike", "lab")
        time.sleep(0.2)
    start, _ = pair(2, GCM_CHOICE, [])
    return [start, ike_flow({"children": 2}, esp={"spis": 6, "rekeys": 4})]


@case("v2_ike_rekey", "IKEv2 that replaces its IKE SA")
def v2_ike_rekey(stage: Stage) -> list[Flow]:
    with peers(stage, Negotiation(GCM, "aes256gcm16")) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net"), "initiate completed successfully")
        ping(stage)
        expect(initiator.swanctl("--rekey", "--ike", "lab"), "rekey completed successfully")
        time.sleep(0.3)
        ping(stage)
        initiator.swanctl("--terminate", "--ike", "lab")
        time.sleep(0.2)
    start, _ = pair(2, GCM_CHOICE, [])
    return [start, ike_flow({"ike_rekeys": 1, "spis": 2}, esp={"spis": 2}, absent=["ike.children"])]


@case("v2_dpd", "IKEv2 with dead-peer detection every second")
def v2_dpd(stage: Stage) -> list[Flow]:
    with peers(stage, Negotiation(GCM, "aes256gcm16", connection_more="dpd_delay = 1s")) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net"), "initiate completed successfully")
        time.sleep(3.5)
        initiator.swanctl("--terminate", "--ike", "lab")
        time.sleep(0.2)
    start, _ = pair(2, GCM_CHOICE, [])
    return [start, ike_flow({"exchange_counts": {"IKE_AUTH": 1}, "deletes": 1}, absent=["ike.retransmitted", "esp"])]


@case("v2_dead_peer", "IKEv2 whose responder vanishes: requests sent again in vain")
def v2_dead_peer(stage: Stage) -> list[Flow]:
    negotiation = Negotiation(GCM, "aes256gcm16", connection_more="dpd_delay = 1s", retransmit=(2, 0.5))
    with peers(stage, negotiation) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net"), "initiate completed successfully")
        ping(stage)
        network = CLIENTS[0].rsplit(".", 1)[0] + ".0/24"
        stage.lab.call("server", ["ip", "route", "replace", "blackhole", network])
        try:
            time.sleep(4)
        finally:
            stage.lab.call("server", ["ip", "route", "replace", network, "dev", INTERFACE, "src", SERVERS[0]])
    start, _ = pair(2, GCM_CHOICE, [])
    return [start, ike_flow({"retransmitted": 2, "unanswered": 1}, esp={"spis": 2})]


@case("v1_main_rsa", "IKEv1 main mode with RSA certificates", *STRONGSWAN, PYTHON)
def v1_main_rsa(stage: Stage) -> list[Flow]:
    negotiation = certified("rsa2048", "aes256-sha256-modp2048", "aes256-sha256", version=1)
    tunnel(stage, negotiation, "IKEv1", "MODP_2048")
    choice = chosen("ENCR_AES_CBC", "PRF_HMAC_SHA2_256", "modp2048", key_length=256)
    return pair(1, {**choice, "auth_method": "rsa_sig"}, [finding("ike.version")], mode="main")


@case("v1_xauth", "IKEv1 main mode with a pre-shared key, then XAUTH", *EAP)
def v1_xauth(stage: Stage) -> list[Flow]:
    negotiation = Negotiation(
        "aes256-sha256-modp2048",
        "aes256-sha256",
        version=1,
        auth=("auth = psk\n } local-xauth { auth = xauth\n xauth_id = alice", "auth = psk"),
        expected=("auth = psk", "auth = psk\n } remote-xauth { auth = xauth"),
        secrets='xauth-1 { id = alice\n secret = "wonderland-for-tests" }',
    )
    tunnel(stage, negotiation, "IKEv1")
    choice = {"auth_method": "xauth_init_psk", "ke": "modp2048"}
    start, carried = pair(1, choice, [finding("ike.version")], mode="main")
    return [
        start,
        {**carried, "ike": {**carried["ike"], "exchanges": ["main", "transaction", "quick", "informational"]}},
    ]


@case("v1_no_proposal", "IKEv1 refused with NO_PROPOSAL_CHOSEN")
def v1_no_proposal(stage: Stage) -> list[Flow]:
    refused = Negotiation("aes256-sha384-ecp384", "aes256", version=1, responder_ike="aes128-sha256-modp2048")
    with peers(stage, refused) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net", check=False), "NO_PROPOSAL_CHOSEN")
    noted = [finding("ike.version"), finding("ike.negotiation")]
    return [
        sa_init({"version": 1, "mode": "main", "refused": "NO_PROPOSAL_CHOSEN"}, absent=["ike.chosen"], findings=noted)
    ]


@case("v1_rekey", "IKEv1 with two quick modes: the child SA is replaced")
def v1_rekey(stage: Stage) -> list[Flow]:
    negotiation = Negotiation("aes256-sha256-modp2048", "aes256-sha256-modp2048", version=1)
    with peers(stage, negotiation) as initiator:
        expect(initiator.swanctl("--initiate", "--child", "net"), "initiate completed successfully")
        ping(stage)
        expect(initiator.swanctl("--rekey", "--child", "net"), "rekey completed successfully")
        time.sleep(0.3)
        ping(stage, 5)
        initiator.swanctl("--terminate", "--ike", "lab")
        time.sleep(0.2)
    choice = {"auth_method": "psk", "ke": "modp2048"}
    start, carried = pair(1, choice, [finding("ike.version")], mode="main")
    return [start, {**carried, "ike": {"version": 1, "children": 2}, "esp": {"spis": 4}}]

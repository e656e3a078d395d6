"""What records say of sessions beyond version and suite, against what both ends of OpenSSL were told and say."""

import hashlib
import ssl
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from sessions import Conversation, converse, write

import probe

NAME: Final = "www.example.test"
NGINX_1024: Final = int(
    "bbbc2dcad84674907c43fcf580e9cfdbd958a3f568b42d4b08eed4eb0fb3504c6c030276e710800c5ccbbaa8922614c5beeca565a5fdf1d287"
    "a2bc049be6778060e91a92a757e3048f68b076f7d36cc8f29ba5df81dc2ca725ece66270cc9a5035d8ceceef9ea0274a63ab1e58fafd4988d0"
    "f65d146757da071df045cfe16b9b",
    16,
)
Records = list[dict[str, Any]]


class Ends:
    """A client and a server that trust one authority."""

    def __init__(self) -> None:
        self.ca = trustme.CA()
        self.leaf = self.ca.issue_cert(NAME)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.configure_trust(self.client)
        self.leaf.configure_cert(self.server)

    def version(self, version: ssl.TLSVersion) -> "Ends":
        for context in (self.client, self.server):
            context.minimum_version = context.maximum_version = version
        return self

    def replay(self, folder: Path, conversations: Iterable[Conversation], **options: Any) -> Records:
        roots = folder / "roots.pem"
        self.ca.cert_pem.write_to_path(str(roots))
        return list(
            probe.replay(
                write(folder / "c.pcap", [one.flights for one in conversations]), trust=[str(roots)], **options
            )
        )


@pytest.fixture
def ends() -> Ends:
    return Ends()


def _tls(records: Records) -> list[dict[str, Any]]:
    return [record["tls"] for record in records if record["type"] == "flow"]


def _found(records: Records, check: str) -> Records:
    return [record for record in records if record["type"] == "finding" and record["check"] == check]


def _tshark(capture: Path, *fields: str) -> list[list[str]]:
    command = ["tshark", "-r", str(capture), "-Y", "tls.handshake.type==1", "-T", "fields", "-E", "aggregator=,"]
    shown = [word for field in fields for word in ("-e", field)]
    done = subprocess.run([*command, *shown], capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_groups_and_psk_modes_offered_are_those_that_tshark_reads(ends: Ends, tmp_path: Path) -> None:
    ends.client.set_ecdh_curve("secp384r1")
    [tls] = _tls(ends.replay(tmp_path, [converse(ends.client, ends.server)]))
    [[groups, modes]] = _tshark(
        tmp_path / "c.pcap", "tls.handshake.extensions_supported_group", "tls.extension.psk_ke_mode"
    )
    assert (groups, tls["groups_offered"]) == ("0x0018", ["secp384r1"])
    assert (modes, tls["psk_modes_offered"]) == ("1", ["psk_dhe_ke"])


@pytest.mark.parametrize("ticket", [False, True])
def test_a_resumption_leads_back_to_the_full_handshake(ends: Ends, tmp_path: Path, *, ticket: bool) -> None:
    ends.version(ssl.TLSVersion.TLSv1_2)
    ends.server.set_ciphers("ECDHE+AESGCM")
    if not ticket:
        ends.server.options |= ssl.OP_NO_TICKET
    full = converse(ends.client, ends.server)
    again = [converse(ends.client, ends.server, session=full.client.session) for _ in range(2)]
    assert [end.client.session_reused for end in (full, *again)] == [False, True, True]
    records = ends.replay(tmp_path, [full, *again], passes=True)
    first = next(record for record in records if record["type"] == "flow")
    for tls in _tls(records)[1:]:
        assert (tls["resumed"], tls["resumed_by"]) == (True, "ticket" if ticket else "session_id")
        assert tls["resumes"] == first["community_id"]
        assert "certificates" not in tls
    # The chain is judged for all three, and nothing is left that could not be observed.
    [chain] = _found(records, "certificate.chain")
    assert (chain["observed"]["reason"], chain["count"]) == ("ok", 3)
    assert list(_tls(records)[0]["certificates"]) == [
        hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.bytes().decode())).hexdigest() for pem in ends.leaf.cert_chain_pems
    ]


def test_a_resumption_alone_says_that_its_chain_is_not_observable(ends: Ends, tmp_path: Path) -> None:
    ends.version(ssl.TLSVersion.TLSv1_2)
    full = converse(ends.client, ends.server)
    records = ends.replay(tmp_path, [converse(ends.client, ends.server, session=full.client.session)])
    assert "resumes" not in _tls(records)[0]
    assert [finding["status"] for finding in _found(records, "certificate.chain")] == ["not_observable"]


def test_tls13_resumes_by_psk_and_its_origin_is_not_observable(ends: Ends, tmp_path: Path) -> None:
    ends.version(ssl.TLSVersion.TLSv1_3)
    full = converse(ends.client, ends.server)
    again = converse(ends.client, ends.server, session=full.client.session)
    assert again.client.session_reused
    tls = _tls(ends.replay(tmp_path, [full, again]))[1]
    assert (tls["resumed_by"], tls["psk_mode"]) == ("psk", "psk_dhe_ke")
    assert "resumes" not in tls


def test_a_shared_prime_is_named(ends: Ends, tmp_path: Path) -> None:
    parameters = tmp_path / "dh.pem"
    der = b"\x02\x81\x81\x00" + NGINX_1024.to_bytes(128) + b"\x02\x01\x02"
    text = ssl.DER_cert_to_PEM_cert(b"\x30\x81" + bytes([len(der)]) + der)
    parameters.write_text(text.replace("CERTIFICATE", "DH PARAMETERS"))
    ends.version(ssl.TLSVersion.TLSv1_2)
    for context in (ends.client, ends.server):
        context.set_ciphers("DHE-RSA-AES128-GCM-SHA256:DHE-DSS-AES128-SHA:ADH-AES128-SHA256:@SECLEVEL=0")
    ends.server.load_dh_params(str(parameters))
    ends.client.check_hostname, ends.client.verify_mode = False, ssl.CERT_NONE
    records = ends.replay(tmp_path, [converse(ends.client, ends.server)])
    [tls] = _tls(records)
    assert (tls["dh_prime"], tls["dh_bits"]) == ("nginx_1024", 1024)
    [finding] = _found(records, "tls.dh_prime")
    assert (finding["severity"], finding["observed"]["reason"]) == ("high", "precomputed")
    assert any(found["rule"] == "BCP195-DH-SIZE" for found in _found(records, "tls.group"))


def test_an_alert_says_how_far_the_handshake_had_come(ends: Ends, tmp_path: Path) -> None:
    ends.version(ssl.TLSVersion.TLSv1_2)
    wrong_name = converse(ends.client, ends.server, name="other.example.test")
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ends.leaf.configure_cert(other)
    other.minimum_version = ssl.TLSVersion.TLSv1_3
    no_version = converse(ends.client, other)
    first, second = _tls(ends.replay(tmp_path, [wrong_name, no_version]))
    assert (first["alert_from"], first["alert_after"]) == ("client", "server_hello_done")
    assert (second["alert"], second["alert_from"]) == ("protocol_version", "server")
    assert (second["alert_after"], second["version_offered"]) == ("client_hello", "TLSv1.2")


MUTUAL: Final = {
    # What the server asks for, and whether the client has a certificate that it takes: what came of it.
    "not asked": (ssl.CERT_NONE, "good", None),
    "accepted": (ssl.CERT_REQUIRED, "good", "accepted"),
    "optional and absent": (ssl.CERT_OPTIONAL, None, "absent"),
    "required and absent": (ssl.CERT_REQUIRED, None, "refused"),
    "of an unknown authority": (ssl.CERT_REQUIRED, "strange", "refused"),
}


@pytest.mark.parametrize("case", MUTUAL)
@pytest.mark.parametrize("how", ["observed", "inferred", "decrypted"])
def test_what_came_of_a_request_for_the_clients_certificate(ends: Ends, tmp_path: Path, how: str, case: str) -> None:
    mode, certificate, outcome = MUTUAL[case]
    ends.version(ssl.TLSVersion.TLSv1_2 if how == "observed" else ssl.TLSVersion.TLSv1_3)
    ends.server.verify_mode = mode
    ends.ca.configure_trust(ends.server)
    if certificate is not None:
        authority = ends.ca if certificate == "good" else trustme.CA()
        authority.issue_cert("device.example.test").configure_cert(ends.client)
    log = tmp_path / "keys.log"
    ends.client.keylog_filename = str(log)
    keys = {"keylog": [str(log)]} if how == "decrypted" else {}
    records = ends.replay(tmp_path, [converse(ends.client, ends.server)], passes=True, **keys)
    [tls] = _tls(records)
    assert tls.get("client_certificate") == outcome
    assert tls["established"] is (outcome != "refused")
    evidence = None if outcome is None or how == "observed" else how
    assert tls.get("client_certificate_evidence") == evidence
    found = _found(records, "mtls.requested")
    assert [(finding["observed"]["tls.client_certificate"], finding["evidence"]["class"]) for finding in found] == (
        [] if outcome is None else [(outcome, how)]
    )
    if how == "decrypted":
        assert tls["proven"] is True
        shown = certificate if outcome not in (None, "absent") else None
        assert bool(tls.get("client_certificates")) is (shown is not None)


def test_who_lacks_the_post_quantum_exchange_is_told(ends: Ends, tmp_path: Path) -> None:
    records = ends.replay(tmp_path, [converse(ends.client, ends.server)], policies=["pq-readiness"])
    assert [finding["rule"] for finding in _found(records, "pq.readiness")] == ["PQ-OFFER"]


def test_what_can_be_read_later_is_counted_in_bytes(ends: Ends, tmp_path: Path) -> None:
    both = [converse(ends.client, ends.server)]
    refused = converse(ends.client, ends.version(ssl.TLSVersion.TLSv1_2).server, name="other.example.test")
    both.append(converse(ends.client, ends.server))
    records = ends.replay(tmp_path, [*both, refused], policies=["pq-readiness"])
    lived = [record for record in records if record["type"] == "flow" and record["tls"]["established"]]
    found = _found(records, "pq.exposure")
    assert sum(finding["count"] for finding in found) == len(lived) == 2
    assert sum(finding["bytes"] for finding in found) == sum(sum(flow["bytes"]) for flow in lived)
    assert _found(ends.replay(tmp_path, both), "pq.exposure") == []


def test_out_of_the_ordinary_is_said_and_the_ordinary_is_not(ends: Ends, tmp_path: Path) -> None:
    ends.version(ssl.TLSVersion.TLSv1_2)
    ends.server.set_ciphers("ECDHE+AES128+SHA256:!AESGCM:!AESCCM")
    cbc = converse(ends.client, ends.server)
    ends.server.set_ciphers("ECDHE+AESGCM")
    first, second = _tls(ends.replay(tmp_path, [cbc, converse(ends.client, ends.server)]))
    assert first["encrypt_then_mac"] is True
    ordinary = {"encrypt_then_mac", "extended_master_secret", "renegotiation_info", "compression", "version_offered"}
    assert not ordinary & second.keys()

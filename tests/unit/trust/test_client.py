"""Chains of clients: judged for what clients are, and worded as theirs."""

import hashlib
import json
from typing import Any

import pki
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from probe import _parsers
from probe._parsers import Batch, Observation
from probe.checks.certificate_chain import WORDINGS
from probe.engine import Engine
from probe.trust import beside
from probe.trust.chain import Chains
from probe.trust.store import Store

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
MARK = beside.MAGIC + b"\1\0\0\0"
FACTS = b'{"class":"tls","protocol":"tls","role":"client"}'


def _judge(authority: Any, *chain: pki.Issued, when: int = pki.NOW_NS) -> list[str]:
    held = {issued.sha256: issued.der for issued in chain} | {"mark": MARK}
    chains = Chains(Store((authority.pem,), host=False), held.get, _parsers)
    return [one.reason for one in chains.judge(tuple(held), None, when)]


def test_what_is_read_beside_a_chain() -> None:
    assert beside.read(MARK) == beside.Beside(client=True)
    both = beside.MAGIC + b"\2\0\0\2ab\3\0\0\1c\2\0\0\0"
    assert beside.read(both) == beside.Beside(responses=(b"ab", b""), timestamps=(b"c",))
    assert beside.read(b"\x30\x82") is None
    assert beside.read(beside.MAGIC + b"\2\0\0") == beside.Beside(responses=(b"",))


def test_a_client_s_certificate(authority: Any) -> None:
    client = pki.issue("worker 7", authority.intermediate, sans=(), usages=CLIENT)
    assert _judge(authority, client, authority.intermediate) == ["ok"]
    long = pki.issue("worker 7", authority.root, sans=(), usages=CLIENT, end=pki.NOW + 3000 * pki.DAY)
    assert _judge(authority, long) == ["ok"]


@pytest.mark.parametrize("usages", [pki.SERVER, CLIENT, (*CLIENT, *pki.SERVER)])
def test_usage(authority: Any, usages: Any) -> None:
    leaf = pki.issue("worker 7", authority.root, usages=usages)
    assert _judge(authority, leaf) == (["ok"] if ExtendedKeyUsageOID.CLIENT_AUTH in usages else ["wrong_usage"])


def test_every_other_reason(authority: Any) -> None:
    other = pki.issue("Other Root", ca=True)
    for reasons, chain in (
        (["expired"], [pki.issue("w", authority.root, usages=CLIENT, end=pki.NOW - pki.DAY)]),
        (["not_yet_valid"], [pki.issue("w", authority.root, usages=CLIENT, begin=pki.NOW + pki.DAY)]),
        (["self_signed"], [pki.issue("w", usages=CLIENT)]),
        (["missing_intermediate"], [pki.issue("w", other, usages=CLIENT)]),
        (["unknown_root"], [pki.issue("w", other, usages=CLIENT), other]),
        (["weak_key"], [pki.issue("w", authority.root, usages=CLIENT, key=pki.rsa_key(1024))]),
        (["ok", "certificate.expiring"], [pki.issue("w", authority.root, usages=CLIENT, end=pki.NOW + pki.DAY)]),
    ):
        assert _judge(authority, *chain) == reasons


def _findings(engine: Engine, *observations: Observation, certificates: list[bytes]) -> list[dict[str, Any]]:
    engine.feed(Batch(certificates=certificates, observations=list(observations)), "x.pcap")
    return [json.loads(line) for line in engine.flush().lines(99).splitlines()]


def test_findings_are_the_client_s_own_and_nothing_else_is_said() -> None:
    client = pki.issue("worker 7", usages=CLIENT, end=pki.NOW + pki.DAY)
    seen = Observation(
        FACTS,
        "8.8.4.4:443/tcp",
        chain=[client.sha256, hashlib.sha256(MARK).hexdigest()],
        first_seen=pki.NOW_NS,
        last_seen=pki.NOW_NS,
    )
    found = _findings(Engine([], Store(host=False)), seen, certificates=[client.der, MARK])
    assert [(one["check"], one["observed"]["reason"], one["severity"]) for one in found] == [
        ("mtls.certificate", "certificate.expiring", "medium"),
        ("mtls.certificate", "self_signed", "low"),
    ]
    assert found[1]["title"] == "Client: Self-signed certificate: CN=worker 7"
    assert len({one["uid"] for one in found}) == 2


def test_no_record_is_made_of_what_is_beside() -> None:
    batch = Batch(certificates=[MARK])
    assert (batch.odd_certificates, batch.certificate_records) == ([], b"")


def test_rows_for_clients_have_a_row_for_servers() -> None:
    rows = {reason for reason, _ in WORDINGS}
    assert {row.removeprefix("client.") for row in rows if row.startswith("client.")} <= rows

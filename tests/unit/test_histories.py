"""What is only to be seen over several observations, from the ledger through the checks to findings."""

import itertools
import json
from typing import Any

import pki
import pytest

from probe._parsers import Batch, Observation
from probe.engine import Engine
from probe.trust.store import Store

SECOND = 10**9
TLS = {"class": "tls", "protocol": "tls", "tls.version": "TLSv1.2", "tls.certificates": True}
CLEAR = {"class": "plaintext", "protocol": "smtp"}
FLOW = f"1:{'a' * 27}="


def _seen(facts: dict[str, Any], at: float, issued: pki.Issued | None = None, **more: Any) -> Observation:
    begin = pki.NOW_NS + int(at * SECOND)
    chain = [] if issued is None else [issued.sha256]
    more = {"endpoint": "10.0.0.1:443/tcp", "samples": [(FLOW, int(at) + 1)], **more}
    encoded = json.dumps(facts, separators=(",", ":")).encode()
    return Observation(encoded, chain=chain, first_seen=begin, last_seen=begin + SECOND, **more)


def _found(*batches: Batch, checks: tuple[str, ...], passes: bool = False) -> list[dict[str, Any]]:
    engine = Engine([], Store(host=False), passes=passes)
    for batch in batches:
        engine.feed(batch, "x.pcap")
    found = [json.loads(line) for line in engine.flush().lines(99).splitlines()]
    return [one for one in found if one["check"] in checks]


@pytest.fixture(scope="module")
def two() -> tuple[pki.Issued, pki.Issued]:
    return pki.issue("a.example", pki.issue("First Root", ca=True)), pki.issue("a.example", pki.issue("Other", ca=True))


def test_a_change_is_one_finding_with_the_frames_of_both(two: tuple[pki.Issued, pki.Issued]) -> None:
    first, second = two
    seen = [_seen(TLS, 1, first), _seen(TLS, 5, first), _seen(TLS, 9, second)]
    (finding,) = _found(Batch(certificates=[first.der, second.der], observations=seen), checks=("certificate.changed",))
    assert finding["title"] == "Certificate of another issuer: CN=Other after CN=First Root"
    assert finding["observed"]["from"]["sha256"] == first.sha256
    assert (finding["count"], finding["evidence"]["frames"]) == (3, ["x.pcap#2"])
    assert finding["endpoint"] == "10.0.0.1:443/tcp"


def test_the_order_and_the_batches_in_which_observations_come_do_not_matter(two: tuple[pki.Issued, pki.Issued]) -> None:
    first, second = two
    seen = [_seen(TLS, 1, first), _seen(TLS, 9, second), _seen(CLEAR, 20), _seen(TLS, 3, first, name="a.example")]
    reports = set()
    for order in itertools.permutations(seen):
        for cut in (2, 4):
            ders = [first.der, second.der]
            batches = [Batch(certificates=ders, observations=list(order[:cut])), Batch(observations=list(order[cut:]))]
            reports.add(json.dumps(_found(*batches, checks=("certificate.changed", "plaintext.after_tls"))))
    assert len(reports) == 1
    assert [one["check"] for one in json.loads(reports.pop())] == ["certificate.changed", "plaintext.after_tls"]


def test_names_at_one_endpoint_are_apart(two: tuple[pki.Issued, pki.Issued]) -> None:
    first, second = two
    seen = [_seen(TLS, 1, first, name="a.example"), _seen(TLS, 9, second, name="b.example")]
    batch = Batch(certificates=[first.der, second.der], observations=seen)
    assert _found(batch, checks=("certificate.changed",), passes=True) == []


def test_a_certificate_that_only_python_reads_is_known_by_its_record() -> None:
    odd = pki.issue("a.example", pki.issue("Root", ca=True), key=pki.ec.generate_private_key(pki.ec.SECP224R1()))
    plain = pki.issue("a.example", pki.issue("Other", ca=True))
    seen = [_seen(TLS, 1, odd), _seen(TLS, 9, plain)]
    (finding,) = _found(Batch(certificates=[odd.der, plain.der], observations=seen), checks=("certificate.changed",))
    assert finding["title"] == "Certificate of another issuer: CN=Other after CN=Root"


def test_one_key_at_two_endpoints_is_told_at_both() -> None:
    key, root = pki.ec.generate_private_key(pki.ec.SECP256R1()), pki.issue("Root", ca=True)
    one, other = pki.issue("a.example", root, key=key), pki.issue("b.example", root, key=key)
    seen = [_seen(TLS, 1, one), _seen(TLS, 2, other, endpoint="10.0.0.2:443/tcp")]
    found = _found(Batch(certificates=[one.der, other.der], observations=seen), checks=("certificate.key_reuse",))
    assert [finding["endpoint"] for finding in found] == ["10.0.0.1:443/tcp", "10.0.0.2:443/tcp"]
    assert found[0]["observed"]["how"] == "certificates"
    assert {finding["severity"] for finding in found} == {"medium"}


def test_one_certificate_at_two_endpoints_is_nothing(two: tuple[pki.Issued, pki.Issued]) -> None:
    seen = [_seen(TLS, 1, two[0]), _seen(TLS, 2, two[0], endpoint="10.0.0.2:443/tcp")]
    batch = Batch(certificates=[two[0].der], observations=seen)
    assert _found(batch, checks=("certificate.key_reuse", "certificate.changed"), passes=True) == []


def test_a_long_run_remembers_and_tells_once(two: tuple[pki.Issued, pki.Issued]) -> None:
    first, second = two
    engine, told = Engine([], Store(host=False)), []
    for at, issued in ((1, first), (2, first), (3, second), (4, second), (5, first)):
        ders = [first.der, second.der] if at == 1 else []
        engine.feed(Batch(certificates=ders, observations=[_seen(TLS, at, issued)]), "live")
        lines = engine.flush().lines(99).splitlines()
        told.append([one["title"] for one in map(json.loads, lines) if one["check"] == "certificate.changed"])
    assert [len(titles) for titles in told] == [0, 0, 1, 0, 0]

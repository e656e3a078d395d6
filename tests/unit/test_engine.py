"""The engine on batches made by hand: counting, merging, order, bounds."""

from collections.abc import Callable
from typing import Any

import msgspec
import pki
import pytest
from fake_core import Batch, flow_id, observation

from probe.engine import Engine
from probe.model import Finding
from probe.policy.load import load
from probe.trust.store import Store

OLD_TLS = {"class": "tls", "tls.version": "TLSv1.0", "tls.resumed": True}
S = 10**9


def _engine(**options: Any) -> Engine:
    return Engine(load(), Store(host=False), **options)


def _flush(engine: Engine) -> list[Finding]:
    return msgspec.json.Decoder(Finding).decode_lines(engine.flush().lines(1000))


def test_batches_are_merged_into_one_finding() -> None:
    engine = _engine()
    a, b, c, d = map(flow_id, "abcd")
    first = observation(OLD_TLS, count=3, first_seen=5 * S, last_seen=9 * S, samples=[(a, 4), (b, 5)])
    second = observation(OLD_TLS, count=2, first_seen=2 * S, last_seen=7 * S, samples=[(b, 4), (c, 5), (d, 6)])
    engine.feed(Batch(observations=[first]), "a.pcap")
    engine.feed(Batch(observations=[second]), "b.pcap")
    [finding] = [finding for finding in _flush(engine) if finding.check == "tls.version"]
    times = "1970-01-01T00:00:02.000000Z", "1970-01-01T00:00:09.000000Z"
    assert (finding.count, finding.first_seen, finding.last_seen) == (5, *times)
    assert finding.evidence.flows == [a, b]
    assert finding.evidence.frames == ["a.pcap#4", "a.pcap#5", "b.pcap#4"]
    assert _flush(engine) == []


def test_endpoints_and_names_are_told_apart() -> None:
    engine = _engine()
    places = [("10.0.0.1:443/tcp", None), ("10.0.0.2:443/tcp", None), ("10.0.0.1:443/tcp", "a.example")]
    engine.feed(
        Batch(observations=[observation(OLD_TLS, endpoint=endpoint, name=name) for endpoint, name in places]), "x"
    )
    findings = [finding for finding in _flush(engine) if finding.check == "tls.version"]
    assert len({finding.uid for finding in findings}) == 3


def test_the_worst_come_first_and_the_order_of_arrival_does_not_matter() -> None:
    observations = [
        observation({"class": "plaintext", "protocol": protocol}, endpoint=f"10.0.0.{n}:1/tcp")
        for n, protocol in enumerate(["http", "telnet", "redis", "unheard-of"])
    ]
    results = []
    for order in (observations, observations[::-1]):
        engine = _engine()
        engine.feed(Batch(observations=order), "x")
        results.append([(finding.severity, finding.uid) for finding in _flush(engine)])
    assert results[0] == results[1]
    assert [severity for severity, _ in results[0]] == ["high", "medium", "medium", "low"]


def test_facts_are_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = _engine()
    engine.feed(Batch(observations=[observation(OLD_TLS)]), "x")
    monkeypatch.setattr(Engine, "_judge", None)
    engine.feed(Batch(observations=[observation(OLD_TLS, endpoint="10.9.9.9:1/tcp")]), "x")
    assert {finding.endpoint for finding in _flush(engine)} == {"10.0.0.1:443/tcp", "10.9.9.9:1/tcp"}


def test_passes_only_on_request() -> None:
    facts = {"class": "plaintext", "protocol": "dns"}
    for passes, expected in ((False, []), (True, ["pass"])):
        engine = _engine(passes=passes)
        engine.feed(Batch(observations=[observation(facts)]), "x")
        assert [finding.status for finding in _flush(engine)] == expected


@pytest.fixture
def tls() -> Callable[..., Any]:
    def make(leaf: pki.Issued, authority: Any, **rest: Any) -> Batch:
        chain = [leaf, authority.intermediate]
        facts = {"class": "tls", "tls.version": "TLSv1.2", "tls.certificates": [issued.sha256 for issued in chain]}
        return Batch(
            certificates=[issued.der for issued in chain],
            observations=[observation(facts, chain=facts["tls.certificates"], **rest)],
        )

    return make


def _reasons(engine: Engine) -> list[str]:
    return [finding.observed["reason"] for finding in _flush(engine) if finding.check == "certificate.chain"]


def test_chains_are_judged_at_the_time_of_the_packet_unless_told_otherwise(
    authority: Any, tls: Callable[..., Batch]
) -> None:
    leaf = pki.issue("www.test.example", authority.intermediate)
    later = pki.NOW_NS + 200 * 86_400 * S
    for first_seen, at, expected in (
        (pki.NOW_NS, None, []),
        (later, None, ["expired"]),
        (pki.NOW_NS, later, ["expired"]),
        (later, pki.NOW_NS, []),
    ):
        engine = Engine(load(), Store((authority.pem,), host=False), at=at)
        records = engine.feed(tls(leaf, authority, name="www.test.example", first_seen=first_seen), "x")
        hashes = [msgspec.json.decode(line)["sha256"] for line in records.splitlines()]
        assert hashes == [leaf.sha256, authority.intermediate.sha256]
        assert _reasons(engine) == expected


def test_one_finding_for_each_reason(authority: Any, tls: Callable[..., Batch]) -> None:
    leaf = pki.issue("other.example", authority.intermediate, end=pki.NOW - pki.DAY)
    engine = Engine(load(), Store((authority.pem,), host=False))
    engine.feed(tls(leaf, authority, name="www.test.example", first_seen=pki.NOW_NS, count=4), "x")
    findings = _flush(engine)
    assert sorted(finding.observed["reason"] for finding in findings) == ["expired", "wrong_name"]
    assert [finding.count for finding in findings] == [4, 4]
    assert len({finding.uid for finding in findings}) == 2


def test_facts_that_are_no_strings_do_not_raise() -> None:
    odd = {"class": "tls", "tls.version": 7, "tls.suite": ["x"], "tls.dh_bits": "many", "tls.certificates": []}
    engine = _engine(passes=True)
    engine.feed(Batch(observations=[observation(odd)]), "x")
    assert _flush(engine)

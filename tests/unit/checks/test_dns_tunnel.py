from typing import Any

from probe.checks.dns_tunnel import judge

TUNNEL = {
    "client": "10.0.0.5",
    "domain": "relay.example",
    "score": 0.53,
    "first_alert": "2026-11-23T10:00:00.000000Z",
    "bytes_estimated": 4096,
    "why": {"volume": 0.43, "labels": 0.1},
}
FACTS: dict[str, Any] = {"dns.tunnel": TUNNEL, "dns.volume": "day", "dns.queries": 12, "dns.names": 10}


def test_one_finding_for_client_and_domain() -> None:
    (verdict,) = judge(FACTS)
    assert (verdict.check, verdict.status, verdict.severity, verdict.evidence) == (
        "dns.tunnel",
        "fail",
        "high",
        "inferred",
    )
    assert verdict.title == "Data tunnelled through DNS: 10.0.0.5 asks for names below relay.example"
    assert verdict.observed == {"dns.volume": "day", "dns.queries": 12, "dns.names": 10}
    assert verdict.key == {"client": "10.0.0.5", "domain": "relay.example"}
    assert verdict.details == TUNNEL


def test_more_evidence_is_critical() -> None:
    (verdict,) = judge({**FACTS, "dns.tunnel": {**TUNNEL, "score": 0.6}})
    assert verdict.severity == "critical"


def test_nothing_else_is_judged() -> None:
    assert judge({"class": "plaintext", "protocol": "dns"}) == []

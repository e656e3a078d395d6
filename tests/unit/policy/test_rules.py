"""How a rule is applied: every condition, applicability, and what it says."""

from typing import Any

import pytest

from probe.policy.rules import Rule, RuleText, derive, fill


def _rule(**condition: Any) -> Rule:
    base: dict[str, Any] = {
        "id": "R",
        "fact": "tls.version",
        "level": "should",
        "clause": "9",
        "title": "t {tls.version}",
        "remediation": "r",
    }
    return Rule("p", RuleText(**{**base, **condition}))


@pytest.mark.parametrize(
    ("condition", "good", "bad"),
    [
        ({"in_": ["a", "b"]}, "a", "c"),
        ({"not_in": ["a", "b"]}, "c", "a"),
        ({"not_in": [1]}, 2, 1),
        ({"equals": True}, True, False),
        ({"min": 2048}, 2048, 2047),
        ({"max": 3}, 3, 4),
        ({"none_of": ["x"]}, ["y"], ["y", "x"]),
        ({"in_": ["x"]}, ["y", "x"], ["y"]),
        ({"present": False}, None, "x"),
    ],
)
def test_conditions(condition: dict[str, Any], good: Any, bad: Any) -> None:
    rule = _rule(**condition)
    assert rule.judge({} if good is None else {"tls.version": good}, passes=False) is None
    verdict = rule.judge({"tls.version": bad}, passes=False)
    assert verdict is not None
    assert (verdict.status, verdict.severity, verdict.observed) == ("warn", "medium", {"tls.version": bad})


def test_what_was_not_seen_is_not_judged() -> None:
    assert _rule(in_=["a"]).judge({}, passes=True) is None
    verdict = _rule(present=True).judge({}, passes=False)
    assert verdict is not None
    assert verdict.status == "warn"


def test_when_needs_every_fact() -> None:
    rule = _rule(equals="x", when={"class": "tls", "tls.alpn": ["h2", "http/1.1"]})
    assert rule.judge({"tls.version": "y", "class": "tls"}, passes=False) is None
    assert rule.judge({"tls.version": "y", "class": "tls", "tls.alpn": "h3"}, passes=False) is None
    assert rule.judge({"tls.version": "y", "class": "tls", "tls.alpn": "h2"}, passes=False) is not None


def test_passes_only_on_request() -> None:
    rule = _rule(in_=["a"])
    verdict = rule.judge({"tls.version": "a"}, passes=True)
    assert verdict is not None
    assert (verdict.status, verdict.severity, verdict.remediation) == ("pass", "info", None)


@pytest.mark.parametrize(
    ("level", "status", "severity"),
    [("must", "fail", "high"), ("should_not", "warn", "medium"), ("may", "warn", "info")],
)
def test_severity_follows_the_level(level: str, status: str, severity: str) -> None:
    rule = _rule(in_=["a"], level=level)
    assert (rule.status, rule.severity) == (status, severity)
    assert _rule(in_=["a"], level=level, severity="low").severity == "low"


def test_a_rule_on_the_suite_s_properties_shows_the_suite() -> None:
    rule = _rule(fact="tls.suite.properties", check="tls.suite", none_of=["rc4"], title="{tls.suite}")
    verdict = rule.judge(derive({"tls.suite": "TLS_RSA_WITH_RC4_128_SHA"}), passes=False)
    assert verdict is not None
    assert verdict.observed == verdict.key == {"tls.suite": "TLS_RSA_WITH_RC4_128_SHA"}
    assert verdict.title == "TLS_RSA_WITH_RC4_128_SHA"


def test_titles_are_written_for_people() -> None:
    facts = {"tls.version": "DTLSv1.0", "tls.dh_bits": 1024, "tls.alpn": ["a", "b"]}
    assert fill("{tls.version}, {tls.dh_bits}, {tls.alpn}, {ike.ke}", facts) == "DTLS 1.0, 1024, a, b, ?"

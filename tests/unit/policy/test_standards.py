"""Every shipped standard: it loads, its names exist, each rule can be met and broken, and literal cases by hand."""

# ruff: noqa: E501 - tables are easier to read by rows

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from probe.policy.load import Policy, catalogues, expect, load, named, shipped
from probe.policy.rules import CONDITIONS, Rule, derive
from probe.policy.suites import properties

REGISTRY = Path(__file__).parents[3] / "scripts" / "iana" / "tls.csv"
RULES = [rule for policy in load(["all"]) for rule in policy.rules]
FACTS_IN = {"tls.suite": "cipher_suite", "tls.group": "group", "tls.signature_scheme": "signature_scheme"}


def _names(registry: str) -> set[str]:
    with REGISTRY.open(newline="") as file:
        return {row["name"] for row in csv.DictReader(file) if row["registry"] == registry}


def _listed(rule: Rule) -> list[Any]:
    return [value for key in ("in_", "not_in", "none_of") if isinstance(value := getattr(rule.text, key), list)]


@pytest.mark.parametrize("policy", load(["all"]), ids=lambda policy: policy.id)
def test_every_policy_says_whose_it_is_and_how_that_is_known(policy: Policy) -> None:
    assert policy.grade in ("primary", "secondary")
    assert policy.source
    assert policy.url.startswith("https://")
    assert len({rule.text.id for rule in policy.rules}) == len(policy.rules)
    for rule in policy.rules:
        assert rule.text.clause
        assert rule.text.remediation.endswith("."), rule.text.id
        assert not rule.text.title.endswith("."), rule.text.id


def test_names_are_those_of_the_iana_registry() -> None:
    rules = [*RULES, *(rule for name in named() for rule in expect(name).rules)]
    for fact, registry in FACTS_IN.items():
        names = _names(registry) | {"X25519Kyber768Draft00", "SecP256r1Kyber768Draft00"}
        for rule in rules:
            if rule.text.fact == fact:
                for values in _listed(rule):
                    assert set(values) <= names, rule.text.id


def test_properties_of_suites_are_words_that_exist() -> None:
    words = {word for suite in _names("cipher_suite") for word in properties(suite)}
    for rule in RULES:
        if rule.text.fact == "tls.suite.properties":
            assert set(_listed(rule)[0]) <= words


def _pass_and_fail(rule: Rule) -> tuple[Any, Any]:
    """A value that meets the condition and one that does not."""
    text = rule.text
    [condition] = [key for key in CONDITIONS if getattr(text, key) is not UNSET]
    value = getattr(text, condition)
    other = 0 if value and isinstance(value, list) and isinstance(value[0], int) else "nothing of the kind"
    return {
        "in_": lambda: (value[-1], other),
        "not_in": lambda: (other, value[-1]),
        "none_of": lambda: ([], [value[-1]]),
        "equals": lambda: (value, not value),
        "min": lambda: (value, value - 1),
        "max": lambda: (value, value + 1),
        "present": lambda: ("x", None) if value else (None, "x"),
    }[condition]()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.policy}:{rule.text.id}")
def test_each_rule_can_be_met_and_broken(rule: Rule) -> None:
    good, bad = _pass_and_fail(rule)
    when = {fact: values[0] if isinstance(values, list) else values for fact, values in rule.text.when.items()}
    when.pop(rule.text.fact, None)
    if rule.text.fact in rule.text.when and rule.text.fact in ("tls.version", "class"):
        allowed = rule.text.when[rule.text.fact]
        allowed = allowed if isinstance(allowed, list) else [allowed]
        verdicts = [rule.judge({**when, rule.text.fact: value}, passes=True) for value in allowed]
        assert any(verdict is not None and verdict.status != "pass" for verdict in verdicts)
        return
    passed = rule.judge({**when, rule.text.fact: good} if good is not None else when, passes=True)
    assert passed is not None
    assert passed.status == "pass"
    broken = rule.judge({**when, rule.text.fact: bad} if bad is not None else when, passes=True)
    assert broken is not None
    assert (broken.status, broken.severity) == (rule.status, rule.severity)
    assert "{" not in broken.title


ECDHE_GCM = {
    "class": "tls",
    "tls.version": "TLSv1.2",
    "tls.suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "tls.group": "secp256r1",
    "tls.compression": "NULL",
    "tls.extended_master_secret": True,
    "tls.renegotiation_info": True,
    "tls.encrypt_then_mac": False,
}
TLS13 = {"class": "tls", "tls.version": "TLSv1.3", "tls.suite": "TLS_AES_128_GCM_SHA256", "tls.group": "x25519"}
X25519 = {**ECDHE_GCM, "tls.group": "x25519"}
OLD = {**ECDHE_GCM, "tls.version": "TLSv1.0", "tls.suite": "TLS_RSA_WITH_AES_128_CBC_SHA"}
OLD.pop("tls.group")
CHACHA = {**TLS13, "tls.suite": "TLS_CHACHA20_POLY1305_SHA256"}
HYBRID = {**TLS13, "tls.group": "X25519MLKEM768"}
TOP = {**TLS13, "tls.suite": "TLS_AES_256_GCM_SHA384", "tls.group": "SecP384r1MLKEM1024"}
P384 = {**TLS13, "tls.suite": "TLS_AES_256_GCM_SHA384", "tls.group": "secp384r1"}
RC4 = {**ECDHE_GCM, "tls.suite": "TLS_ECDHE_RSA_WITH_RC4_128_SHA"}
DHE1024 = {**ECDHE_GCM, "tls.suite": "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "tls.dh_bits": 1024}
DHE1024.pop("tls.group")
CBC = {**ECDHE_GCM, "tls.suite": "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"}


@pytest.mark.parametrize(
    ("policy", "facts", "day", "expected"),
    [
        ("nist-sp-800-52r2", ECDHE_GCM, "2023-12-31", []),
        ("nist-sp-800-52r2", ECDHE_GCM, "2024-01-01", ["NIST52-TLS13 warn info"]),
        ("nist-sp-800-52r2", X25519, "2020-01-01", ["NIST52-GROUP warn medium"]),
        ("nist-sp-800-52r2", TLS13, "2026-01-01", ["NIST52-GROUP warn medium"]),
        ("nist-sp-800-52r2", P384, "2026-01-01", []),
        ("nist-sp-800-52r2", {**P384, "tls.suite": "TLS_CHACHA20_POLY1305_SHA256"}, "2026-01-01", ["NIST52-SUITE-13 fail high"]),
        ("nist-sp-800-52r2", OLD, "2026-01-01", ["NIST52-VERSION fail high", "NIST52-STATIC-RSA warn medium", "NIST52-ENCRYPT-THEN-MAC fail medium"]),
        ("nist-sp-800-52r2", RC4, "2020-01-01", ["NIST52-SUITE-12 fail high"]),
        ("nist-sp-800-52r2", CBC, "2020-01-01", ["NIST52-ENCRYPT-THEN-MAC fail medium"]),
        ("nist-sp-800-52r2", {**ECDHE_GCM, "tls.extended_master_secret": False}, "2020-01-01", ["NIST52-EXTENDED-MASTER-SECRET fail medium"]),
        ("nist-sp-800-52r2", {**ECDHE_GCM, "tls.renegotiation_info": False}, "2020-01-01", ["NIST52-RENEGOTIATION fail medium"]),
        ("nist-sp-800-52r2", {**ECDHE_GCM, "tls.compression": "DEFLATE"}, "2020-01-01", ["NIST52-COMPRESSION fail high"]),
        ("bsi-tr-02102-2", ECDHE_GCM, "2026-01-01", []),
        ("bsi-tr-02102-2", X25519, "2026-01-01", ["BSI-GROUP fail medium"]),
        ("bsi-tr-02102-2", CHACHA, "2026-01-01", ["BSI-SUITE-13 fail medium", "BSI-GROUP fail medium"]),
        ("bsi-tr-02102-2", {**TLS13, "tls.group": "brainpoolP256r1tls13"}, "2026-01-01", []),
        ("bsi-tr-02102-2", DHE1024, "2026-01-01", ["BSI-DH-SIZE fail medium"]),
        ("bsi-tr-02102-2", {**DHE1024, "tls.dh_bits": 2048}, "2026-01-01", ["BSI-DH-SIZE fail medium"]),
        ("bsi-tr-02102-2", {**DHE1024, "tls.dh_bits": 3072}, "2026-01-01", []),
        ("bsi-tr-02102-2", OLD, "2026-01-01", ["BSI-VERSION fail high", "BSI-FORWARD-SECRECY warn medium", "BSI-ENCRYPT-THEN-MAC warn medium"]),
        ("cnsa-1.0", P384, "2026-01-01", []),
        ("cnsa-1.0", ECDHE_GCM, "2026-01-01", ["CNSA1-SUITE-12 fail high", "CNSA1-GROUP fail high"]),
        ("cnsa-1.0", TLS13, "2026-01-01", ["CNSA1-SUITE-13 fail high", "CNSA1-GROUP fail high"]),
        ("cnsa-1.0", {**P384, "tls.signature_scheme": "ecdsa_secp256r1_sha256"}, "2026-01-01", ["CNSA1-SIGNATURE fail high"]),
        ("cnsa-2.0", TOP, "2034-01-01", []),
        ("cnsa-2.0", P384, "2024-12-31", []),
        ("cnsa-2.0", P384, "2026-01-01", ["CNSA2-GROUP warn medium"]),
        ("cnsa-2.0", P384, "2033-01-01", ["CNSA2-GROUP-EXCLUSIVE fail high"]),
        ("cnsa-2.0", ECDHE_GCM, "2026-01-01", ["CNSA2-VERSION warn medium", "CNSA2-SUITE fail high"]),
        ("pci-dss-4.0.1", ECDHE_GCM, "2026-01-01", []),
        ("pci-dss-4.0.1", OLD, "2026-01-01", ["PCI-4.2.1-VERSION fail high"]),
        ("pci-dss-4.0.1", RC4, "2026-01-01", ["PCI-4.2.1-SUITE fail high"]),
        ("pci-dss-4.0.1", DHE1024, "2026-01-01", ["PCI-4.2.1-DH-SIZE fail high"]),
        ("pci-dss-4.0.1", {"class": "plaintext", "protocol": "http"}, "2026-01-01", ["PCI-4.2.1-PLAINTEXT warn medium"]),
        ("mozilla-modern", TLS13, "2026-01-01", []),
        ("mozilla-modern", X25519, "2026-01-01", ["VERSION fail high", "SUITE fail high"]),
        ("mozilla-intermediate", X25519, "2026-01-01", []),
        ("mozilla-intermediate", CBC, "2026-01-01", ["SUITE fail high"]),
        ("mozilla-intermediate", DHE1024, "2026-01-01", ["DH-SIZE fail high"]),
        ("fips-140-3", ECDHE_GCM, "2026-01-01", []),
        ("fips-140-3", HYBRID, "2026-01-01", []),
        ("fips-140-3", CHACHA, "2026-01-01", ["FIPS-SUITE fail high", "FIPS-GROUP fail high"]),
        ("fips-140-3", OLD, "2026-01-01", ["FIPS-VERSION fail high", "FIPS-SUITE fail high"]),
        ("pq-readiness", HYBRID, "2026-01-01", []),
        ("pq-readiness", {**TLS13, "tls.pq_offer": "offered"}, "2026-01-01", ["PQ-GROUP warn medium"]),
        ("pq-readiness", {**TLS13, "tls.pq_offer": "not_offered"}, "2026-01-01", ["PQ-OFFER warn medium"]),
        ("pq-readiness", {**TLS13, "tls.pq_offer": "unknown"}, "2026-01-01", ["PQ-UNSEEN warn medium"]),
        ("pq-readiness", ECDHE_GCM, "2026-01-01", ["PQ-VERSION warn medium"]),
        (
            "pq-readiness",
            {**TLS13, "tls.group": "X25519Kyber768Draft00", "tls.pq_offer": "not_offered"},
            "2026-01-01",
            ["PQ-OFFER warn medium", "PQ-DRAFT warn low"],
        ),
        ("nist-ir-8547", TLS13, "2030-12-31", []),
        ("nist-ir-8547", TLS13, "2031-01-01", []),
        ("nist-ir-8547", TLS13, "2036-01-01", ["IR8547-GROUP fail high"]),
        ("nist-ir-8547", {**TLS13, "tls.group": "ffdhe2048"}, "2031-01-01", ["IR8547-112-BITS warn medium"]),
        ("nist-ir-8547", DHE1024, "2031-01-01", ["IR8547-DH-SIZE warn medium"]),
        ("nist-ir-8547", DHE1024, "2036-01-01", ["IR8547-STATIC-RSA fail high"]),
        ("nist-ir-8547", HYBRID, "2036-01-01", []),
    ],
)  # fmt: skip
def test_what_a_standard_says(policy: str, facts: dict[str, Any], day: str, expected: list[str]) -> None:
    [loaded] = load([policy])
    verdicts = loaded.judge(derive(facts), day=dt.date.fromisoformat(day))
    assert [f"{verdict.rule} {verdict.status} {verdict.severity}" for verdict in verdicts] == expected


@pytest.mark.parametrize(
    ("name", "facts", "expected"),
    [
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", TLS13, []),
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", CBC, []),
        ("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", CBC, ["SUITE"]),
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", OLD, ["VERSION", "SUITE"]),
        ("ELBSecurityPolicy-TLS13-1-0-2021-06", OLD, []),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", ECDHE_GCM, ["VERSION", "SUITE"]),
        ("ELBSecurityPolicy-2016-08", TLS13, ["VERSION", "SUITE"]),
        ("ELBSecurityPolicy-FS-1-2-Res-2019-08", ECDHE_GCM, []),
        ("TLSv1.2_2021", CBC, ["SUITE"]),
        ("TLSv1.2_2021", CHACHA, []),
        ("TLSv1.2_2025", CHACHA, ["SUITE"]),
        ("SecurityPolicy_TLS13_1_3_2025_09", ECDHE_GCM, ["VERSION", "SUITE"]),
    ],
)
def test_drift_from_a_named_policy(name: str, facts: dict[str, Any], expected: list[str]) -> None:
    verdicts = expect(name).judge(derive(facts))
    assert [verdict.rule for verdict in verdicts] == expected
    assert all(verdict.title.endswith(f"could not have been negotiated under {name}") for verdict in verdicts)


def test_names_are_used_once() -> None:
    names = [entry.id for catalogue in catalogues().values() for entry in catalogue.named]
    assert len(names) == len(set(names))
    assert not set(names) & set(shipped())

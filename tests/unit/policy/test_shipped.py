"""The shipped policies on facts as the core gives them: what each standard is known to say."""

from typing import Any

import pytest

from probe.policy.load import load
from probe.policy.rules import derive

MODERN = {
    "class": "tls",
    "tls.version": "TLSv1.2",
    "tls.suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "tls.group": "x25519",
    "tls.compression": "NULL",
    "tls.extended_master_secret": True,
    "tls.renegotiation_info": True,
    "tls.encrypt_then_mac": False,
}
TLS13 = {
    "class": "tls",
    "tls.version": "TLSv1.3",
    "tls.suite": "TLS_AES_128_GCM_SHA256",
    "tls.group": "X25519MLKEM768",
    "tls.renegotiation_info": False,
    "tls.extended_master_secret": False,
}
IKE = {
    "class": "ipsec",
    "ike.version": 2,
    "ike.encr": "ENCR_AES_GCM_16",
    "ike.prf": "PRF_HMAC_SHA2_256",
    "ike.ke": "curve25519",
}


def _rules(facts: dict[str, Any]) -> list[tuple[str | None, str, str]]:
    verdicts = [verdict for policy in load() for verdict in policy.judge(derive(facts))]
    return [(verdict.rule, verdict.status, verdict.severity) for verdict in verdicts]


@pytest.mark.parametrize("facts", [MODERN, TLS13, IKE, {"class": "tls"}, {"class": "plaintext", "protocol": "http"}])
def test_nothing_against_what_is_recommended(facts: dict[str, Any]) -> None:
    assert _rules(facts) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tls.version": "TLSv1.1"}, ("BCP195-VERSION", "fail", "high")),
        ({"tls.version": "DTLSv1.0"}, ("BCP195-VERSION", "fail", "high")),
        ({"tls.version": "SSLv3", "tls.renegotiation_info": True}, ("BCP195-VERSION-SSL", "fail", "critical")),
        ({"tls.compression": "DEFLATE"}, ("BCP195-COMPRESSION", "warn", "medium")),
        ({"tls.renegotiation_info": False}, ("BCP195-RENEGOTIATION", "fail", "medium")),
        ({"tls.extended_master_secret": False}, ("BCP195-EXTENDED-MASTER-SECRET", "fail", "low")),
        ({"tls.suite": "TLS_ECDHE_RSA_WITH_NULL_SHA"}, ("BCP195-NULL", "fail", "critical")),
        ({"tls.suite": "TLS_ECDHE_RSA_WITH_RC4_128_SHA"}, ("BCP195-RC4", "fail", "high")),
        ({"tls.suite": "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"}, ("BCP195-CBC", "warn", "low")),
        ({"tls.suite": "TLS_RSA_WITH_AES_128_GCM_SHA256"}, ("BCP195-STATIC-RSA", "warn", "medium")),
        ({"tls.suite": "TLS_DH_RSA_WITH_AES_128_GCM_SHA256"}, ("BCP195-STATIC-DH", "warn", "medium")),
        ({"tls.suite": "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"}, ("BCP195-DHE", "warn", "low")),
        ({"tls.dh_bits": 1024}, ("BCP195-DH-SIZE", "fail", "high")),
        ({"tls.group": "secp192r1"}, ("BCP195-CURVE-SIZE", "fail", "high")),
    ],
)
def test_rfc9325(change: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert _rules({**MODERN, **change}) == [expected]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ike.version": 1}, ("IKE-VERSION", "fail", "high")),
        ({"ike.mode": "aggressive"}, ("IKE-AGGRESSIVE", "fail", "high")),
        ({"ike.encr": "ENCR_DES"}, ("IKE-ENCR", "fail", "critical")),
        ({"ike.encr": "ENCR_NULL"}, ("IKE-ENCR", "fail", "critical")),
        ({"ike.encr": "ENCR_3DES"}, ("IKE-ENCR-3DES", "warn", "medium")),
        ({"ike.prf": "PRF_HMAC_MD5"}, ("IKE-PRF", "fail", "high")),
        ({"ike.prf": "PRF_HMAC_SHA1"}, ("IKE-PRF-SHA1", "warn", "low")),
        ({"ike.integ": "AUTH_HMAC_MD5_96"}, ("IKE-INTEG", "fail", "high")),
        ({"ike.integ": "AUTH_HMAC_SHA1_96"}, ("IKE-INTEG-SHA1", "warn", "low")),
        ({"ike.ke": "modp768"}, ("IKE-KE", "fail", "critical")),
        ({"ike.ke": "modp1024"}, ("IKE-KE-WEAK", "fail", "high")),
        ({"ike.ke": "modp1536"}, ("IKE-KE-WEAK", "fail", "high")),
    ],
)
def test_rfc8247(change: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert _rules({**IKE, **change}) == [expected]


def test_every_rule_says_how_to_fix_it_in_a_sentence() -> None:
    for policy in load():
        for rule in policy.rules:
            assert rule.text.remediation.endswith("."), rule.text.id
            assert not rule.text.title.endswith("."), rule.text.id

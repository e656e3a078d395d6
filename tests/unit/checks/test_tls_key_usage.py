"""tls.key_usage"""

import pytest

from probe.checks.tls_key_usage import judge


@pytest.mark.parametrize(
    ("measure", "severity"), [("short_blocks", "medium"), ("aead_records", "low"), ("aead_datagrams", "low")]
)
def test_each_measure(measure: str, severity: str) -> None:
    [verdict] = judge({"class": "tls", "tls.suite": "TLS_AES_128_GCM_SHA256", "tls.key_usage": measure})
    assert (verdict.status, verdict.severity, verdict.evidence) == ("warn", severity, "inferred")
    assert "TLS_AES_128_GCM_SHA256" in verdict.title


def test_nothing_to_say() -> None:
    assert judge({"class": "tls", "tls.suite": "TLS_AES_128_GCM_SHA256"}) == []

"""esp.null_encryption"""

from probe.checks.esp_null_encryption import judge


def test_null_is_critical() -> None:
    [verdict] = judge({"class": "ipsec", "esp.null_encryption": True})
    assert (verdict.status, verdict.severity) == ("fail", "critical")


def test_encrypted_passes_and_unknown_says_nothing() -> None:
    assert [verdict.status for verdict in judge({"esp.null_encryption": False})] == ["pass"]
    assert judge({"class": "ipsec"}) == []

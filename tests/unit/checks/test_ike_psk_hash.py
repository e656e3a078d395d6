"""ike.psk_hash"""

from probe.checks.ike_psk_hash import judge


def test_a_readable_hash_fails() -> None:
    [verdict] = judge({"ike.mode": "aggressive", "ike.psk_hash_exposed": True})
    assert (verdict.status, verdict.severity) == ("fail", "high")


def test_aggressive_mode_with_certificates_is_another_matter() -> None:
    assert judge({"ike.mode": "aggressive"}) == []

"""tls.psk_mode"""

from probe.checks.tls_psk_mode import judge


def test_a_key_alone() -> None:
    [verdict] = judge({"class": "tls", "tls.version": "TLSv1.3", "tls.psk_mode": "psk_ke"})
    assert (verdict.status, verdict.severity, verdict.key) == ("warn", "medium", {"tls.psk_mode": "psk_ke"})


def test_a_key_with_an_exchange_and_none_at_all() -> None:
    assert judge({"class": "tls", "tls.psk_mode": "psk_dhe_ke"}) == []
    assert judge({"class": "tls", "tls.version": "TLSv1.3"}) == []

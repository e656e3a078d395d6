"""tls.starttls_stripped: what became of the chance of TLS."""

import pytest

from probe.checks.tls_starttls_stripped import judge


@pytest.mark.parametrize(
    ("chance", "status", "severity", "title"),
    [
        ("mangled", "fail", "high", "STARTTLS overwritten on the way: smtp"),
        ("refused", "warn", "medium", "TLS asked for and refused, then in the clear: smtp"),
        ("offered", "warn", "low", "TLS offered and not used: smtp"),
    ],
)
def test_each(chance: str, status: str, severity: str, title: str) -> None:
    (verdict,) = judge({"class": "plaintext", "protocol": "smtp", "tls.starttls": chance})
    assert (verdict.status, verdict.severity, verdict.title) == (status, severity, title)
    assert verdict.observed == {"tls.starttls": chance, "protocol": "smtp"}


def test_without_a_chance_nothing_is_said() -> None:
    assert judge({"class": "plaintext", "protocol": "smtp"}) == []
    assert judge({"class": "tls", "protocol": "tls", "starttls": "smtp"}) == []

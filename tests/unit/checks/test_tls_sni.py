"""tls.sni: a ClientHello without a name, to a public address."""

from typing import Any

import pytest

from probe.checks.tls_sni import judge

NAMELESS = {"class": "tls", "protocol": "tls", "tls.sni_offered": False}


def test_a_nameless_client_is_told_of_at_public_addresses() -> None:
    (verdict,) = judge(NAMELESS)
    assert (verdict.status, verdict.severity, verdict.public_only) == ("warn", "low", True)


@pytest.mark.parametrize(
    "facts",
    [
        {"class": "tls", "protocol": "tls"},
        {**NAMELESS, "protocol": "dtls"},
        {**NAMELESS, "protocol": "quic"},
        {**NAMELESS, "starttls": "postgresql"},
    ],
)
def test_others_are_not(facts: dict[str, Any]) -> None:
    assert judge(facts) == []

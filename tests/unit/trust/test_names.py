"""Names after RFC 9525, with what real certificates and clients hold."""

from typing import Any

import pki
import pytest

from probe.trust.names import matches


@pytest.mark.parametrize(
    ("san", "name", "expected"),
    [
        ("www.example", "www.example", True),
        ("www.example", "WWW.Example", True),
        ("www.example", "www.example.", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("xn--bcher-kva.example", "bücher.example", True),
        ("my_host.example", "my_host.example", True),
        ("www.example", "not a name\x00", None),
        ("www.example", "", None),
        ("www.example", "a" * 300, None),
        ("www.example", "192.0.2.1", False),
    ],
)
def test_dns(san: str, name: str, expected: bool | None) -> None:
    assert matches(pki.issue("x.example", sans=(san,)).certificate, name) is expected


def test_one_odd_name_does_not_spoil_the_others(authority: Any) -> None:
    certificate = pki.issue("x.example", authority.root, sans=("*.*.example", "good.example")).certificate
    assert matches(certificate, "good.example") is True

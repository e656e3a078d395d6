"""Names after RFC 9525, with what real certificates and clients hold."""

from typing import Any

import pki
import pytest

from probe.trust.certificates import parse
from probe.trust.names import is_listed, matches


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
        ("192.0.2.1", "192.0.2.1", False),
        ("-bad.example", "-bad.example", True),
    ],
)
def test_dns(san: str, name: str, expected: bool | None) -> None:
    assert matches(pki.issue("x.example", sans=(san,)).certificate, name) is expected


def test_one_odd_name_does_not_spoil_the_others(authority: Any) -> None:
    certificate = pki.issue("x.example", authority.root, sans=("*.*.example", "good.example")).certificate
    assert matches(certificate, "good.example") is True


@pytest.mark.parametrize("name", ["www.example", "*.example", "b.example", "10.0.0.1", "WWW.example"])
def test_a_name_that_stands_there_letter_for_letter_needs_no_library(name: str) -> None:
    """The short cut never accepts what the library does not."""
    issued = pki.issue("x.example", sans=("a.example", "www.example", "*.example", "10.0.0.1"))
    listed = is_listed(parse(issued.sha256, issued.der).record.sans, name)
    assert listed is (name == "www.example")
    assert not listed or matches(issued.certificate, name)

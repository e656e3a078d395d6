"""certificate.wildcard: its words; what is found is in tests/unit/trust/test_signs.py."""

from test_certificate_chain import _worded


def test_the_title_names_the_wildcard() -> None:
    finding = _worded("certificate.wildcard", "*.com covers everything that is registered below com")
    assert (finding.status, finding.severity) == ("warn", "medium")
    assert finding.title.endswith("nothing: *.com covers everything that is registered below com")

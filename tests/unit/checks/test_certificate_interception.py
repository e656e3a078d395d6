"""certificate.interception: its words; what is found is in tests/unit/trust/test_signs.py."""

from test_certificate_chain import _worded


def test_the_title_names_the_product() -> None:
    finding = _worded("certificate.interception", "Zscaler")
    assert (finding.status, finding.severity) == ("warn", "medium")
    assert finding.title.endswith("reads along inside TLS: Zscaler")

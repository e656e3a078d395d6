"""plaintext.protocol"""

import pytest

from probe.checks.plaintext_protocol import judge


@pytest.mark.parametrize(
    ("protocol", "status", "severity", "title"),
    [
        ("telnet", "fail", "high", "Telnet in the clear"),
        ("ftp", "fail", "high", "FTP in the clear"),
        ("postgresql", "fail", "medium", "PostgreSQL in the clear"),
        ("http", "warn", "medium", "HTTP in the clear"),
        ("dns", "pass", "info", "DNS in the clear, as is usual"),
        ("icmpv6", "pass", "info", "ICMPv6 in the clear, as is usual"),
        ("something-new", "warn", "low", "something-new in the clear"),
        ("", "warn", "low", "Readable content in the clear"),
    ],
)
def test_by_protocol(protocol: str, status: str, severity: str, title: str) -> None:
    facts = {"class": "plaintext", "protocol": protocol} if protocol else {"class": "plaintext"}
    [verdict] = judge(facts)
    assert (verdict.status, verdict.severity, verdict.title, verdict.observed) == (status, severity, title, facts)
    assert (verdict.remediation is None) == (status == "pass")


@pytest.mark.parametrize("class_", ["tls", "ipsec", "encrypted", "unknown"])
def test_other_classes_are_not_judged(class_: str) -> None:
    assert judge({"class": class_, "protocol": "http"}) == []

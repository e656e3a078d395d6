"""tls.downgrade"""

from typing import Any

import pytest

from probe.checks.tls_downgrade import judge


def facts(offered: str, version: str | None = None, **more: Any) -> dict[str, Any]:
    chosen = {"tls.version": version} if version else {}
    return {
        "class": "tls",
        "tls.version_offered": offered,
        **chosen,
        **{f"tls.{key}": value for key, value in more.items()},
    }


@pytest.mark.parametrize(
    ("seen", "reason", "status", "severity"),
    [
        (facts("TLSv1.3", "TLSv1.2", downgrade_sentinel="TLSv1.3"), "sentinel", "fail", "critical"),
        (facts("TLSv1.3", "TLSv1.0", downgrade_sentinel="TLSv1.2"), "sentinel", "fail", "critical"),
        (facts("DTLSv1.2", "DTLSv1.0", downgrade_sentinel="TLSv1.2"), "sentinel", "fail", "critical"),
        (facts("TLSv1.1", "TLSv1.1", fallback_scsv=True), "fallback", "warn", "medium"),
        (facts("TLSv1.1", alert="inappropriate_fallback", fallback_scsv=True), "fallback_refused", "warn", "low"),
    ],
)
def test_reasons(seen: dict[str, Any], reason: str, status: str, severity: str) -> None:
    [verdict] = judge(seen)
    assert (verdict.observed["reason"], verdict.status, verdict.severity) == (reason, status, severity)


@pytest.mark.parametrize(
    "seen",
    [
        facts("TLSv1.3", "TLSv1.3"),
        facts("TLSv1.3", "TLSv1.2"),
        # The client can do no more: the server says what it could have done, as it must.
        facts("TLSv1.2", "TLSv1.2", downgrade_sentinel="TLSv1.3"),
        # Only one step is proven: nobody knows that the server can do 1.3.
        facts("TLSv1.1", "TLSv1.0", downgrade_sentinel="TLSv1.2"),
        facts("TLSv1.1", fallback_scsv=True),
        facts("TLSv1.2", alert="handshake_failure"),
        {"class": "tls", "tls.downgrade_sentinel": "TLSv1.3"},
        {"class": "plaintext", "protocol": "http"},
    ],
)
def test_no_downgrade(seen: dict[str, Any]) -> None:
    assert judge(seen) == []


def test_the_title_says_what_both_can_do() -> None:
    [verdict] = judge(facts("TLSv1.3", "TLSv1.1", downgrade_sentinel="TLSv1.2"))
    assert verdict.title == "Downgrade: TLS 1.1 negotiated though both sides can do TLS 1.2"

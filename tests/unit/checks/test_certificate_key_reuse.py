"""certificate.key_reuse: one key in several certificates."""

from typing import Any

import pytest

from probe.checks.certificate_key_reuse import judge

PLACES = [{"endpoint": "10.0.0.1:443/tcp", "name": "a.example"}, {"endpoint": "10.0.0.2:443/tcp", "name": "b.example"}]


def _history(*sans: list[str], places: list[dict[str, str]]) -> dict[str, Any]:
    certificates = [
        {"certificate": {"sha256": str(at) * 64, "subject": f"CN={at}", "sans": names}} for at, names in enumerate(sans)
    ]
    return {"spki_sha256": "5" * 64, "certificates": certificates, "places": places}


A, B = ["dns:a.example"], ["dns:b.example"]


@pytest.mark.parametrize(
    ("history", "how", "severity"),
    [
        (_history(A, A, places=PLACES[:1]), "renewal", "low"),
        (_history(A, [*A, *B], places=PLACES[:1]), "renewal", "low"),
        (_history(A, B, places=PLACES), "certificates", "medium"),
        (_history(A, B, places=PLACES[:1]), "certificates", "low"),
        (_history([], [], places=PLACES), "certificates", "medium"),
        (_history(A, A, places=PLACES), "renewal", "low"),
    ],
)
def test_how_it_is_reused(history: dict[str, Any], how: str, severity: str) -> None:
    (verdict,) = judge(history)
    assert (verdict.observed["how"], verdict.status, verdict.severity) == (how, "warn", severity)
    assert verdict.observed["certificates"] == ["0" * 64, "1" * 64]
    assert verdict.key == {"spki_sha256": "5" * 64}

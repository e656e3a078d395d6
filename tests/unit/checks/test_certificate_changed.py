"""certificate.changed: what is told from two certificates of one endpoint and name."""

from typing import Any

import pytest

from probe.checks.certificate_changed import judge

DAY = 86_400
BEGIN = 1_700_000_000


def _seen(first: int, last: int, sha256: str, **record: Any) -> dict[str, Any]:
    certificate = {
        "sha256": sha256 * 64,
        "subject": "CN=a.example",
        "issuer": "CN=R10,O=Let's Encrypt,C=US",
        "not_before": "2023-11-10T00:00:00.000000Z",
        "not_after": "2024-02-08T00:00:00.000000Z",
        "sans": ["dns:a.example"],
        "key": {"algorithm": "ec", "bits": 256},
        "spki_sha256": sha256,
        **record,
    }
    span = {"first_seen": BEGIN + first * DAY, "last_seen": BEGIN + last * DAY, "flows": 3}
    return {**span, "certificate": certificate}


OLD = _seen(0, 60, "a")
SELF = {"subject": "CN=box", "issuer": "CN=box"}


@pytest.mark.parametrize(
    ("after", "changed", "how", "status"),
    [
        (_seen(61, 90, "b"), "renewed", "replaced", "pass"),
        (_seen(61, 90, "b", issuer="CN=E7,O=Let's Encrypt,C=US"), "renewed", "replaced", "pass"),
        (_seen(61, 90, "b", issuer="CN=GTS,O=Google Trust Services,C=US"), "issuer", "replaced", "warn"),
        (_seen(30, 90, "b", issuer="CN=GTS,O=Google Trust Services,C=US"), "issuer", "side_by_side", "warn"),
        (_seen(61, 90, "b", **SELF), "issuer", "replaced", "warn"),
        (_seen(30, 90, "b"), "renewed", "side_by_side", "pass"),
        (_seen(30, 90, "b", key={"algorithm": "rsa", "bits": 2048}), "renewed", "side_by_side", "pass"),
        (_seen(61, 90, "b", sans=["dns:b.example"]), "names", "replaced", "warn"),
        ({**_seen(61, 90, "b"), "certificate": {"sha256": "b" * 64}}, "issuer", "replaced", "warn"),
    ],
)
def test_what_changed(after: dict[str, Any], changed: str, how: str, status: str) -> None:
    (verdict,) = judge({"certificates": [OLD, after]})
    assert (verdict.observed["changed"], verdict.observed["how"], verdict.status) == (changed, how, status)
    assert (verdict.observed["from"]["sha256"], verdict.observed["to"]["sha256"]) == ("a" * 64, "b" * 64)
    assert verdict.key == {"changed": changed}


def test_with_a_server_name_other_names_are_the_business_of_wrong_name() -> None:
    (verdict,) = judge({"name": "a.example", "certificates": [OLD, _seen(61, 90, "b", sans=["dns:b.example"])]})
    assert verdict.observed["changed"] == "renewed"


def test_a_key_replaced_early() -> None:
    early = _seen(0, 3, "a")
    (verdict,) = judge({"certificates": [early, _seen(4, 90, "b")]})
    assert (verdict.observed["changed"], verdict.status, verdict.severity) == ("key", "warn", "low")
    (verdict,) = judge({"certificates": [early, _seen(4, 90, "b", spki_sha256="a")]})
    assert verdict.observed["changed"] == "renewed"


def test_self_signed_ones_vouch_for_nobody_else() -> None:
    one, other = _seen(0, 3, "a", **SELF), _seen(50, 60, "b", **SELF)
    (verdict,) = judge({"certificates": [one, other]})
    assert verdict.observed["changed"] == "issuer"
    assert verdict.title == "Certificate of another issuer: itself (CN=box) after itself (CN=box)"
    (verdict,) = judge({"certificates": [one, _seen(50, 60, "b", **SELF, spki_sha256="a")]})
    assert verdict.observed["changed"] == "renewed"


def test_of_each_kind_the_latest_is_told() -> None:
    google = {"issuer": "CN=GTS,O=Google Trust Services,C=US"}
    verdicts = judge(
        {"certificates": [OLD, _seen(61, 62, "b", **google), _seen(63, 64, "c", **google), _seen(70, 71, "d")]}
    )
    found = {verdict.observed["changed"]: verdict.observed["to"]["sha256"][0] for verdict in verdicts}
    assert found == {"issuer": "d", "renewed": "c"}

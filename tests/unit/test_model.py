"""Times and identities of the contract."""

import hashlib

import pytest

from probe.model import Verdict, finding_uid, rfc3339


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (1_795_428_000_000_123_999, "2026-11-23T10:00:00.000123Z"),
        (0, "1970-01-01T00:00:00.000000Z"),
        (-5, "1970-01-01T00:00:00.000000Z"),
        (2**64 * 1_000_000, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_rfc3339(nanoseconds: int, expected: str) -> None:
    assert rfc3339(nanoseconds) == expected


def test_uid_is_the_hash_of_canonical_json() -> None:
    verdict = Verdict(
        check="certificate.chain", status="fail", severity="high", title="t", observed={}, key={"reason": "expired"}
    )
    canonical = '["certificate.chain",null,null,"10.0.0.1:443/tcp","ü.example",{"reason":"expired"}]'
    assert finding_uid(verdict, "10.0.0.1:443/tcp", "ü.example") == hashlib.sha256(canonical.encode()).hexdigest()[:32]

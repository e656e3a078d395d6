"""Times of the contract."""

import pytest

from probe.model import rfc3339


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

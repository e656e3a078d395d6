"""Times of the capture thread."""

import pytest

from probe import clock
from probe.model import NANOSECONDS as SECOND


@pytest.mark.parametrize(("by", "told"), [(0.0, False), (1.9, False), (-1.9, False), (3600.0, True), (-86_400.0, True)])
def test_a_clock_that_was_set_is_noticed(by: float, told: bool) -> None:
    before = (1_700_000_000 * SECOND, 100.0)
    jump = clock.jumped(before[0] + int((0.2 + by) * SECOND), 100.2, before, 2.0)
    assert (jump != 0) is told
    if told:
        assert jump == pytest.approx(by * SECOND, abs=SECOND / 1000)


def test_at_most_once_in_so_many_seconds() -> None:
    every = clock.Every(10, now=100)
    assert [every(now) for now in (109, 110, 115, 121)] == [False, True, False, True]


def test_not_again_before() -> None:
    every = clock.Every(10, now=100)
    every.rest(until=150)
    assert [every(now) for now in (110, 149, 150)] == [False, False, True]

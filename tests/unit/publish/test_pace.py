"""Rates, waits and what is said of failures, with the time given."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probe.publish.pace import BURST, Backoff, Circuit, Pace


# A machine that does other things as well is slow to draw examples.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 400), min_size=20, max_size=60), st.floats(0, 0.5))
def test_never_more_than_the_rate_and_a_burst(sizes: list[int], work: float) -> None:
    """Whatever is sent, in no window are there more than the rates allow."""
    pace, now, total = Pace(5, 500, 0.0), 0.0, 0
    sent = [(0.0, 0)]
    for size in sizes:
        now += pace.wait(size, now)
        total += size
        sent.append((now, total))
        now += work
    for first in range(1, len(sent)):
        for last in range(first, len(sent)):
            seconds = sent[last][0] - sent[first][0]
            assert last - first + 1 <= 5 * (seconds + BURST) + 1 + 1e-6
            assert sent[last][1] - sent[first - 1][1] <= 500 * (seconds + BURST) + 400 + 1e-6


def test_the_clock_may_stand_or_go_back() -> None:
    pace = Pace(10, None, 100.0)
    assert [pace.wait(1, 100.0) for _ in range(2)] == [0, 0]
    assert pace.wait(1, 50.0) == pytest.approx(0.1)
    assert pace.wait(1, 50.0) == pytest.approx(0.2)
    assert Pace(None, None, 0).wait(10**9, 0) == 0


def test_waits_double_with_chance_up_to_five_minutes() -> None:
    backoff = Backoff()
    waits = [backoff.next() for _ in range(2000)]
    for number, wait in enumerate(waits):
        full = min(300.0, 2.0 ** min(number, 30))
        assert full / 2 <= wait <= full
    assert len(set(waits[20:])) > 1000
    backoff.reset()
    assert backoff.next() <= 1


def test_a_line_when_it_breaks_changes_lasts_and_ends() -> None:
    circuit = Circuit("mqtt")
    said = [circuit.failed("refused", 1, 5, float(second)) for second in range(1200)]
    assert [second for second, line in enumerate(said) if line] == [0, 600]
    assert "waiting=5: refused" in str(said[0])
    assert "timed out" in str(circuit.failed("timed out", 1, 5, 1200.0))
    assert circuit.works(1201.0) == "<5>event=publish_up end=mqtt tries=1201 after=1201s"
    assert circuit.works(1202.0) is None

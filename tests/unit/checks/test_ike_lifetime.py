"""ike.lifetime"""

import pytest

from probe.checks.ike_lifetime import MAX_HOURS, judge
from probe.model import Facts


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({"ike.sa_hours": 25}, "IKE SA in use for 25 h"),
        ({"esp.sa_hours": 300}, "ESP association in use for 300 h"),
        ({"ike.lifetime": 604_800}, "IKEv1 agreed on a lifetime of 168 h"),
    ],
)
def test_more_than_a_day_is_too_long(facts: Facts, title: str) -> None:
    assert [verdict.title for verdict in judge(facts)] == [title]


def test_a_day_is_not() -> None:
    assert judge({"ike.sa_hours": MAX_HOURS, "esp.sa_hours": MAX_HOURS, "ike.lifetime": 86_400}) == []


def test_all_have_findings_of_their_own() -> None:
    verdicts = judge({"ike.sa_hours": 99, "esp.sa_hours": 99, "ike.lifetime": 999_999})
    assert len({str(verdict.key) for verdict in verdicts}) == 3

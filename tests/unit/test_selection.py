"""Times as people write them."""

import datetime as dt

import pytest

from probe.selection import Selection, moment, select

DAY = 86_400 * 10**9
TEN = 1_795_428_000 * 10**9  # 2026-11-23T10:00:00Z, by `date -d 2026-11-23T10:00:00Z +%s`
SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "begin", "length"),
    [
        ("2026-11-23T10:00:00Z", TEN, SECOND),
        ("2026-11-23T11:00:00+01:00", TEN, SECOND),
        ("2026-11-23T11:00:00+0100", TEN, SECOND),
        ("2026-11-23 10:00:00 UTC", TEN, SECOND),
        ("2026-11-23t10:00:00z", TEN, SECOND),
        ("2026-11-23T10:00", TEN, 60 * SECOND),
        ("2026-11-23T10", TEN, 3600 * SECOND),
        ("2026-11-23", TEN - 10 * 3600 * SECOND, DAY),
        ("2026-11-23+01:00", TEN - 11 * 3600 * SECOND, DAY),
        ("2026-11-23T10:00:00.5Z", TEN + SECOND // 2, SECOND // 10),
        ("2026-11-23T10:00:00.000123Z", TEN + 123_000, 1000),
        ("2026-11-23T10:00:00.000000001Z", TEN + 1, 1),
        ("1795428000", TEN, SECOND),
        ("1795428000.25", TEN + SECOND // 4, SECOND // 100),
    ],
)
def test_a_shortened_time_is_all_of_it(text: str, begin: int, length: int) -> None:
    time = moment(text)
    assert (time.begin, time.end - time.begin) == (begin, length)
    assert time.assumed == (text in ("2026-11-23T10:00", "2026-11-23T10", "2026-11-23"))


@pytest.mark.parametrize(
    "text", ["", "soon", "10:00", "2026-13-01", "2026-11-23T25:00", "2026-11-23T10:00:00.", "12345"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write for instance 2026-11-23, "):
        moment(text)


def test_arguments_of_the_python_api() -> None:
    zone = dt.timezone(dt.timedelta(hours=1))
    selection = select("port 1", dt.datetime(2026, 11, 23, 11, tzinfo=zone), dt.datetime(2026, 11, 23, 10, 0, 0, 1))  # noqa: DTZ001
    assert selection == Selection(("port 1",), TEN, TEN + 1000)
    assert select(["port 1", "port 2"], end="2026-11-23").record() == {
        "filter": "(port 1) and (port 2)",
        "until": "2026-11-24T00:00:00.000000Z",
    }
    assert not select()

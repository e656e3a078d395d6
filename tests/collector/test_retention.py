"""What becomes of old rows, on both engines."""

from typing import Any

import pytest
from fleet import NOW, finding, message
from sqlalchemy import func, select

from collector import queries
from collector.store import retention
from collector.store.retention import DAY, EVERY, HOUR, Kept
from collector.store.store import Store
from collector.store.tables import certificates, findings, postures, sightings, streams, traffic
from collector.times import rfc3339

KEPT = Kept(48 * HOUR, 400 * DAY)


def _rollup(start: float, flows: int, size: int) -> dict[str, Any]:
    pair = {"endpoint": "10.0.0.1:443/tcp", "class": "tls", "flows": flows, "bytes": [size, 0]}
    classes = {"tls": {"flows": flows, "bytes": size}, "plaintext": {"flows": 1, "bytes": 1}}
    return {"type": "rollup", "start": rfc3339(start), "end": rfc3339(start + 60), "by_class": classes, "pairs": [pair]}


def _spans(store: Store) -> dict[int, int]:
    with store.reading() as connection:
        rows = connection.execute(select(traffic.c.span, func.count()).group_by(traffic.c.span))
        return dict(tuple(row) for row in rows)


def _carried(store: Store, endpoint: str = "") -> int:
    with store.reading() as connection:
        classes = queries.protected(connection, 0, NOW + DAY, endpoint)
    return sum(row["bytes"] + row["flows"] for row in classes.values())


def test_traffic_is_added_up_to_hours_and_days_and_nothing_is_lost(store: Store) -> None:
    begun = NOW - 40 * DAY
    told = [
        _rollup(begun + hour * HOUR + minute * 60, 1, 100) for hour in range(0, 40 * 24, 5) for minute in (0, 1, 59)
    ]
    store.write([message(*told, kind="rollup", seq=0)], NOW)
    before = _carried(store), _carried(store, "10.0.0.1:443/tcp")
    assert store.keep_house(NOW, KEPT) > 0
    assert (_carried(store), _carried(store, "10.0.0.1:443/tcp")) == before
    spans = _spans(store)
    assert set(spans) == {60, HOUR, DAY}
    with store.reading() as connection:
        c = traffic.c
        oldest = dict(tuple(row) for row in connection.execute(select(c.span, func.min(c.start)).group_by(c.span)))
        assert all(start % span == 0 for start, span in connection.execute(select(c.start, c.span).where(c.span > 60)))
    assert oldest[60] >= NOW - 49 * HOUR
    assert oldest[HOUR] >= NOW - 33 * DAY
    # A late one goes onto the sum that is there.
    store.write([message(_rollup(begun, 1, 100), kind="rollup", seq=1)], NOW)
    assert store.keep_house(NOW + EVERY, KEPT) == 3 + 3 + 3  # to hours, to days, and what was counted of the hours
    assert (_carried(store), _spans(store)[DAY]) == (before[0] + 103, spans[DAY])


def test_what_is_over_for_long_goes_and_what_is_open_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TURN", 2)
    old, then = rfc3339(NOW - 500 * DAY), NOW - 450 * DAY
    times = {"first_seen": old, "last_seen": old}
    told = [finding(f"open{n}", **times) for n in range(3)] + [
        finding(f"over{n}", resolved=True, **times) for n in range(5)
    ]
    told.append(finding("shown", observed={"sha256": "aa"}, **times))
    store.write([message(*told, seq=0), message({"sha256": "aa"} | times, kind="certificate", seq=1)], then)
    store.write(
        [
            message(finding("new", observed={"sha256": "bb"}), boot="b2"),
            message({"sha256": "bb"}, kind="certificate", seq=1, boot="b2"),
        ],
        NOW,
    )
    assert store.keep_house(NOW, KEPT) == 5 + 1 + 1 + 1  # findings, sighting, certificate, boot
    with store.reading() as connection:
        kept = set(connection.execute(select(findings.c.uid)).scalars())
        assert kept == {"open0", "open1", "open2", "shown", "new"}
        assert list(connection.execute(select(certificates.c.sha256)).scalars()) == ["bb"]
        assert list(connection.execute(select(sightings.c.sha256)).scalars()) == ["bb"]
        assert list(connection.execute(select(streams.c.boot_id)).scalars()) == ["b2"]


def test_of_several_collectors_one_keeps_house(url: str) -> None:
    one, other = Store(url), Store(url)
    with one.changing() as connection:
        assert retention.is_due(connection, NOW)
    for store in (one, other):
        with store.changing() as connection:
            assert not retention.is_due(connection, NOW + EVERY - 1)
    with other.changing() as connection:
        assert retention.is_due(connection, NOW + EVERY)
    one.close()
    other.close()


def test_what_is_in_use_stays_though_it_was_told_once(store: Store) -> None:
    """Two places were told of long ago; only one is still used."""

    def told(place: str) -> dict[str, Any]:
        return {"endpoint": place, "name": "a.example", "certificate": f"of {place}", "after": {"class": "tls"}}

    then = rfc3339(NOW - 500 * DAY)
    shown = {"start": then, "end": then, "changes": [told("10.0.0.1:443/tcp"), told("10.0.0.2:443/tcp")]}
    pair = {"endpoint": "10.0.0.1:443/tcp", "peer": "10.0.0.9", "class": "tls", "flows": 1, "bytes": [1, 1]}
    used = {"start": rfc3339(NOW - 60), "end": rfc3339(NOW), "pairs": [pair]}
    certificates_ = [{"sha256": f"of 10.0.0.{n}:443/tcp", "last_seen": then, "first_seen": then} for n in (1, 2)]
    store.write([message(*certificates_, kind="certificate", seq=0), message(shown, kind="rollup", seq=1)], NOW)
    store.write([message(used, kind="rollup", seq=2)], NOW)
    store.keep_house(NOW, KEPT)
    with store.reading() as connection:
        for column in (sightings.c.endpoint, postures.c.endpoint):
            assert list(connection.execute(select(column)).scalars()) == ["10.0.0.1:443/tcp"]
        assert list(connection.execute(select(certificates.c.sha256)).scalars()) == ["of 10.0.0.1:443/tcp"]
    assert store.keep_house(NOW + 900 * DAY, KEPT) > 0
    with store.reading() as connection:
        assert list(connection.execute(select(certificates.c.sha256)).scalars()) == [], "nobody goes there any more"


def test_a_walk_goes_through_the_whole_table_once_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TURN", 7)
    old = rfc3339(NOW - 500 * DAY)
    told = [{"sha256": f"{n:02d}", "last_seen": NOW if n % 3 else old, "first_seen": old} for n in range(40)]
    told = [one | {"last_seen": rfc3339(NOW) if one["last_seen"] == NOW else old} for one in told]
    store.write([message(*told[:20], kind="certificate", seq=0)], NOW)
    assert store.keep_house(NOW, KEPT) == 7
    store.write([message(*told[20:], kind="certificate", seq=1)], NOW)
    assert store.keep_house(NOW + EVERY, KEPT) == 0, "not yet"
    assert store.keep_house(NOW + DAY, KEPT) == 7
    with store.reading() as connection:
        assert len(connection.execute(select(certificates.c.sha256)).all()) == 26

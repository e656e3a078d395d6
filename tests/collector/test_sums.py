"""Shares, exposure and renewals: reckoned beside, shown on pages and by the API, with names of attackers in all of them."""

import csv
import datetime as dt
import io
from typing import Any

import httpx
import pytest
from fleet import NOW, finding, message
from sqlalchemy import select
from test_fleet import SHA, certificate
from test_web import EVIL, Running, filled  # noqa: F401 - a fixture

from collector import shares as asked
from collector.fleet import exposure, renewals, rounds, sums
from collector.paging import Place
from collector.store.store import Store
from collector.store.tables import shares
from collector.web.access import Access

DAY = 86_400


def carried(day: int, kind: str, size: int, endpoint: str = "10.0.3.7:443/tcp") -> dict[str, Any]:
    return {
        "start": f"2026-11-{day:02d}T00:00:00Z", "end": f"2026-11-{day:02d}T00:01:00Z", "by_class": {kind: {"flows": 2, "bytes": size}},
        "pairs": [{"endpoint": endpoint, "peer": "10.0.1.4", "class": kind, "flows": 2, "bytes": [size, 0]}],
    }  # fmt: skip


def test_shares_by_site_host_and_service_over_time(store: Store) -> None:
    store.write([
        message(carried(16, "tls", 300), carried(18, "plaintext", 100), kind="rollup", by="p1", seq=0),
        message(carried(18, "ipsec", 500, "10.0.3.8:500/udp"), kind="rollup", by="p2", seq=0),
    ], NOW)  # fmt: skip
    assert sums.reckon(store, NOW)
    assert not sums.reckon(store, NOW + 30), "too early"
    with store.reading() as connection:
        (site,) = asked.carried(connection, "site", NOW - 30 * DAY)
        hosts = asked.carried(connection, "host", NOW - 30 * DAY)
        services = asked.carried(connection, "service", NOW - DAY)
        days = asked.by_day(connection, "site", "s1", NOW - 30 * DAY)
    assert site == {"key": "s1", "flows": 6, "bytes": 900, "protected_bytes": 800, "protected_share": 0.8889}
    assert [(row["key"], row["protected_share"]) for row in hosts] == [("s1/p2", 1.0), ("s1/p1", 0.75)]
    assert [row["key"] for row in services] == ["10.0.3.8:500/udp", "10.0.3.7:443/tcp"]
    assert [(row["tls"], row["plaintext"], row["ipsec"]) for row in days] == [(300, 0, 0), (0, 100, 500)]


def test_a_late_report_of_yesterday_is_added(store: Store) -> None:
    store.write([message(carried(17, "tls", 300), kind="rollup", seq=0)], NOW)
    sums.reckon(store, NOW)
    store.write([message(carried(17, "tls", 200), kind="rollup", seq=1)], NOW)
    assert sums.reckon(store, NOW + 61)
    with store.reading() as connection:
        assert [row["tls"] for row in asked.by_day(connection, "site", "s1", 0)] == [500]


def test_what_moves_little_is_added_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "MOST_KEYS", 2)
    rows = [carried(18, "tls", 100 * number, f"10.0.0.{number}:443/tcp") for number in range(1, 6)]
    store.write([message(*rows, kind="rollup", seq=0)], NOW)
    sums.reckon(store, NOW)
    with store.reading() as connection:
        told = {row["key"]: row["bytes"] for row in asked.carried(connection, "service", 0)}
        assert sum(connection.execute(select(shares.c.flows).where(shares.c.by == "service")).scalars()) == 10
    assert told == {"10.0.0.5:443/tcp": 500, "10.0.0.4:443/tcp": 400, sums.OTHERS: 600}


def test_quantum_exposure_counts_flows_that_two_probes_saw_once(store: Store) -> None:
    odd = {"check": "pq.exposure", "name": "pay.example"}
    store.write([
        message(finding("1", bytes=500, **odd), finding("2", bytes=7, endpoint="10.0.3.8:443/tcp", check="pq.exposure"), by="p1", seq=0),
        message(finding("1", bytes=450, **odd), finding("3", bytes="x", **odd), by="p2", seq=0),
    ], NOW)  # fmt: skip
    exposure.reckon(store, NOW)
    with store.reading() as connection:
        assert [(row["key"], row["bytes"]) for row in asked.exposed(connection, "site")] == [("s1", 507)]
        assert [row["bytes"] for row in asked.exposed(connection, "host")] == [507, 450]
        assert asked.exposed(connection, "service")[0]["key"] == "10.0.3.7:443/tcp pay.example"


@pytest.mark.parametrize(
    ("day", "days"),
    [("2026-03-14", 398), ("2026-03-15", 200), ("2027-03-14", 200), ("2027-03-15", 100), ("2029-03-14", 100), ("2029-03-15", 47)],
)  # fmt: skip
def test_the_schedule_of_the_ca_browser_forum(day: str, days: int) -> None:
    assert renewals.longest(dt.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()) == days


def renewed(store: Store, *begins: str, last: int = 60) -> list[dict[str, Any]]:
    """Certificates of one place, that began then and last so many days; described."""
    names = "ABCD"[: len(begins)]
    made = []
    for name, begin in zip(names, begins, strict=True):
        ends = (dt.date.fromisoformat(begin) + dt.timedelta(days=last)).isoformat()
        made.append(certificate(name) | {"not_before": f"{begin}T00:00:00Z", "not_after": f"{ends}T00:00:00Z"})
    changes = [
        {"endpoint": "10.0.0.1:443/tcp", "name": "a.example", "after": {"class": "tls"}, "certificate": SHA[name]}
        for name in names
    ]
    rollup = {"end": "2026-11-18T00:00:00Z", "changes": changes}
    store.write([message(*made, kind="certificate", seq=0), message(rollup, kind="rollup", seq=1)], NOW)
    with store.reading() as connection:
        return asked.certificate_page(connection, "", Place(), NOW).rows


def test_history_cadence_and_when_the_next_renewal_is_due(store: Store) -> None:
    first, second, third = renewed(store, "2026-09-01", "2026-09-29", "2026-10-31")
    assert (first["renewals"], first["replaced"], "renewal_due" in first) == (0, True, False)
    assert second["replaced"]
    assert (third["renewals"], third["cadence_days"], third["lifetime_days"], third["longest_days"]) == (
        2,
        30.0,
        60.0,
        200,
    )
    due = dt.datetime(2026, 11, 30, tzinfo=dt.UTC).timestamp()
    assert (third["renewal_due"], third["overdue"]) == (due, False)
    with store.reading() as connection:
        history = renewals.rotation(connection, third["sha256"])
    assert [row["sha256"] for row in history] == [SHA["C"], SHA["B"], SHA["A"]]


def test_without_a_history_two_thirds_of_the_lifetime(store: Store) -> None:
    (row,) = renewed(store, "2026-09-01")
    due = dt.datetime(2026, 10, 11, tzinfo=dt.UTC).timestamp()
    assert (row["renewals"], row["renewal_due"], row["overdue"]) == (0, due, True)
    assert "cadence_days" not in row


def test_the_forecast_says_what_ends_when(store: Store) -> None:
    renewed(store, "2026-10-01", "2026-10-31", last=47)
    renewals.reckon(store, NOW)
    with store.reading() as connection:
        told = asked.forecast(connection)
    assert [row["certificates"] for row in told["weeks"]] == [0, 0, 0, 0, 1, *[0] * 8]
    assert told["valid"] == 1
    assert told["lifetimes"][0] == {"days": 47, "certificates": 1}


def test_names_of_attackers_stay_text_on_every_page_and_in_every_table(filled: Store) -> None:  # noqa: F811
    items = [
        finding(f"q{number}", check="pq.exposure", endpoint=evil, name=evil, bytes=5)
        for number, evil in enumerate(EVIL)
    ]
    items += [
        finding(f"d{client}{number}", check="dns.tunnel", endpoint=evil, domain=evil, client=f"{client} {evil}")
        for number, evil in enumerate(EVIL)
        for client in "ab"
    ]
    changes = [
        {"endpoint": evil, "name": evil, "after": {"class": "tls"}, "certificate": f"{number:064x}"}
        for number, evil in enumerate(EVIL)
    ]
    filled.write([message(*items, seq=0, by="p2"), message({"changes": changes}, kind="rollup", seq=1, by="p2")], NOW)
    assert rounds.judge(filled, NOW) > len(EVIL)
    for part in (sums, exposure, renewals):
        part.reckon(filled, NOW)
    with Running(filled, Access(None)) as running, httpx.Client(base_url=running.url) as client:
        pages = ["/fleet", *(f"/fleet?by={by}" for by in asked.BY), "/certificates", f"/certificates/{0:064x}", "/dns"]
        uids = [row["uid"] for row in client.get("/api/v1/findings?site=(fleet)").json()["items"]]
        for page in [*pages, *(f"/findings/{uid}" for uid in uids)]:
            shown = client.get(page)
            assert shown.status_code == 200, page
            assert "<script>alert" not in shown.text, page
            assert "<img" not in shown.text, page
            assert "\u202e" not in shown.text, page
        assert client.get("/fleet", params={"by": "service", "key": EVIL[0]}).status_code == 200
        tables = [f"/api/v1/{name}?format=csv&by={by}" for name in ("shares", "exposures") for by in asked.BY]
        for table in [*tables, "/api/v1/certificates?format=csv", "/api/v1/findings?format=csv&site=(fleet)"]:
            told = client.get(table)
            assert told.headers["content-type"].startswith("text/csv"), table
            cells = [cell for row in csv.reader(io.StringIO(told.text)) for cell in row]
            assert cells
            assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@")], table
        assert client.get("/api/v1/shares?by=planet").status_code == 422
        assert client.get("/api/v1/certificates/forecast").json()["valid"] == 0

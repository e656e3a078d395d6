"""Batches are kept once, whole or not at all, on both engines."""

import json
from pathlib import Path
from typing import Any

import pytest
from fleet import NOW, envelope, finding, message
from sqlalchemy import func, select, text

from collector import inventory, probe_states, queries, tunnels
from collector.messages import Aside, read
from collector.store import rows, writing
from collector.store.batches import WINDOW
from collector.store.store import Store
from collector.store.tables import MOST_KEPT, findings, received, sightings, streams, traffic
from probe.cli import main


def _rows(store: Store, statement: Any) -> list[Any]:
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def _probe(store: Store) -> dict[str, Any]:
    with store.reading() as connection:
        (probe,) = probe_states.probe_page(connection, NOW).rows
    return probe


def test_a_message_that_comes_twice_counts_once(store: Store) -> None:
    first = store.write([message(finding(), seq=0), message(finding(), seq=0)], NOW)
    second = store.write([message(finding(), seq=0)], NOW)
    assert (first.envelopes, first.duplicates, second.envelopes, second.duplicates) == (1, 1, 0, 1)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_any_order_leaves_no_gap_and_nothing_to_remember(store: Store, order: list[int]) -> None:
    for seq in order:
        store.write([message(finding(f"u{seq}"), seq=seq)], NOW)
    (stream,) = _rows(store, select(streams))
    assert (stream["low"], stream["high"], stream["given_up"]) == (3, 3, 0)
    assert _rows(store, select(received)) == []
    assert store.write([message(seq=seq) for seq in order], NOW).duplicates == 4


def test_a_gap_is_outstanding_until_it_is_given_up(store: Store) -> None:
    store.write([message(seq=0), message(seq=5)], NOW)
    assert (_probe(store)["missed"], _probe(store)["outstanding"]) == (0, 5)
    store.write([message(seq=5 + WINDOW)], NOW)
    assert _probe(store)["missed"] == 4


def test_pieces_of_an_envelope_count_as_one_number(store: Store) -> None:
    first = store.write([message(finding("a"), seq=0, part="1/2"), message(finding("a"), seq=0, part="1/2")], NOW)
    assert (first.envelopes, first.duplicates) == (1, 1)
    (stream,) = _rows(store, select(streams))
    assert stream["low"] == -1
    store.write([message(finding("b"), seq=0, part="2/2")], NOW)
    (stream,) = _rows(store, select(streams))
    assert stream["low"] == 0
    assert len(_rows(store, select(findings))) == 2


def test_each_boot_counts_for_itself(store: Store) -> None:
    account = store.write([message(seq=0), message(seq=0, boot="b2"), message(seq=0, by="p2")], NOW)
    assert account.envelopes == 3


def test_the_newest_wins_whatever_comes_last(store: Store) -> None:
    new = finding(title="new", last_seen="2026-11-18T02:00:00Z", count=9)
    old = finding(title="old", first_seen="2026-11-17T00:00:00Z", last_seen="2026-11-18T01:00:00Z")
    store.write([message(new, seq=1), message(old, seq=0)], NOW)
    (row,) = _rows(store, select(findings))
    assert (row["title"], row["sightings"]) == ("new", 9)


def test_what_people_decided_stays_until_it_is_resolved(store: Store) -> None:
    store.write([message(finding(), seq=0)], NOW)
    with store.changing() as connection:
        connection.execute(findings.update().values(workflow="acknowledged", note="known"))
    again = finding(last_seen="2026-11-18T03:00:00Z")
    store.write([message(again, seq=1)], NOW)
    (row,) = _rows(store, select(findings))
    assert (row["workflow"], row["note"]) == ("acknowledged", "known")
    store.write([message(finding(last_seen="2026-11-18T04:00:00Z", resolved=True), seq=2)], NOW)
    (row,) = _rows(store, select(findings))
    assert row["workflow"] == "resolved"
    store.write([message(finding(last_seen="2026-11-18T05:00:00Z"), seq=3)], NOW)
    (row,) = _rows(store, select(findings))
    assert row["workflow"] == "open"


def test_a_poisoned_item_stops_nothing(store: Store) -> None:
    poisoned = [
        finding(severity="dreadful"), finding(uid=""), finding(uid=7), {"type": "finding"}, finding("nul", title="a\0b"),
        finding("long", title="x" * 10_000, endpoint="e" * 10_000), finding("future", last_seen="9999-12-31T23:59:59Z"),
        finding("notime", last_seen="yesterday", first_seen=3), finding("big", count=1 << 80), finding("minus", count=-5),
    ]  # fmt: skip
    account = store.write([message(*poisoned, seq=0), message(finding("after"), seq=1)], NOW)
    assert account.refused == 4
    kept = {row["uid"]: row for row in _rows(store, select(findings))}
    assert set(kept) == {"nul", "long", "future", "notime", "big", "minus", "after"}
    assert kept["future"]["last_seen"] <= NOW + rows.MAX_FUTURE
    assert kept["minus"]["sightings"] == 0
    assert json.loads(kept["nul"]["record"])["title"] == "a\ufffdb"


def test_names_from_packets_are_no_statements(store: Store) -> None:
    evil = "'; DROP TABLE findings; --"
    store.write([message(finding(evil, title=evil, endpoint=evil, name=evil))], NOW)
    with store.reading() as connection:
        page = queries.finding_page(connection, queries.FindingFilter(text=evil))
        assert [row["uid"] for row in page.rows] == [evil]
        assert queries.finding_page(connection, queries.FindingFilter(text="%")).total == 0
        assert queries.finding(connection, evil)[0]["record"]["name"] == evil


def test_a_batch_that_fails_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("as if the process ended here")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(writing.Writer, "_aside", broken)
        store.write([message(finding()), Aside("t", b"x", "why")], NOW)
    assert _rows(store, select(findings)) == []
    assert store.write([message(finding())], NOW).envelopes == 1


def test_kept_aside_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAX_ASIDE", 5)
    for number in range(9):
        store.write([read("t", b"%d" % number)], NOW + number)
    with store.reading() as connection:
        assert [row["received"] - NOW for row in probe_states.kept_aside(connection)] == [8, 7, 6, 5, 4]


def test_rollups_add_up(store: Store) -> None:
    pair = {"endpoint": "10.0.0.1:443/tcp", "peer": "10.0.0.9", "class": "tls", "flows": 2, "bytes": [100, 200]}
    item = {
        "start": "2026-11-18T00:00:00Z",
        "end": "2026-11-18T00:01:00Z",
        "by_class": {"tls": {"flows": 2, "bytes": 300}, "plaintext": {"flows": 1, "bytes": 100}},
        "pairs": [pair],
    }
    later = {"start": "2026-11-18T00:01:00Z", "end": "2026-11-18T00:02:00Z"}
    second_part = {key: value for key, value in item.items() if key != "by_class"} | {
        "pairs": [pair | {"peer": "10.0.0.8"}]
    }
    for seq, one in enumerate((item, item | later, second_part)):
        store.write([message(one, kind="rollup", seq=seq)] * 2, NOW)
    with store.reading() as connection:
        day = queries.protected(connection, NOW - queries.DAY * 30, NOW + queries.DAY)
        assert (day["tls"], day["plaintext"]) == ({"flows": 4, "bytes": 600}, {"flows": 2, "bytes": 200})
        assert queries.share(day) == 0.75
        at = queries.protected(connection, NOW - queries.DAY * 30, NOW + queries.DAY, "10.0.0.1:443/tcp")
        assert at["tls"] == {"flows": 6, "bytes": 900}
    (row, *_) = _rows(store, select(traffic))
    assert row["span"] == 60


def test_a_rollup_ends_findings(store: Store) -> None:
    store.write([message(finding("a"), finding("b"), seq=0), message(finding("a"), seq=0, by="p2")], NOW)
    rollup = {"start": "2026-11-18T00:00:00Z", "end": "2026-11-18T00:01:00Z", "findings": {"resolved_uids": ["a", 7]}}
    store.write([message(rollup, kind="rollup", seq=1)], NOW)
    found = {(row["probe_id"], row["uid"]): row["workflow"] for row in _rows(store, select(findings))}
    assert sorted(found.values()) == ["open", "open", "resolved"]


def test_tunnels_are_their_latest_record_with_what_speaks_against_them(store: Store) -> None:
    ike = {"version": 2, "chosen": {"encr": "ENCR_AES_GCM_16", "key_length": 256, "ke": "curve25519"}}
    told = {
        "type": "tunnel", "peers": ["203.0.113.9", "198.51.100.1"], "start": "2026-11-17T00:00:00Z", "end": "2026-11-17T01:00:00Z",
        "bytes": [3, 4], "ike": ike, "esp": {"packets": [5, 0], "bytes": [3, 4]},
    }  # fmt: skip
    later = told | {"end": "2026-11-17T02:00:00Z", "bytes": [30, 40]}
    against = finding("e", check="esp.one_way", severity="medium", endpoint="198.51.100.1<->203.0.113.9/esp")
    for seq, items in enumerate(([later], [told], [{"type": "tunnel", "peers": ["a"]}])):
        store.write([message(*items, kind="tunnel", seq=seq)], NOW)
    store.write([message(against, seq=3)], NOW)
    with store.reading() as connection:
        (pair,) = tunnels.pairs(connection)
    assert (pair["between"], pair["bytes"], pair["open"], pair["worst"]) == (told["peers"], 70, 1, 2)
    assert (pair["ike"], pair["esp"]) == ("v2 AES_GCM_16-256 curve25519", "ESP one way")
    assert pair["last_seen"] - pair["first_seen"] == 7200


def test_certificates_have_places_and_shared_keys(store: Store) -> None:
    item = {"sha256": "aa", "subject": "CN=a", "spki_sha256": "k", "not_after": "2026-12-01T00:00:00Z"}
    store.write([message(item, item | {"sha256": "bb"}, kind="certificate")], NOW)
    shown = [
        finding(f"c{one}", check="certificate.chain", endpoint=f"10.0.0.{number}:443/tcp", observed={"sha256": one})
        for number, one in ((1, "aa"), (2, "bb"))
    ]
    store.write([message(*shown, seq=1)], NOW)
    with store.reading() as connection:
        certificate = inventory.certificate(connection, "aa")
        assert certificate is not None
        assert [place["endpoint"] for place in certificate["places"]] == ["10.0.0.1:443/tcp"]
        assert [row["certificates"] for row in inventory.shared_keys(connection)] == [2]
        assert [row["sha256"] for row in inventory.certificates_at(connection, "10.0.0.2:443/tcp")] == ["bb"]


def test_probes_that_went_silent(store: Store) -> None:
    store.write([read("x/s1/p1/state", b'{"online":true}')], NOW)
    store.write([read("x/s1/p2/state", b'{"online":false}')], NOW)
    with store.reading() as connection:
        assert {row["probe"]: row["word"] for row in probe_states.probe_page(connection, NOW + 1).rows} == {
            "p1": "up",
            "p2": "up",
        }
        later = probe_states.probe_page(connection, NOW + probe_states.SILENT + 1).rows
    assert {row["probe"]: row["word"] for row in later} == {"p1": "silent", "p2": "gone"}


def test_opened_again_it_has_everything(url: str) -> None:
    for seq in range(2):
        store = Store(url)
        store.write([message(finding(str(seq)), seq=seq)], NOW)
        store.close()
    store = Store(url)
    with store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(findings)).scalar_one() == 2
        connection.execute(text("SELECT 1"))
    store.close()


def test_a_copy_while_it_is_used(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/a.db")
    store.write([message(finding())], NOW)
    store.backup(tmp_path / "b.db")
    store.close()
    copy = Store(f"sqlite:///{tmp_path}/b.db")
    with copy.reading() as connection:
        assert queries.finding(connection, "a")
    copy.close()


def test_a_copy_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, copy = tmp_path / "c.toml", tmp_path / "b.db"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path}/a.db"\n')
    used = Store(f"sqlite:///{tmp_path}/a.db")
    used.write([message(finding())], NOW)
    command = ["collect", "--config", str(config), "--backup", str(copy)]
    assert main(command) == 0
    used.close()
    kept = Store(f"sqlite:///{copy}")
    with kept.reading() as connection:
        assert queries.finding(connection, "a")
    kept.close()
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err


def test_counts_beyond_all_reason_stop_nothing(store: Store) -> None:
    most = (1 << 63) - 1
    told = [
        {"type": "rollup", "start": "2026-11-17T00:00:00Z", "end": "2026-11-17T00:01:00Z",
         "by_class": {"tls": {"flows": most, "bytes": most}}, "pairs": []}
        for _ in range(3)
    ]  # fmt: skip
    for seq in range(600):
        account = store.write([message(*told, kind="rollup", seq=seq)], NOW)
    assert (account.envelopes, account.refused) == (1, 0)
    with store.reading() as connection:
        assert queries.protected(connection, 0, NOW)["tls"]["bytes"] == MOST_KEPT


def test_a_late_rollup_ends_no_finding_that_was_seen_since(store: Store) -> None:
    store.write([message(finding("a", last_seen="2026-11-17T12:00:00Z"), seq=0)], NOW)
    for seq, end, workflow in ((1, "2025-11-17T00:00:00Z", "open"), (2, "2026-11-17T13:00:00Z", "resolved")):
        over = {"type": "rollup", "start": end, "end": end, "findings": {"resolved_uids": ["a"]}}
        store.write([message(over, kind="rollup", seq=seq)], NOW)
        assert _rows(store, select(findings.c.workflow)) == [{"workflow": workflow}]


def test_a_certificate_is_known_under_each_name_of_a_place(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(*names: str) -> dict[str, Any]:
        place = {"endpoint": "10.0.0.1:443/tcp", "certificate": "aa", "after": {"class": "tls"}}
        return {"end": "2026-11-18T00:00:00Z", "changes": [place | {"name": name} for name in names]}

    def known() -> list[str]:
        with store.reading() as connection:
            return sorted(connection.execute(select(sightings.c.name)).scalars())

    monkeypatch.setattr(writing, "MAX_NAMES", 3)
    store.write([message(shown("a.example"), shown("b.example"), kind="rollup", seq=0)], NOW)
    assert known() == ["a.example", "b.example"]
    account = store.write(
        [message(shown("a.example", "c.example", "d.example", "e.example"), kind="rollup", seq=1)], NOW
    )
    assert (account.names_over, len(known())) == (1, 4 + 1), "a batch may bring as many once more; the rest has no name"
    account = store.write([message(shown("f.example", "a.example"), kind="rollup", seq=2)], NOW)
    assert (account.names_over, len(known())) == (1, 5)
    with store.reading() as connection:
        (row,) = inventory.certificates_at(connection, "10.0.0.1:443/tcp") or [None]
        assert row is None, "nobody told of the certificate itself"
    store.write([message({"sha256": "aa"}, kind="certificate", seq=3)], NOW)
    with store.reading() as connection:
        assert len(inventory.certificates_at(connection, "10.0.0.1:443/tcp")) == 1
        assert inventory.certificate_page(connection).rows[0]["endpoints"] == 1


def test_findings_of_a_site(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, site in enumerate(("s1", "s2")):
        told = [finding(f"{site}{n}", severity=("low", "high")[n % 2]) for n in range(4)]
        told.append(finding(f"{site}-over", resolved=True))
        by = {"id": f"p{number}", "site": site, "version": "0.1"}
        sent = json.dumps(envelope(*told) | {"probe": by}).encode()
        store.write([read(f"transitproof/v1/{site}/p{number}/finding", sent)], NOW)

    def uids(**wanted: str) -> list[str]:
        with store.reading() as connection:
            page = queries.finding_page(connection, queries.FindingFilter(site="s2", **wanted))
        return [row["uid"] for row in page.rows]

    answers = []
    for few in (0, 100):  # in the order of an index, and sorted
        monkeypatch.setattr(queries, "MAX_SORTED", few)
        answers.append([uids(), uids(workflow="open"), uids(workflow="resolved"), uids(severity="high")])
    assert answers[0] == answers[1]
    assert [len(one) for one in answers[0]] == [5, 4, 1, 3]

"""The replay over the stand-in: order of records, several files, what cannot be read, interruption."""

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fake_core
import pki
import pytest

import probe
from probe.engine import Engine
from probe.policy.load import PolicyError, load
from probe.replay import Replay
from probe.trust.store import Store, TrustError

HTTP = {"facts": {"class": "plaintext", "protocol": "http"}, "endpoint": "10.0.0.9:80/tcp"}


def _types(records: list[dict[str, Any]]) -> list[str]:
    return [record["type"] for record in records]


def test_order_of_records(capture: Callable[..., str]) -> None:
    records = list(probe.replay(capture(HTTP)))
    assert _types(records) == ["flow", "finding", "summary"]
    assert records[1]["evidence"]["frames"] == ["x.pcap#7"]


def test_findings_of_all_files_come_after_the_flows_of_all(capture: Callable[..., str]) -> None:
    records = list(probe.replay(capture(HTTP, file="a.pcap"), capture(HTTP, file="b.pcap")))
    assert _types(records) == ["flow", "flow", "finding", "summary"]
    assert records[2]["count"] == 2
    assert records[2]["evidence"]["frames"] == ["a.pcap#7", "b.pcap#7"]


def test_files_of_the_same_name_are_told_apart_in_evidence(capture: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    paths = [capture(HTTP), capture(HTTP, file="d/x.pcap")]
    records = list(probe.replay(*paths))
    assert records[2]["evidence"]["frames"] == [f"{path}#7" for path in paths]


@pytest.mark.usefixtures("core")
def test_certificates_come_before_the_flows_of_their_batch(
    authority: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leaf = pki.issue("a.example", authority.root)
    batches = [fake_core.Batch(records=b'{"type":"flow"}\n', certificates=[leaf.der]), fake_core.Batch()]
    monkeypatch.setattr(fake_core.Core, "take", lambda _core, **_options: batches.pop(0))
    (tmp_path / "x").write_text("{}")
    assert _types(list(probe.replay(tmp_path / "x"))) == ["certificate", "flow", "summary"]


def test_a_file_that_cannot_be_read_does_not_stop_the_others(capture: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    records = list(probe.replay(tmp_path / "none", tmp_path / "text", tmp_path, capture(HTTP)))
    assert _types(records) == ["flow", "finding", "summary"]
    assert [problem["what"] for problem in records[-1]["unread"]] == [
        "no such file or directory",
        "wrong magic",
        "is a directory",
    ]


def test_reading_that_fails_midway_keeps_what_was_read(capture: Callable[..., str]) -> None:
    path = Path(capture(HTTP))
    content = json.loads(path.read_text())
    content["batches"].append({"error": "Input/output error"})
    path.write_text(json.dumps(content))
    records = list(probe.replay(path))
    assert _types(records) == ["flow", "finding", "summary"]
    assert records[-1]["unread"] == [{"file": str(path), "what": "input/output error"}]


def test_damage_is_in_the_summary(capture: Callable[..., str]) -> None:
    path = capture(damage=[[1234, "block length 7"]])
    assert list(probe.replay(path))[-1]["damaged"] == [{"file": path, "offset": 1234, "what": "block length 7"}]


def test_interruption_ends_after_the_batch_and_is_marked(capture: Callable[..., str]) -> None:
    run = Replay(
        [capture(HTTP, file="a"), capture(HTTP, file="b")],
        Engine(load(), Store(host=False)),
        progress=lambda _file, _capture: run.stop(),
    )
    lines = b"".join(run.chunks()).splitlines()
    assert _types([json.loads(line) for line in lines]) == ["flow", "finding", "summary"]
    assert json.loads(lines[-1])["interrupted"] is True


def test_the_same_file_gives_the_same_bytes(capture: Callable[..., str]) -> None:
    path = capture(HTTP, {"facts": {"class": "plaintext", "protocol": "ftp"}})
    runs = [b"".join(Replay([path], Engine(load(), Store(host=False))).chunks()) for _ in range(2)]
    assert runs[0] == runs[1]


def test_options_reach_the_engine(capture: Callable[..., str], authority: Any) -> None:
    path = capture({"facts": {"class": "tls", "tls.version": "TLSv1.0", "tls.resumed": True}})
    policies = [record.get("policy") for record in probe.replay(path, policies=["rfc8247"])]
    assert "rfc9325" not in policies
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert list(probe.replay(path, trust=[authority.pem], at=at, passes=True))
    with pytest.raises(PolicyError):
        next(probe.replay(path, policies=["nope"]))
    with pytest.raises(TrustError):
        next(probe.replay(path, trust=["/nonexistent"]))


@pytest.mark.usefixtures("core")
def test_errors_of_the_core_lose_the_number_that_rust_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: str) -> None:
        message = "Permission denied (os error 13)"
        raise PermissionError(message)

    monkeypatch.setattr(fake_core, "Capture", refuse)
    assert list(probe.replay("x"))[-1]["unread"] == [{"file": "x", "what": "permission denied"}]


def test_the_module_stays_importable_beside_the_function() -> None:
    assert callable(probe.replay)
    assert sys.modules["probe.replay"].Replay is Replay

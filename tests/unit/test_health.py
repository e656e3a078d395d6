"""Counters, the health record, metrics as a scraper reads them, lines in the journal."""

import asyncio

import msgspec
import pytest
from counted import BEFORE, LATER, counters
from prometheus_client.parser import text_string_to_metric_families

from probe import health, metrics
from probe import journal as journals
from probe.health import Interface
from probe.journal import Journal


def test_rates_and_what_was_missed_are_those_of_the_interval() -> None:
    record = health.record(LATER, BEFORE)
    assert record["time"] == "2023-11-14T22:14:20.000000Z"
    assert record["interval"] == 60
    assert record["rates"] == {"packets": 16.667, "bytes": 1000, "cpu": 0.05}
    assert record["missed"] == {"drops": {"eth0": 3}, "limits": {"findings": 2}}
    assert record["interfaces"] == [
        {"name": "eth0", "present": False, "packets": 1012, "drops": 5, "freezes": 2, "copies": 0}
    ]
    assert health.record(LATER, LATER)["missed"] == {}


def test_this_process_is_measured() -> None:
    memory, cpu = health.measure()
    assert 10 << 20 < memory < 4 << 30
    assert cpu > 0


def _samples(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(page)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_a_scraper_reads_what_was_counted() -> None:
    samples = _samples(metrics.text(counters(interfaces=(Interface('e"\\0', True, 12, 2, 1, 0),))))
    assert samples[("transitproof_interface_drops_total", (("interface", 'e"\\0'),))] == 2
    assert samples[("transitproof_class_bytes_total", (("class", "tls"),))] == 900
    assert samples[("transitproof_resident_memory_bytes", ())] == 50 << 20
    assert samples[("transitproof_limits_total", (("what", "max_flows"),))] == 3
    assert samples[("transitproof_malformed_total", (("what", "truncated ip"),))] == 1


def test_it_is_served() -> None:
    async def ask(path: str, port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async def both() -> tuple[bytes, bytes]:
        server = await metrics.serve("127.0.0.1:0", counters)
        port = server.sockets[0].getsockname()[1]
        answers = await ask("/metrics", port), await ask("/", port)
        server.close()
        return answers

    found, other = asyncio.run(both())
    head, _, body = found.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body.decode() == metrics.text(counters())
    assert f"Content-Length: {len(body)}".encode() in head
    assert other.startswith(b"HTTP/1.1 404 ")


def test_an_event_is_told_a_few_times_and_then_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    journal = Journal()
    for _ in range(journals.BURST + 3):
        journal.say(journals.WARNING, "drops", "the ring was full", packets=3)
    journal.say(journals.INFO, "reload")
    now = journals.PERIOD
    journal.say(journals.WARNING, "drops", what='two words "quoted"\n')
    lines = capsys.readouterr().err.splitlines()
    assert lines[: journals.BURST] == ["<4>event=drops packets=3: the ring was full"] * journals.BURST
    assert lines[journals.BURST] == "<6>event=reload"
    assert lines[-1] == r'<4>event=drops what="two words \"quoted\"\n" suppressed=3'
    assert len(lines) == journals.BURST + 2
    assert journal.suppressed == {"drops": 3}


def test_outside_the_journal_a_line_has_its_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    Journal().say(journals.INFO, "reload", "done")
    moment, _, line = capsys.readouterr().err.strip().partition(" ")
    assert line == "event=reload: done"
    assert moment.endswith("Z")


def test_the_record_is_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(health.record(LATER, BEFORE)))["type"] == "health"

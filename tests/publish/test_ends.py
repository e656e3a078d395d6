"""The other ends: files, syslog over TLS, a web server, OCSF in any of them; through the same spool and sender."""

import contextlib
import datetime as dt
import http.server
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from captures import records

from probe.publish.envelope import Probe as Who
from probe.publish.envelope import Stored
from probe.publish.file import FileEnd
from probe.publish.settings import File
from probe.publish.writer import Writer
from probe.values import AbsolutePath, Size

from .broker import HOST, account, until
from .pki import Pki
from .probes import Probe, numbers

REPORTS = 10_000


def _tables(tmp_path: Path, **ends: dict[str, Any]) -> dict[str, Any]:
    return {"identity": {"id": "gw-1", "site": "lab"}, "spool": {"directory": str(tmp_path / "spool")}, **ends}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_file_that_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    probe = Probe(_tables(tmp_path, file={"path": str(path), "size": "1MiB", "keep": 5}))
    probe.say(0, REPORTS)
    assert probe.drained()
    probe.close()
    files = [Path(f"{path}.{number}") for number in range(5, 0, -1)] + [path]
    there = [file for file in files if file.exists()]
    assert len(there) == 4
    assert all(file.stat().st_size <= 1 << 20 for file in there)
    assert [one["n"] for file in there for one in _lines(file)] == list(range(REPORTS))


def test_old_files_go(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    probe = Probe(_tables(tmp_path, file={"path": str(path), "size": "256KiB", "keep": 2, "form": "envelope"}))
    probe.say(0, REPORTS)
    assert probe.drained()
    probe.close()
    assert sorted(file.name for file in tmp_path.glob("reports*")) == [
        "reports.jsonl",
        "reports.jsonl.1",
        "reports.jsonl.2",
    ]
    last = numbers(account(_lines(path)))
    assert last[-1] == REPORTS - 1


def _stored(*items: bytes) -> Stored:
    return Stored(position=1, boot_id="b", seq=0, part="", kind="rollup", count=len(items), body=b",".join(items))


def test_a_line_cut_short_is_taken_away(tmp_path: Path) -> None:
    import asyncio

    path = tmp_path / "reports.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2,"te')
    end = FileEnd(File(path=AbsolutePath(path), size=Size(1 << 20)), Writer(Who("gw-1", "lab"), "records"))

    async def send() -> None:
        async with end.connect() as connection:
            await connection.send(_stored(b'{"n":3}'))

    asyncio.run(send())
    assert [one["n"] for one in _lines(path)] == [1, 3]


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "later" / "reports.jsonl"
    probe = Probe(_tables(tmp_path, file={"path": str(path)}))
    probe.say(0, 100)
    until(lambda: probe.said, "the reason is said")
    assert "no such file" in probe.said[0]
    path.parent.mkdir()
    assert probe.drained()
    probe.close()
    assert [one["n"] for one in _lines(path)] == list(range(100))


class Hook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bodies: ClassVar[list[tuple[dict[str, str], bytes]]] = []
    answers: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.bodies.append((dict(self.headers), body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[tuple[str, Pki]]:
    Hook.bodies.clear()
    Hook.answers.clear()
    pki = Pki(tmp_path)
    server = http.server.ThreadingHTTPServer((HOST, 0), Hook)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki.broker())
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://{HOST}:{server.server_port}/hook?a=1", pki
    server.shutdown()
    server.server_close()


def test_a_web_server_with_moods(hook: tuple[str, Pki], tmp_path: Path) -> None:
    url, pki = hook
    (tmp_path / "token").write_text("Bearer of-the-tests\n")
    Hook.answers += [503, 429, 500, 413, 401, 204, 413]
    link = {"url": url, "ca": str(pki.ca), "authorization": str(tmp_path / "token")}
    probe = Probe(_tables(tmp_path, http=link))
    probe.say(0, REPORTS)
    assert probe.drained(), probe.said
    probe.close()
    assert numbers(account([json.loads(body) for _, body in Hook.bodies])) == list(range(REPORTS))
    assert {headers["Authorization"] for headers, _ in Hook.bodies} == {"Bearer of-the-tests"}
    assert len({headers["Idempotency-Key"] for headers, _ in Hook.bodies}) == len(
        {(one["boot_id"], one["seq"], one.get("part")) for one in (json.loads(body) for _, body in Hook.bodies)}
    )
    assert "of-the-tests" not in "".join(probe.said)


def test_a_web_server_that_is_somebody_else(hook: tuple[str, Pki], tmp_path: Path) -> None:
    url, _ = hook
    (tmp_path / "other").mkdir()
    probe = Probe(_tables(tmp_path, http={"url": url, "ca": str(Pki(tmp_path / "other").ca)}))
    probe.say(0, 10)
    until(lambda: probe.said, "the reason is said")
    probe.close()
    assert "certificate verify failed" in probe.said[0]
    assert Hook.bodies == []


class Syslog:
    """A receiver of RFC 5425: octet counting over TLS. It reads frames by their length alone."""

    def __init__(self, pki: Pki) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pki.broker())
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]
        self.frames: list[bytes] = []
        self.drop_after: int | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.server.accept()
                with contextlib.suppress(OSError, ValueError), self.context.wrap_socket(raw, server_side=True) as one:
                    self._read(one.makefile("rb"))

    def _read(self, stream: Any) -> None:
        while True:
            length = b""
            while (byte := stream.read(1)) != b" ":
                if not byte:
                    return
                length += byte
            self.frames.append(stream.read(int(length)))
            if self.drop_after is not None and len(self.frames) >= self.drop_after:
                self.drop_after = None
                return


RFC5424 = re.compile(
    rb"<(\d{1,3})>1 (\S+) (\S+) transitproof ([0-9a-f-]{36}) (\w+) \[meta sequenceId=\"(\d+)\"\] (\{.*\})", re.DOTALL
)


def test_syslog_over_tls(tmp_path: Path) -> None:
    """Also through a connection that the receiver drops under way: what was in it comes again."""
    receiver = Syslog(Pki(tmp_path))
    receiver.drop_after = 3000
    link = {"host": HOST, "port": receiver.port, "ca": str(tmp_path / "ca.pem"), "timeout": "2s"}
    probe = Probe(_tables(tmp_path, syslog=link))
    probe.sink.put("finding", b'{"type":"finding","severity":"critical","n":-1}')
    for first in range(0, REPORTS, 100):
        probe.say(first, 100)
        time.sleep(0.002)
    assert probe.drained(), probe.said
    seen: list[tuple[bytes, ...]] = []

    def all_there() -> bool:
        seen[:] = [found.groups() for frame in receiver.frames if (found := RFC5424.fullmatch(frame))]
        return len({json.loads(one[6])["n"] for one in seen}) == REPORTS + 1

    until(all_there, "all have arrived")
    probe.close()
    receiver.server.close()
    assert len(seen) == len(receiver.frames)
    order = [json.loads(one[6])["n"] for one in seen]
    assert list(dict.fromkeys(order)) == list(range(-1, REPORTS))
    assert {int(one[0]) for one in seen} == {13 * 8 + 2, 13 * 8 + 6}
    for one in seen[:3]:
        dt.datetime.fromisoformat(one[1].decode())


def test_ocsf_in_a_file(tmp_path: Path) -> None:
    """What `replay --format ocsf` writes, but for whose it is; kinds without an event are passed over."""
    from probe.output import ocsf

    path = tmp_path / "events.jsonl"
    kinds = ["finding", "certificate", "flow", "tunnel", "summary"]
    probe = Probe(_tables(tmp_path, publish={"kinds": kinds}, file={"path": str(path), "form": "ocsf"}))
    expected = []
    for record in records("showcase.pcapng"):
        probe.sink.put(record["type"], json.dumps(record).encode())
        if (event := ocsf.event(record, probe="gw-1")) is not None:
            expected.append(event)
    probe.sink.flush()
    assert probe.drained()
    probe.close()
    by_uid = sorted(expected, key=json.dumps)
    assert sorted(_lines(path), key=json.dumps) == by_uid
    assert len(by_uid) > 50

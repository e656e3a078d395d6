"""Alerts: each finding makes one message for each end, whatever happens; real servers take them."""

import datetime as dt
import hashlib
import hmac
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from fleet import NOW, finding, message
from sqlalchemy import select, update

from collector import settings
from collector.alerts import ends, matching
from collector.alerts.service import Service
from collector.alerts.settings import Alerts, Email, EventBridge, Maintenance, Rule, Sns, Syslog, Webhook
from collector.settings import SettingsError
from collector.store.store import Store
from collector.store.tables import alerted, findings, outbox
from probe.values import AbsolutePath, Duration

EVIL = "x\r\nBcc: everybody@example\u202e<script>"


class Receiver(ThreadingHTTPServer):
    """Keeps what is posted; answers with `status`."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), Posted)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"


class Posted(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def rule(**more: Any) -> Rule:
    return Rule(**{"name": "r", "to": ("hook",), "wait": Duration(0), "again": Duration(0)} | more)


def tell(store: Store, clock: Clock, *uids: str, seq: int, **more: Any) -> None:
    store.write([message(*(finding(uid, **more) for uid in uids), seq=seq)], clock())


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in receiver.taken]


def service(store: Store, receiver: Receiver, clock: Clock, *rules: Rule, **more: Any) -> Service:
    alerts = Alerts(rule=rules or (rule(),), end={"hook": Webhook(url=receiver.url)}, url="https://c.example", **more)
    made = Service(store, alerts, clock)
    made.turn()  # from here on
    return made


def test_each_finding_once_and_again_after_it_was_over(store: Store, receiver: Receiver) -> None:
    clock = Clock()
    alerting = service(store, receiver, clock)
    tell(store, clock, "a", "b", seq=0)
    clock.now += 1
    alerting.turn()
    (first,) = told(receiver)
    assert first["count"] == 2
    assert first["group"] == {"site": "s1"}
    assert {row["uid"] for row in first["findings"]} == {"a", "b"}
    assert first["findings"][0]["url"] == "https://c.example/findings/" + first["findings"][0]["uid"]
    tell(store, clock, "a", "b", seq=1, last_seen="2026-11-18T00:01:00Z")
    store.write([message(finding("a"), seq=0, by="p2")], clock())
    clock.now += 20
    alerting.turn()
    assert len(told(receiver)) == 1, "seen again, and by another probe: no news"
    tell(store, clock, "a", seq=2, last_seen="2026-11-18T00:02:00Z", resolved=True)
    store.write([message(finding("a", last_seen="2026-11-18T00:02:00Z", resolved=True), seq=1, by="p2")], clock())
    clock.now += 1
    alerting.turn()
    tell(store, clock, "a", seq=3, last_seen="2026-11-18T00:03:00Z")
    clock.now += 1
    alerting.turn()
    assert [row["uid"] for row in told(receiver)[1]["findings"]] == ["a"]
    assert len(told(receiver)) == 2


def test_groups_wait_and_do_not_come_too_often(store: Store, receiver: Receiver) -> None:
    clock = Clock()
    alerting = service(store, receiver, clock, rule(wait=Duration(30), again=Duration(300), group="rule"))
    tell(store, clock, "a", seq=0)
    clock.now += 29
    tell(store, clock, "b", seq=1)
    alerting.turn()
    assert told(receiver) == []
    clock.now += 31
    alerting.turn()
    assert [one["count"] for one in told(receiver)] == [2]
    tell(store, clock, "c", seq=2)
    clock.now += 100
    alerting.turn()
    alerting.turn()
    assert len(told(receiver)) == 1
    clock.now += 300
    alerting.turn()
    assert [one["count"] for one in told(receiver)] == [2, 1]


def test_maintenance_holds_back_and_what_is_over_by_then_is_not_sent(store: Store, receiver: Receiver) -> None:
    clock = Clock()
    start = dt.datetime.fromtimestamp(NOW, dt.UTC)
    quiet = Maintenance(sites=("s*",), from_=start, until=start + dt.timedelta(hours=1))
    alerting = service(store, receiver, clock, maintenance=(quiet,))
    tell(store, clock, "a", "b", seq=0)
    clock.now += 60
    alerting.turn()
    with store.changing() as connection:
        connection.execute(
            update(findings).where(findings.c.uid == "b").values(workflow="acknowledged", changed=clock.now)
        )
    clock.now += 3000
    alerting.turn()
    assert told(receiver) == []
    clock.now += 3600
    alerting.turn()
    assert [[row["uid"] for row in one["findings"]] for one in told(receiver)] == [["a"]]


def test_what_is_not_taken_is_sent_again_with_the_same_id(store: Store, receiver: Receiver) -> None:
    clock = Clock()
    alerting = service(store, receiver, clock)
    receiver.status = 503
    tell(store, clock, "a", seq=0)
    clock.now += 1
    alerting.turn()
    alerting.turn()
    assert len(receiver.taken) == 1, "not before its time"
    receiver.status = 200
    clock.now += 6
    alerting.turn()
    first, second = receiver.taken
    assert first[0]["Idempotency-Key"] == second[0]["Idempotency-Key"] == json.loads(first[1])["id"]
    clock.now += 1000
    alerting.turn()
    assert len(receiver.taken) == 2
    assert alerting.counters == {"alerts_made": 1, "alerts_failed": 1, "alerts_sent": 1}


def test_of_two_collectors_one_does_the_work(store: Store, receiver: Receiver) -> None:
    clock = Clock()
    one, other = service(store, receiver, clock), service(store, receiver, clock)
    tell(store, clock, "a", seq=0)
    clock.now += 1
    other.turn()
    assert told(receiver) == [], "the first one has the lease"
    one.turn()
    assert len(told(receiver)) == 1
    clock.now += 120  # the first one is gone
    tell(store, clock, "b", seq=1)
    other.turn()
    assert [row["uid"] for row in told(receiver)[1]["findings"]] == ["b"]


def test_a_rule_says_which(store: Store, receiver: Receiver) -> None:
    clock = Clock()
    rules = (
        rule(name="tls", checks=("tls.*",), severity="medium", group="check"),
        rule(name="far", sites=("elsewhere",)),
        rule(name="worst", severity="critical", group="endpoint"),
    )
    alerting = service(store, receiver, clock, *rules)
    tell(store, clock, "a", seq=0, severity="medium")
    tell(store, clock, "b", seq=1, severity="critical", check="plaintext.credentials", endpoint="10.0.0.1:21/tcp")
    tell(store, clock, "c", seq=2, severity="low")
    tell(store, clock, "d", seq=3, severity="critical", status="not_observable")
    clock.now += 1
    alerting.turn()
    found = {one["rule"]: (one["group"], [row["uid"] for row in one["findings"]]) for one in told(receiver)}
    assert found == {"tls": ({"check": "tls.version"}, ["a"]), "worst": ({"endpoint": "10.0.0.1:21/tcp"}, ["b"])}


def test_killed_while_it_sends_nothing_is_lost_and_the_id_tells_what_is_doubled(
    tmp_path: Path, receiver: Receiver
) -> None:
    database = f"sqlite:///{tmp_path}/c.db"
    program = (
        "import sys, time\nfrom collector.store.store import Store\nfrom collector.alerts.service import Service\n"
        "from collector.alerts.settings import *\nfrom probe.values import Duration\n"
        "rule = Rule(name='r', to=('hook',), wait=Duration(0), again=Duration(0), group='endpoint')\n"
        "s = Service(Store(sys.argv[1]), Alerts(rule=(rule,), end={'hook': Webhook(url=sys.argv[2])}))\n"
        "s._owner = 'one'\nprint('up', flush=True)\nwhile True: s.turn(); time.sleep(0.01)\n"
    )
    store = Store(database)
    Service(store, Alerts(rule=(rule(group="endpoint"),))).turn()
    with store.changing() as connection:  # the lease is the programs'
        connection.exec_driver_sql("UPDATE meta SET value = '0' WHERE key = 'alerts_lease'")
    for kill in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", program, database, receiver.url], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            names = [finding(f"u{kill}-{number}", endpoint=f"10.0.{kill}.{number}:443/tcp") for number in range(20)]
            before = len(receiver.taken)
            store.write([message(*names, seq=kill)], time.time())
            end = time.monotonic() + 30
            while len(receiver.taken) < before + 5 and time.monotonic() < end:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
    with subprocess.Popen([sys.executable, "-c", program, database, receiver.url], stdout=subprocess.PIPE) as process:
        end = time.monotonic() + 40
        while len({one["id"] for one in told(receiver)}) < 40 and time.monotonic() < end:
            time.sleep(0.05)
        process.kill()
    by_id = {one["id"]: [row["uid"] for row in one["findings"]] for one in told(receiver)}
    assert sorted(uid for uids in by_id.values() for uid in uids) == sorted(
        f"u{k}-{n}" for k in range(2) for n in range(20)
    )
    store.close()


def test_a_webhook_is_signed(receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    ends.send(Webhook(url=receiver.url, secret=AbsolutePath(f"{tmp_path}/secret")), _told(), NOW)
    headers, body = receiver.taken[0]
    assert headers["Transitproof-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    receiver.status = 302
    with pytest.raises(ends.EndError, match="302"):
        ends.send(Webhook(url=receiver.url), _told(), NOW)


def _told(**more: Any) -> dict[str, Any]:
    row = {
        "uid": "a",
        "check_id": "tls.version",
        "severity": 3,
        "title": EVIL,
        "endpoint": EVIL,
        "name": EVIL,
        "site": "s1",
        "probe": "p1",
    }
    row |= {"policy": "", "rule": "", "first_seen": NOW, "last_seen": NOW} | more
    return matching.message(rule(), "s1", [row], "0123456789abcdef", "")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    folder, authority = tmp_path_factory.mktemp("pki"), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return str(folder / "ca.pem"), context


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_goes_out_under_tls_only(pki: tuple[str, ssl.SSLContext], implicit: bool) -> None:
    from aiosmtpd.controller import Controller

    taken: list[bytes] = []

    class Keep:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
            taken.append(envelope.content)
            return "250 kept"

    ca, context = pki
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    tls: dict[str, Any] = {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": True}
    server = Controller(Keep(), hostname="127.0.0.1", port=port, **tls)
    server.start()
    try:
        end = Email(
            host="127.0.0.1", port=port, implicit=implicit, sender="t@example", to=("a@example",), ca=AbsolutePath(ca)
        )
        ends.send(end, _told(), NOW)
        with pytest.raises(ends.EndError, match="certificate verify failed"):
            ends.send(
                Email(host="127.0.0.1", port=port, implicit=implicit, sender="t@example", to=("a@example",)),
                _told(),
                NOW,
            )
    finally:
        server.stop()
    (mail,) = taken
    head, _, body = mail.partition(b"\r\n\r\n")
    assert b"Message-ID: <0123456789abcdef@transitproof>" in head
    assert not [line for line in head.splitlines() if line.lower().startswith(b"bcc")]
    assert body


def test_mail_is_not_sent_where_tls_is_refused() -> None:
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Sink

    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    server = Controller(Sink(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        with pytest.raises(ends.EndError, match="STARTTLS"):
            ends.send(Email(host="127.0.0.1", port=port, sender="t@example", to=("a@example",)), _told(), NOW)
    finally:
        server.stop()


def test_syslog_under_tls(pki: tuple[str, ssl.SSLContext]) -> None:
    ca, context = pki
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            plain, _ = listening.accept()
            with context.wrap_socket(plain, server_side=True) as stream:
                while part := stream.recv(65536):
                    got.append(part)

        thread = threading.Thread(target=take)
        thread.start()
        ends.send(Syslog(host="127.0.0.1", port=listening.getsockname()[1], ca=AbsolutePath(ca)), _told(), NOW)
        thread.join(10)
    whole = b"".join(got)
    length, _, line = whole.partition(b" ")
    assert int(length) == len(line)
    assert line.startswith(b"<107>1 2026-")
    assert b"\n" not in line
    assert json.loads(line.partition(b" alert - ")[2])["title"] == EVIL


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    moto = pytest.importorskip("moto", reason="PyPI package moto is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with moto.mock_aws():
        yield


@pytest.mark.usefixtures("aws")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_aws() -> None:
    import boto3
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.sns import sns_backends

    topic = boto3.client("sns").create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    ends.send(Sns(topic=topic), _told(), NOW)
    sent = sns_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].topics[topic].sent_notifications
    assert json.loads(sent[0][1])["id"] == "0123456789abcdef"
    ends.send(EventBridge(), _told(), NOW)
    with pytest.raises(ends.EndError):
        ends.send(Sns(topic=topic + "x"), _told(), NOW)
    big = _told()
    big["findings"] = [big["findings"][0] | {"title": "x" * 9000}] * 50
    assert len(ends._event(big)) < ends.MAX_EVENT


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('[[alerts.rule]]\nname = "a"\nto = ["nobody"]', "no [alerts.end.nobody]"),
        ('[[alerts.rule]]\nname = "a"\nto = []', "must name an end"),
        ('[alerts.end.x]\nkind = "webhook"\nurl = "http://far.example/"', "https"),
        ('[alerts.end.x]\nkind = "pigeon"', "kind"),
        ('[alerts.end.x]\nkind = "syslog"\nhost = "far.example"\nplain = true', "under TLS only"),
        ("[[alerts.maintenance]]", "either from and until"),
        ('[[alerts.rule]]\nname = "a"\nto = ["x"]\nwait = 30', "30s"),
    ],
)
def test_a_configuration_that_is_wrong(tmp_path: Path, line: str, hint: str) -> None:
    (tmp_path / "c.toml").write_text(line)
    with pytest.raises(SettingsError) as error:
        settings.load(str(tmp_path / "c.toml"))
    assert hint in str(error.value)
    assert "\n" not in str(error.value)


def test_windows_of_each_week() -> None:
    night = Maintenance(days=("sat",), start=dt.time(22), end=dt.time(6))
    saturday = dt.datetime(2026, 11, 28, 23, tzinfo=dt.UTC).timestamp()
    assert matching.is_quiet([night], "s", saturday)
    assert matching.is_quiet([night], "s", saturday + 6 * 3600)
    assert not matching.is_quiet([night], "s", saturday + 8 * 3600)
    assert not matching.is_quiet([night], "s", saturday - 2 * 3600)
    assert not matching.is_quiet(
        [Maintenance(sites=("x",), days=("sat",), start=dt.time(1), end=dt.time(23, 59))], "s", saturday
    )


def test_the_tables_are_what_they_say(store: Store, receiver: Receiver) -> None:
    clock = Clock()
    alerting = service(store, receiver, clock)
    tell(store, clock, "a", seq=0)
    clock.now += 1
    alerting.turn()
    with store.reading() as connection:
        assert connection.execute(select(alerted.c.sent)).scalar_one() == clock.now
        assert connection.execute(select(outbox.c.done)).scalar_one() == clock.now
    clock.now += 40 * 86_400
    alerting.turn(tidy=True)
    with store.reading() as connection:
        assert connection.execute(select(outbox.c.id)).all() == []

"""Hidden certificates are fetched where the operator asked for it: in the networks named, once a day, not faster."""

import hashlib
import ipaddress
import json
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import dpkt
import pytest
import trustme
from captures import flows
from servers import openssl, write_chain

from probe import _parsers
from probe.reprobe.background import MAX_WAITING, Background, Session
from probe.reprobe.fetch import ReprobeError, Seen
from probe.reprobe.flight import predicted
from probe.reprobe.verifier import MAX_TARGETS, PAUSE, Verifier
from probe.trust.certificates import certificate_lines, parse
from probe.trust.chain import Chains
from probe.trust.store import Store

CAPTURES = Path(__file__).parent / "pcaps"
_END: Final = "-----END CERTIFICATE-----\n"
END = "2026-11-24T00:00:01.000000Z"
NETWORKS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


def _flow(host: str = "10.0.0.1", port: int = 443, **more: Any) -> bytes:
    tls = {"version": "TLSv1.3", "sni": "www.example", "alpn_offered": ["h2"], **more.pop("tls", {})}
    record = {"type": "flow", "dst_ip": host, "dst_port": port, "transport": "tcp", "class": "tls", "tls": tls, **more}
    record.setdefault("end", END)
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


class Asked:
    """Stands for the network: remembers who was connected to, and how."""

    def __init__(self) -> None:
        self.now, self.slept = 1e9, 0.0
        self.asked: list[tuple[Any, ...]] = []
        self.chain: list[bytes] = []

    def look(self, host: str, port: int, *, sni: str, alpn: Any, starttls: str | None, timeout: float) -> Seen:
        assert timeout > 0
        self.asked.append((host, port, sni, alpn, starttls))
        if host.endswith(".9"):
            raise ReprobeError("refused")
        return Seen(f"{host}:{port}/tcp", self.chain, "TLSv1.3", "")

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def verifier(self) -> Verifier:
        return Verifier(NETWORKS, Chains(Store()), look=self.look, clock=lambda: self.now, sleep=self.sleep)


def test_asks_as_the_clients_did() -> None:
    asked = Asked()
    verifier = asked.verifier()
    verifier.see(_flow() + _flow(port=25, starttls="smtp", tls={"alpn_offered": []}) + _flow(tls={"sni": "b.example"}))
    (first, *_) = verifier.records()
    assert first["evidence"]["class"] == "reprobed"
    list(verifier.records())
    assert asked.asked == [
        ("10.0.0.1", 443, "www.example", ("h2",), None),
        ("10.0.0.1", 25, "www.example", (), "smtp"),
        ("10.0.0.1", 443, "b.example", ("h2",), None),
    ]


def test_leaves_alone_what_it_was_not_asked_for() -> None:
    asked = Asked()
    verifier = asked.verifier()
    verifier.see(
        _flow("192.0.2.1")
        + _flow("2001:db8::1")
        + _flow(starttls="nntp")
        + _flow(transport="udp")
        + _flow(**{"class": "plaintext"})
    )
    assert list(verifier.records()) == []
    assert asked.asked == []
    assert verifier.counters == {"outside": 2, "unsupported": 1}


class Chain:
    """A leaf for www.example, of an authority, with its record."""

    def __init__(self, organisation: str, *, key: str = "rsa") -> None:
        authority = trustme.CA(organization_name=organisation)
        kind = trustme.KeyType.RSA if key == "rsa" else trustme.KeyType.ECDSA
        leaf = authority.issue_cert("www.example", key_type=kind)
        self.der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
        self.record = certificate_lines([parse(hashlib.sha256(self.der).hexdigest(), self.der).record])
        self.sha256 = json.loads(self.record)["sha256"]


def _findings(asked: Asked, chain: Chain, records: bytes) -> list[dict[str, Any]]:
    """What an endpoint that sends this chain comes to, after what was sent to others."""
    asked.chain = [chain.der]
    verifier = asked.verifier()
    verifier.see(records)
    return [record for record in verifier.records() if record["type"] == "finding"]


@pytest.mark.parametrize(
    ("organisation", "end", "differs"),
    [("Proxy", "2030-01-01", True), ("Proxy", "1999-01-01", False), ("Authority", "2030-01-01", False)],
    ids=["of-another", "issued-later", "of-the-same"],
)
def test_what_clients_were_sent_is_compared(organisation: str, end: str, differs: bool) -> None:
    sent, own = Chain(organisation), Chain("Authority")
    flow = _flow(end=f"{end}T00:00:00.000000Z", tls={"version": "TLSv1.2", "certificates": [sent.sha256]})
    found = _findings(Asked(), own, sent.record + flow)
    assert [(one["check"], one["evidence"]["class"]) for one in found] == [
        ("certificate.interception", "reprobed")
    ] * differs
    if differs:
        observed = found[0]["observed"]
        assert (observed["from"]["sha256"], observed["to"]["sha256"]) == (sent.sha256, own.sha256)
        assert "Proxy" in found[0]["title"]
    assert _findings(Asked(), sent, sent.record + flow) == []


@pytest.mark.parametrize(("more", "word"), [(-1, "shorter"), (0, "fits"), (60, "fits"), (400, "longer")])
def test_what_was_hidden_is_as_long_as_what_is_fetched(more: int, word: str) -> None:
    chain = Chain("Authority")
    expected = predicted([chain.der], "TLS_AES_128_GCM_SHA256")
    assert expected is not None
    tls = {"suite": "TLS_AES_128_GCM_SHA256", "server_flight": expected.start + more}
    found = _findings(Asked(), chain, _flow(tls=tls))
    assert {(one["observed"]["flight"], one["observed"]["flight_bytes"]) for one in found} == {
        (word, expected.start + more)
    }


def test_the_prediction_of_real_flights() -> None:
    """What could be read with keys says which chain was in them."""
    core = _parsers.Core(flows=False)
    core.feed(_parsers.Capture(str(CAPTURES / "tls13_keys.pcapng")), 1_000_000)
    core.finish()
    ders = {hashlib.sha256(der).hexdigest(): der for der in core.take().certificates}
    sessions = [flow["tls"] for flow in flows("tls13_keys.pcapng") if not flow["tls"]["resumed"]]
    asked = {"client_certificate" in tls for tls in sessions}
    assert asked == {True, False}
    for tls in sessions:
        expected = predicted([ders[sha256] for sha256 in tls["certificates"]], tls["suite"])
        assert expected is not None
        if "client_certificate" in tls:  # a CertificateRequest is in it
            assert tls["server_flight"] >= expected.start
        else:
            assert tls["server_flight"] in expected


def test_one_attempt_a_day_answered_or_not_and_none_in_a_hurry() -> None:
    asked = Asked()
    verifier = asked.verifier()
    for _ in range(3):
        verifier.see(_flow("10.0.0.9") + _flow("fd00::1"))
        list(verifier.records())
    assert len(asked.asked) == 2
    assert asked.slept == PAUSE
    assert verifier.counters == {"tried": 2, "answered": 1, "failed": 1}
    asked.now += 86_401
    list(verifier.records())
    assert len(asked.asked) == 4


def test_memory_is_bounded_and_says_so() -> None:
    verifier = Asked().verifier()
    for port in range(1, MAX_TARGETS + 11):
        verifier.see(_flow(port=port))
    assert verifier.counters == {"full": 10}


def _facts(**more: Any) -> bytes:
    return json.dumps({"class": "tls", "protocol": "tls", "tls.version": "TLSv1.3", **more}).encode()


def _session(
    endpoint: str, name: str | None, facts: bytes, told: dict[str, Any] | None = None, leaf: str | None = None
) -> Session:
    return endpoint, name, facts, json.dumps(told or {}).encode(), leaf, 1_700_000_000_000_000_000


def test_beside_the_agent() -> None:
    """What the capture thread hands over is looked at elsewhere; what was found waits for it."""
    asked = Asked()
    background = Background([asked.verifier()])
    suite = {"tls.suite": "TLS_AES_128_GCM_SHA256"}
    background.see(
        [
            _session("10.0.0.1:443/tcp", "www.example", _facts(), {"alpn_offered": ["h2", "http/1.1"]}),
            _session("10.0.0.1:443/tcp", "www.example", _facts(**suite), {"alpn_offered": ["other"]}),
            _session("[fd00::1]:25/tcp", None, _facts(starttls="smtp")),
            _session("10.0.0.2:443/tcp", "seen.example", _facts(**{"tls.version": "TLSv1.2"}), leaf="ab" * 32),
            _session("10.0.0.4:443/udp", "quic.example", _facts()),
            _session("192.0.2.1:443/tcp", "far.example", _facts()),
        ]
    )
    assert asked.asked == []
    background.step()
    assert asked.asked == [
        ("10.0.0.1", 443, "www.example", ("h2", "http/1.1"), None),
        ("fd00::1", 25, "", (), "smtp"),
        ("10.0.0.2", 443, "seen.example", (), None),
    ]
    kinds = [(kind, json.loads(line)["endpoint"]) for kind, line in background.take()]
    assert kinds == [("finding", "10.0.0.1:443/tcp"), ("finding", "[fd00::1]:25/tcp")]
    assert background.take() == []
    counted = {"reprobe_lost": 0, "reprobed_tried": 3, "reprobed_answered": 3, "reprobed_outside": 1}
    assert background.counters() == counted


def test_the_agent_compares_what_comes_after_its_attempt_without_another() -> None:
    asked, sent, own = Asked(), Chain("Proxy"), Chain("Authority")
    asked.chain = [own.der]
    background = Background([asked.verifier()])
    place, found = ("10.0.0.1:443/tcp", "www.example"), []
    hidden, seen = _session(*place, _facts()), _session(*place, _facts(), leaf=sent.sha256)
    for session in (hidden, seen, seen):
        background.see([(*session[:-1], 1_900_000_000_000_000_000)], sent.record)
        background.step()
        records = [json.loads(line) for kind, line in background.take() if kind == "finding"]
        found.append(
            [one["observed"]["from"]["sha256"] for one in records if one["check"] == "certificate.interception"]
        )
    assert len(asked.asked) == 1
    assert found == [[], [sent.sha256], []]


def test_a_file_of_this_host_says_nothing_of_what_was_sent() -> None:
    asked, sent, own = Asked(), Chain("Proxy"), Chain("Authority")
    asked.chain = [own.der]
    verifier = Verifier(NETWORKS, Chains(Store()), evidence="host", look=asked.look)
    verifier.see(sent.record + _flow(tls={"version": "TLSv1.2", "certificates": [sent.sha256]}))
    assert list(verifier.records()) == []


@pytest.mark.parametrize(
    ("capture", "told", "leaves"),
    [
        ("tls13_h2.pcap", {"alpn_offered", "server_flight"}, False),
        ("tls12_h2.pcap", {"alpn_offered"}, True),
    ],
)
def test_what_the_core_tells_of_sessions(capture: str, told: set[str], leaves: bool) -> None:
    """As the flow records have it, of the first flow of each observation."""
    core = _parsers.Core(flows=False)
    core.tell_sessions()
    core.feed(_parsers.Capture(str(CAPTURES / capture)), 1_000_000)
    core.finish()
    records = {
        (flow["tls"].get("server_flight"), tuple(flow["tls"].get("alpn_offered", []))) for flow in flows(capture)
    }
    sessions = core.take().sessions()
    assert sessions
    for endpoint, _, facts, besides, leaf, last_seen in sessions:
        decoded = json.loads(besides)
        assert endpoint.endswith("/tcp")
        assert b'"tls.version"' in facts
        assert told <= set(decoded)
        assert (decoded.get("server_flight"), tuple(decoded.get("alpn_offered", []))) in records
        assert (leaf is not None) == leaves
        assert last_seen > 1_600_000_000_000_000_000
    assert _parsers.Core(flows=False).take().sessions() == []


def test_the_agents_hand_over_is_bounded() -> None:
    background = Background([Asked().verifier()])
    background.see([_session("10.0.0.1:443/tcp", None, _facts())] * (MAX_WAITING + 5))
    assert background.lost == 5
    background.see([], b"{}\n" * (MAX_WAITING + 2))
    assert background.lost == 7


def test_stops_when_told() -> None:
    asked = Asked()
    verifier = asked.verifier()
    verifier.see(_flow() + _flow(port=444))
    list(verifier.records(stop=lambda: bool(asked.asked)))
    assert len(asked.asked) == 1


def _moved(capture: Path, port: int, to: Path) -> None:
    """The session of a capture, as if its server were on this host."""
    with capture.open("rb") as source, to.open("wb") as target:
        writer = dpkt.pcap.Writer(target)
        for stamp, frame in dpkt.pcap.Reader(source):
            packet = dpkt.ethernet.Ethernet(frame)
            for side in ("src", "dst"):
                if getattr(packet.data.data, side[0] + "port") == 443:
                    setattr(packet.data.data, side[0] + "port", port)
                    setattr(packet.data, side, bytes((127, 0, 0, 1)))
            packet.data.data.sum = packet.data.sum = 0
            writer.writepkt(bytes(packet), stamp)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl program is missing")
@pytest.mark.parametrize(
    ("network", "reasons"), [("127.0.0.0/8", ["not_observable", "ok"]), ("10.0.0.0/8", ["not_observable"])]
)
def test_a_replay_that_is_asked_to(tmp_path: Path, network: str, reasons: list[str]) -> None:
    write_chain(tmp_path, "www.example.test")
    with openssl(tmp_path) as port:
        _moved(CAPTURES / "tls13.pcap", port, tmp_path / "moved.pcap")
        command = [sys.executable, "-m", "probe", "replay", str(tmp_path / "moved.pcap"), "--reprobe", network]
        trust = ["--trust", str(tmp_path / "root.pem")]
        done = subprocess.run([*command, *trust], capture_output=True, text=True, check=True, timeout=60)
        shown = subprocess.run(
            [*command, *trust, "--format", "table"], capture_output=True, text=True, check=True, timeout=60
        )
    records = [json.loads(line) for line in done.stdout.splitlines()]
    findings = [record for record in records if record["type"] == "finding"]
    assert [finding["observed"]["reason"] for finding in findings] == reasons
    assert {finding["endpoint"] for finding in findings} == {f"127.0.0.1:{port}/tcp"}
    assert [record["type"] for record in records].count("certificate") == (2 if "ok" in reasons else 0) - (
        "ok" in reasons
    )
    wanted = {"tried": 1, "answered": 1} if "ok" in reasons else {"outside": 1}
    assert records[-1]["reprobed"] == wanted
    assert ("1 endpoint connected to (--reprobe), 1 answered" in shown.stdout) == ("ok" in reasons)


def test_a_network_that_is_none() -> None:
    command = [sys.executable, "-m", "probe", "replay", "x.pcap", "--reprobe", "10.0.0.1/8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "a network is like 10.0.0.0/8" in done.stderr

"""The report for people, compared as a whole, and its behaviour at the edges."""

from typing import Any

import msgspec
from fake_core import Batch, flow_id, observation

from probe.engine import Engine
from probe.model import Finding
from probe.output.table import MAX_BLOCKS, Context, render
from probe.output.terminal import Style
from probe.policy.load import load
from probe.report import Damage, EndpointTotals, Outcome, Problem
from probe.trust.store import Store

CONTEXT = Context(("rfc9325", "rfc8247"))


def _outcome(*observations: Any, **rest: Any) -> Outcome:
    engine = Engine(load(), Store(host=False))
    engine.feed(Batch(observations=list(observations)), "capture.pcapng")
    totals = {
        "start": "2026-11-23T10:00:00.000123Z",
        "end": "2026-11-23T10:02:31.500000Z",
        "packets": 12_345,
        "bytes": 5_300_000,
        "flows": 43,
        "by_class": {
            "tls": {"flows": 34, "bytes": 4_009_000},
            "ipsec": {"flows": 2, "bytes": 1_210_000},
            "plaintext": {"flows": 4, "bytes": 80_000},
            "unknown": {"flows": 3, "bytes": 1_000},
        },
    }
    report = engine.flush()
    findings = msgspec.json.Decoder(Finding).decode_lines(report.lines(len(report)))
    totals = rest.pop("totals", totals)
    return Outcome(files=["capture.pcapng"], findings=findings, by_severity=dict(report.against), totals=totals, **rest)


GOLDEN = """
  capture.pcapng
  12,345 packets · 5.3 MB · 43 flows · 2026-11-23 10:00:00 UTC, 2 min 31 s

  TLS       ━━━━━━━━━━━━━━━━━━━━━━━╸───────   75.6 %    4.0 MB       34 flows
  IPsec     ━━━━━━━────────────────────────   22.8 %    1.2 MB        2 flows
  encrypted ───────────────────────────────    0.0 %       0 B        0 flows
  plaintext ╸──────────────────────────────    1.5 %   80.0 kB        4 flows
  unknown   ╸──────────────────────────────   <0.1 %    1.0 kB        3 flows

  10.0.3.9:80/tcp
  critical  Password of account “ali\\x1b[31mce” sent in the clear (HTTP Basic)
            → Allow this login only over TLS, and change the secret: it must be
              taken as known to others.
            plaintext.credentials · 1 flow · capture.pcapng#7
  medium    HTTP in the clear
            → Serve it over HTTPS and redirect clear requests; then send
              Strict-Transport-Security.
            plaintext.protocol · 1 flow · capture.pcapng#7

  10.0.3.7:443/tcp
  pay.example · tls · 17 flows · 1.2 MB
  high      TLS 1.0 negotiated
            → Allow only TLS 1.2 and 1.3 on the server, and update clients that
              offer nothing newer.
            rfc9325 3.1 · 17 flows · capture.pcapng#118

  10.0.3.10:80/tcp and 1 more endpoint with the same findings
  medium    HTTP in the clear
            → Serve it over HTTPS and redirect clear requests; then send
              Strict-Transport-Security.
            plaintext.protocol · 2 flows · capture.pcapng#7

  Could not be observed
  ○ certificates of 1 endpoint: TLS 1.3 encrypts it
  ○ certificates of 1 endpoint: the session was resumed, which sends none
  ○ 3 flows (1.0 kB): too little was seen to name the protocol

  Not complete
  ▲ other.pcap: no such file or directory
  ▲ capture.pcapng is damaged at byte 1,234: truncated packet
  ▲ 5 packets dropped: ring_full
  ▲ interrupted: this is what was read until then

  ✖ 5 findings at 4 endpoints: 1 critical, 1 high, 3 medium
  Judged by rfc9325, rfc8247; certificates at packet time, against
  /etc/ssl/certs/ca-certificates.crt
"""


def test_golden() -> None:
    http = {"class": "plaintext", "protocol": "http"}
    outcome = _outcome(
        observation(
            {"class": "tls", "tls.version": "TLSv1.0", "tls.resumed": True},
            endpoint="10.0.3.7:443/tcp",
            name="pay.example",
            count=17,
            samples=[(flow_id("a"), 118)],
        ),
        observation(
            {**http, "plaintext.credentials": "http_basic", "plaintext.account": "ali\x1b[31mce"},
            endpoint="10.0.3.9:80/tcp",
        ),
        observation(http, endpoint="10.0.3.10:80/tcp"),
        observation(http, endpoint="10.0.3.11:80/tcp"),
        observation({"class": "plaintext", "protocol": "dns"}, endpoint="10.0.3.12:53/udp"),
        observation(
            {"class": "tls", "tls.version": "TLSv1.3", "tls.suite": "TLS_AES_128_GCM_SHA256"},
            endpoint="10.0.3.12:443/tcp",
        ),
        endpoints={"10.0.3.7:443/tcp": EndpointTotals(["tls"], 17, 1_200_000)},
        damaged=[Damage("capture.pcapng", 1234, "truncated packet")],
        problems=[Problem("other.pcap", "no such file or directory")],
        interrupted=True,
    )
    outcome.totals["drops"] = {"ring_full": 5}
    context = Context(CONTEXT.policies, roots=("/etc/ssl/certs/ca-certificates.crt",))
    assert render(outcome, context, Style(80)) == GOLDEN


def test_a_clean_capture_says_so_and_what_could_not_be_seen() -> None:
    text = render(_outcome(observation({"class": "tls", "tls.version": "TLSv1.3"})), CONTEXT, Style(80))
    assert "✔ Nothing to object to in what could be observed." in text
    assert "○ certificates of 1 endpoint: TLS 1.3 encrypts it" in text


def test_an_empty_capture_proves_nothing() -> None:
    text = render(_outcome(totals={"packets": 0, "bytes": 0, "flows": 0, "by_class": {}}), CONTEXT, Style(80))
    assert "No traffic to judge" in text
    assert "✔" not in text


def test_a_host_without_roots_is_told() -> None:
    text = render(_outcome(), Context(("rfc9325",), roots=()), Style(80))
    assert "no root is trusted here" in text


def test_no_line_is_wider_than_the_terminal() -> None:
    facts = {
        "class": "plaintext",
        "protocol": "http",
        "plaintext.credentials": "http_basic",
        "plaintext.account": "a" * 300,
    }
    for width in (60, 80, 110):
        text = render(_outcome(observation(facts)), CONTEXT, Style(width))
        assert max(len(line) for line in text.splitlines()) <= width


def test_long_lists_are_cut_and_say_where_the_rest_is() -> None:
    many = [
        observation(
            {"class": "plaintext", "protocol": "http", "plaintext.credentials": "x", "plaintext.account": str(n)},
            endpoint=f"10.0.0.{n}:80/tcp",
        )
        for n in range(MAX_BLOCKS + 3)
    ]
    text = render(_outcome(*many), CONTEXT, Style(80))
    assert "… 3 more endpoints with findings; --format jsonl lists every one." in text


def test_ascii_terminals_get_ascii() -> None:
    http = {"class": "plaintext", "protocol": "http"}
    text = render(_outcome(observation(http), damaged=[Damage("x", 1, "y")]), CONTEXT, Style(80, unicode=False))
    assert text.isascii()

"""The mix of an enterprise link, two minutes long: 33,330 flows, every class of traffic, mostly TLS.

Sizes of transfers follow a Pareto law, so that few flows carry most bytes. Each scenario below plays one flow (a
tunnel: two) and writes its truth down.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

from . import dns, ipsec, plain, quic, ssh, tls
from .capture import CaptureWriter, Size
from .conversation import CLIENT, ICMP, SERVER, UDP, Conversation, draw_path, internet_checksum
from .entropy import Entropy
from .names import draw_domain, draw_server_name
from .recorder import Recording, Recordings
from .tcp import TcpConversation
from .truth import Truth

SPAN_MICROSECONDS: Final = 120_000_000

TLS_PORTS: Final = (443, 8443, 9443, 6443, 5671, 993, 636)
TLS_PORT_WEIGHTS: Final = (82, 6, 3, 3, 2, 2, 2)
HTTP_PORTS: Final = (80, 8080, 8000, 3128)
HTTP_PORT_WEIGHTS: Final = (80, 12, 5, 3)

POST_QUANTUM_SHARE: Final = 0.5
ABORTED_SHARE: Final = 0.1
TUNNEL_SHARE: Final = 0.03

OLD_VERSION: Final = "old_version"


class Mix:
    """Scenarios of one capture; each takes the instant at which its first packet is sent."""

    def __init__(self, writer: CaptureWriter, truth: Truth, recordings: Recordings, seed: int) -> None:
        self._writer, self._truth, self._recordings = writer, truth, recordings
        self._rng, self._entropy = random.Random(seed), Entropy(seed)
        self._turn = 0

    def run(self, scale: float) -> None:
        """Play every scenario as often as the scale asks, in the order of their start."""
        plan: list[tuple[int, Scenario]] = []
        for scenario, count in SCENARIOS:
            repeats = max(1, int(count * scale))
            plan += [(int(self._rng.random() * SPAN_MICROSECONDS), scenario) for _ in range(repeats)]
        plan.sort(key=lambda entry: entry[0])
        for start, scenario in plan:
            self._writer.settle(start)
            scenario(self, start)

    def _alternate(self) -> bool:
        """True every other time."""
        self._turn += 1
        return self._turn % 2 == 0

    def _amount(self, minimum: int, shape: float, maximum: int) -> int:
        return int(min(maximum, minimum * self._rng.paretovariate(shape)))

    def _connect(self, start: int, port: int, *, ipv6: bool | None = None) -> TcpConversation:
        flow = TcpConversation(draw_path(self._rng, ipv6=ipv6), self._rng, start, port)
        flow.open()
        return flow

    def _end(self, flow: TcpConversation, *, may_abort: bool = False) -> None:
        if may_abort and self._rng.random() < ABORTED_SHARE:
            flow.abort()
        else:
            flow.close()
        self._writer.add(flow.frames)

    def _connect_tls(self, start: int) -> TcpConversation:
        return self._connect(start, self._rng.choices(TLS_PORTS, TLS_PORT_WEIGHTS)[0])

    def tls13(self, start: int) -> None:
        flow = self._connect_tls(start)
        recording, name = self._rng.choice(self._recordings.tls13), draw_server_name(self._rng)
        bulk = self._amount(4000, 0.86, 4_000_000)
        if self._rng.random() < POST_QUANTUM_SHARE:
            tls.play_post_quantum(flow, recording, self._entropy, name, bulk)
        else:
            tls.play(flow, recording, self._entropy, bulk, name)
        self._end(flow, may_abort=True)
        self._truth.note(flow, "tls", "tls", version="TLSv1.3", sni=name)

    def tls12(self, start: int) -> None:
        recording = self._rng.choice(self._recordings.tls12)
        flow = self._connect_tls(start)
        tls.play(flow, recording, self._entropy, self._amount(4000, 0.86, 4_000_000))
        self._end(flow, may_abort=True)
        self._note_tls(flow, recording)

    def old_tls(self, start: int) -> None:
        self._weak_tls(start, self._rng.choice(self._recordings.old), OLD_VERSION)

    def broken_chain(self, start: int) -> None:
        recording = self._rng.choice(self._recordings.defective)
        self._weak_tls(start, recording, recording.defect)

    def _weak_tls(self, start: int, recording: Recording, detail: str) -> None:
        flow = self._connect(start, 443)
        tls.play(flow, recording, self._entropy, self._amount(3000, 1.0, 300_000))
        self._end(flow)
        self._note_tls(flow, recording, detail)

    def _note_tls(self, flow: TcpConversation, recording: Recording, detail: str = "") -> None:
        version, name = recording.contract_version, recording.server_name
        self._truth.note(flow, "tls", "tls", version=version, sni=name, detail=detail)

    def quic(self, start: int) -> None:
        flow = Conversation(draw_path(self._rng), self._rng, start, UDP, 443)
        name, bulk = draw_server_name(self._rng), self._amount(3000, 0.95, 2_000_000)
        quic.play(flow, self._entropy, name, bulk, post_quantum=self._rng.random() < POST_QUANTUM_SHARE)
        self._writer.add(flow.frames)
        self._truth.note(flow, "tls", "quic", version="TLSv1.3", sni=name)

    def http(self, start: int) -> None:
        flow = self._connect(start, self._rng.choices(HTTP_PORTS, HTTP_PORT_WEIGHTS)[0])
        plain.http(flow, self._entropy, draw_domain(self._rng))
        self._end(flow)
        self._truth.note(flow, "plaintext", "http")

    def ftp(self, start: int) -> None:
        flow = self._connect(start, 21)
        plain.ftp(flow)
        self._end(flow)
        self._truth.note(flow, "plaintext", "ftp")

    def mail(self, start: int) -> None:
        flow = self._connect(start, self._rng.choice((25, 587)))
        if self._alternate():
            plain.smtp_until_starttls(flow)
            recordings = self._recordings
            recording = self._rng.choice(self._rng.choice((recordings.tls12, recordings.tls13)))
            tls.play(flow, recording, self._entropy, 2000)
            self._end(flow)
            self._note_tls(flow, recording, "starttls_smtp")
        else:
            plain.smtp(flow)
            self._end(flow)
            self._truth.note(flow, "plaintext", "smtp")

    def redis(self, start: int) -> None:
        flow = self._connect(start, 6379, ipv6=False)
        plain.redis(flow, self._entropy)
        self._end(flow)
        self._truth.note(flow, "plaintext", "redis")

    def mysql(self, start: int) -> None:
        flow = self._connect(start, 3306, ipv6=False)
        plain.mysql(flow, self._entropy)
        self._end(flow)
        self._truth.note(flow, "plaintext", "mysql")

    def ssh(self, start: int) -> None:
        flow = self._connect(start, 22)
        ssh.session(flow, self._entropy)
        self._end(flow)
        self._truth.note(flow, "encrypted", "ssh")

    def unknown_tcp(self, start: int) -> None:
        flow = self._connect(start, self._rng.randrange(1025, 32000))
        for _ in range(self._rng.randrange(2, 12)):
            flow.send(self._rng.randrange(2), self._entropy.take(self._rng.randrange(20, 6000)))
        self._end(flow)
        self._truth.note(flow, "unknown")

    def unknown_udp(self, start: int) -> None:
        flow = Conversation(draw_path(self._rng), self._rng, start, UDP, self._rng.randrange(1025, 32000))
        for _ in range(self._rng.randrange(2, 60)):
            flow.udp(self._rng.randrange(2), self._entropy.take(self._rng.randrange(20, 1200)))
            flow.wait(900)
        self._writer.add(flow.frames)
        self._truth.note(flow, "unknown")

    def query(self, start: int) -> None:
        flow = Conversation(draw_path(self._rng), self._rng, start, UDP, dns.DNS_PORT)
        tunnel = self._rng.random() < TUNNEL_SHARE
        dns.play(flow, dns.exchange(self._rng, tunnel=tunnel))
        self._writer.add(flow.frames)
        self._truth.note(flow, "plaintext", "dns", detail="tunnel" if tunnel else "")

    def natted_tunnel(self, start: int) -> None:
        ipsec.add_tunnel(self._writer, self._truth, self._rng, self._entropy, start, nat=True)

    def bare_tunnel(self, start: int) -> None:
        ipsec.add_tunnel(self._writer, self._truth, self._rng, self._entropy, start, nat=False)

    def ping(self, start: int) -> None:
        flow = Conversation(draw_path(self._rng, ipv6=False), self._rng, start, ICMP, 0, client_port=0)
        for sequence in range(2):
            for side, kind in ((CLIENT, 8), (SERVER, 0)):
                rest = b"\0\x07" + sequence.to_bytes(2, "big") + bytes(56)
                checksum = internet_checksum(bytes([kind, 0, 0, 0]) + rest)
                flow.packet(side, bytes([kind, 0]) + checksum.to_bytes(2, "big") + rest)
                flow.wait(flow.round_trip)
        self._writer.add(flow.frames)
        self._truth.note(flow, "plaintext", "icmp")


Scenario = Callable[[Mix, int], None]

SCENARIOS: Final[tuple[tuple[Scenario, int], ...]] = (
    (Mix.tls13, 7200),
    (Mix.tls12, 4300),
    (Mix.old_tls, 250),
    (Mix.broken_chain, 250),
    (Mix.quic, 2300),
    (Mix.http, 1800),
    (Mix.ftp, 150),
    (Mix.mail, 450),
    (Mix.redis, 400),
    (Mix.mysql, 400),
    (Mix.ssh, 150),
    (Mix.unknown_tcp, 450),
    (Mix.unknown_udp, 450),
    (Mix.query, 14_000),
    (Mix.natted_tunnel, 60),
    (Mix.bare_tunnel, 30),
    (Mix.ping, 600),
)


def make(path: Path, recordings: Recordings, seed: int, scale: float) -> Size:
    """Write the capture, with its truth (`.truth.csv`) and its trust anchor (root.pem) beside it."""
    truth = Truth()
    with CaptureWriter(path) as writer:
        Mix(writer, truth, recordings, seed).run(scale)
    truth.save(path.with_suffix(".truth.csv"))
    path.with_name("root.pem").write_text(recordings.root_pem, encoding="ascii")
    return Size(writer.packets, len(truth.lines))

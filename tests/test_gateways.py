"""Captures at a gateway, held against what the gateway knew; and the file that the live agent looks at."""

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from captures import PCAPS

import probe
from probe import gateway_file
from probe.engine import load_core
from probe.gateway.state import Association, Policy, State, encode
from probe.gateway_file import GatewayFile
from probe.journal import Journal
from probe.values import AbsolutePath

sys.path.append(str(PCAPS / "make"))

scapy = pytest.importorskip("scapy.layers.ipsec", reason="scapy writes what is read here")
from ipsec_raw import GATEWAYS, INNER, exchange  # noqa: E402
from scapy.layers.inet import IP  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

BEGIN: Final = 1_790_000_000
SPIS: Final = (0xC0FFEE01, 0xC0FFEE02)
PROTECT: Final = Policy("203.0.113.0/25", "203.0.113.128/25", "out", "allow", transforms=("esp",), peers=GATEWAYS)


def _capture(tmp_path: Path, *, bare: bool = False) -> Path:
    """ESP of both gateways for a minute, and in the clear what should be inside."""
    associations = [
        scapy.SecurityAssociation(
            scapy.ESP,
            spi=SPIS[way],
            crypt_algo="AES-GCM",
            crypt_key=b"k" * 20,
            tunnel_header=IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way]),
        )
        for way in (0, 1)
    ]
    frames = []
    for number, (way, packet) in enumerate(exchange(INNER) * 2):
        for inside in (True, False) if bare else (True,):
            frame = Ether(dst="02:00:00:00:00:02") / (associations[way].encrypt(packet) if inside else packet)
            frame.time = BEGIN + number * 4
            frames.append(frame)
    path = tmp_path / "gateway.pcap"
    wrpcap(str(path), frames)
    return path


def _known(way: int, packets: int = 9, **more: Any) -> Association:
    ends = {"src": GATEWAYS[way], "dst": GATEWAYS[1 - way], "spi": SPIS[way]}
    told = {"protocol": "esp", "mode": "tunnel", "encr": "ENCR_AES_GCM_16", "key_length": 128, "hard_seconds": 3600}
    return Association(packets=packets, **{**told, **ends, **more})


def _findings(tmp_path: Path, *states: State, bare: bool = False, **options: Any) -> list[dict[str, Any]]:
    file = tmp_path / "gateway.json"
    file.write_bytes(b"".join(map(encode, states)))
    records = list(probe.replay(_capture(tmp_path, bare=bare), gateway=file, **options))
    findings = [record for record in records if record["type"] == "finding"]
    assert Counter(finding["uid"] for finding in findings).most_common(1)[0][1:] == (1,), "told twice"
    return findings


def _state(*associations: Association, second: int = 30, policies: tuple[Policy, ...] = ()) -> State:
    return State(BEGIN + second, (GATEWAYS[0],), associations, policies)


def test_what_the_kernel_does_not_know(tmp_path: Path) -> None:
    [finding] = [f for f in _findings(tmp_path, _state(_known(0))) if f["check"] == "ipsec.association"]
    assert (finding["status"], finding["evidence"]["class"]) == ("warn", "host")
    assert finding["endpoint"] == f"{GATEWAYS[0]}<->{GATEWAYS[1]}/esp"
    assert finding["observed"]["host.way"] == f"{GATEWAYS[1]} to {GATEWAYS[0]}"
    assert finding["first_seen"] == "2026-09-21T14:14:20.000000Z", "when the capture ends"


def test_what_the_capture_does_not_show(tmp_path: Path) -> None:
    hidden = {"src": GATEWAYS[0], "dst": "198.51.100.99", "spi": 7}
    states = [_state(_known(0), _known(1), _known(0, packets, **hidden), second=10 * packets) for packets in (1, 5)]
    [finding] = [f for f in _findings(tmp_path, *states) if f["check"] == "ipsec.association"]
    assert (finding["status"], finding["observed"]["host.way"]) == (
        "not_observable",
        f"{GATEWAYS[0]} to 198.51.100.99",
    )


def test_policies_of_the_kernel_say_what_has_to_be_inside(tmp_path: Path) -> None:
    state = _state(_known(0), _known(1), policies=(PROTECT,))
    [leak] = [f for f in _findings(tmp_path, state, bare=True) if f["check"] == "ipsec.leak"]
    assert (leak["status"], leak["evidence"]["class"]) == ("fail", "host")
    assert leak["observed"]["leak.source"] == "host"


def test_algorithms_of_the_kernel_are_judged_by_the_rules(tmp_path: Path) -> None:
    weak = {"encr": "ENCR_3DES", "key_length": None, "integ": "AUTH_HMAC_MD5_96"}
    # Two sets of facts, one finding for each rule.
    state = _state(_known(0, **weak), _known(1, **weak, hard_bytes=1, packets=1), second=200)
    found = {f["rule"]: f for f in _findings(tmp_path, state, policies=["rfc8221"]) if "rule" in f}
    assert {finding["check"] for finding in found.values()} == {"esp.encr", "esp.integ"}
    assert {finding["evidence"]["class"] for finding in found.values()} == {"host"}


class _Core:
    """What the file asks of the core."""

    def __init__(self) -> None:
        self.told = False
        self.policies: list[str] = []

    def tell_tunnels(self) -> None:
        self.told = True

    def protect(self, policies: list[str], *, host: bool) -> None:
        assert host
        self.policies = policies


def test_the_file_of_a_live_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    core, path, now = _Core(), tmp_path / "gateway.json", int(time.time())
    watched = GatewayFile(AbsolutePath(path), core, Journal())  # type: ignore[arg-type]
    assert core.told

    def seen() -> int:
        return len(watched.look(now).sightings())

    assert (seen(), seen()) == (0, 0)
    assert capsys.readouterr().err.count("no such file") == 1, "said once"
    path.write_bytes(encode(State(now, (GATEWAYS[0],), (_known(0),), (PROTECT,))))
    assert (seen(), seen()) == (1, 0), "each state once"
    assert core.policies == ["203.0.113.0/25,203.0.113.128/25"]
    path.write_bytes(encode(State(now - gateway_file.OLD - 1)))
    assert seen() == 0
    assert "is transitproof-gateway running?" in capsys.readouterr().err


def test_what_is_told_of_flows_that_end_and_of_those_that_last() -> None:
    """Of a live one every 300 s, before the record of its tunnel."""
    parsers = load_core()
    core, capture = parsers.Core(flows=False), parsers.Capture(str(PCAPS / "ipsec" / "esp_days.pcap"))
    core.tell_tunnels()
    core.stay_live()
    batches = []
    while core.feed(capture, 2):
        batches.append(core.take())
    early = [msgspec.json.decode(line) for batch in batches for line in batch.so_far.splitlines()]
    assert [tunnel["type"] for tunnel in early[:1]] == ["tunnel"]
    assert early[0]["esp"]["packets"][0] > 0
    told = [msgspec.json.decode(line) for batch in batches for line in batch.associations.splitlines()]
    assert {"protocol", "src", "dst", "spi", "start", "end", "packets"} == set(told[0])

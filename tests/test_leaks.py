"""Traffic around tunnels: written by scapy, inside an association, outside, or both."""

import sys
from pathlib import Path
from typing import Any, Final

import pytest
from captures import PCAPS

import probe

sys.path.append(str(PCAPS / "make"))

scapy = pytest.importorskip("scapy.layers.ipsec", reason="scapy writes what is read here")
from ipsec_raw import GATEWAYS, INNER, exchange  # noqa: E402
from scapy.layers.inet import ICMP, IP  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

MAC: Final = "02:00:00:00:00:02"
BEGIN: Final = 1_790_000_000.0
BOTH: Final = "203.0.113.0/25,203.0.113.128/25"
KEY: Final = bytes(range(20))
TABLE: Final = "".join(
    f'"IPv4","{GATEWAYS[way]}","{GATEWAYS[1 - way]}","0xc0ffee0{1 + way}","AES-GCM [RFC4106]","0x{KEY.hex()}",'
    '"ANY 128 bit authentication [no checking]",""\n'
    for way in (0, 1)
)


def _associations(cipher: str) -> list[Any]:
    keys = {"NULL": {"auth_algo": "SHA2-256-128", "auth_key": b"k" * 32}, "AES-GCM": {"crypt_key": KEY}}[cipher]
    return [
        scapy.SecurityAssociation(
            scapy.ESP,
            spi=0xC0FFEE01 + way,
            crypt_algo=cipher,
            tunnel_header=IP(src=GATEWAYS[way], dst=GATEWAYS[1 - way]),
            **keys,
        )
        for way in (0, 1)
    ]


def _frames(at: float, ways: tuple[int, ...] = (0, 1), cipher: str | None = None) -> list[Any]:
    """An HTTP exchange, bare or under ESP; only of these directions."""
    associations = _associations(cipher) if cipher else []
    frames = []
    for number, (way, packet) in enumerate(exchange(INNER)):
        if way in ways:
            frame = Ether(dst=MAC) / (associations[way].encrypt(packet) if cipher else packet)
            frame.time = BEGIN + at + number * 0.001
            frames.append(frame)
    return frames


def _leaks(tmp_path: Path, frames: list[Any], **options: Any) -> list[dict[str, Any]]:
    path = tmp_path / "x.pcap"
    wrpcap(str(path), sorted(frames, key=lambda frame: frame.time))
    records = list(probe.replay(path, **options))
    assert records[-1]["limits"] == {}
    return [record for record in records if record.get("check") == "ipsec.leak"]


def test_in_the_clear_between_the_networks_of_a_policy(tmp_path: Path) -> None:
    [leak] = _leaks(tmp_path, _frames(0), protect=[BOTH])
    assert (leak["status"], leak["severity"], leak["endpoint"]) == ("fail", "high", f"{INNER[1]}:80/tcp")
    assert leak["title"] == f"HTTP in the clear outside of the tunnel that has to carry {BOTH}"
    assert leak["observed"] == {
        "leak.class": "plaintext",
        "leak.protocol": "http",
        "leak.source": "given",
        "leak.policy": BOTH,
        "leak.direction": "both",
        "leak.seen_inside": False,
    }
    assert leak["evidence"]["class"] == "observed"


@pytest.mark.parametrize("policy", ["203.0.113.0/24", "10.1.0.0/16,203.0.113.0/24", "2001:db8::/32"])
def test_what_no_policy_is_about(tmp_path: Path, policy: str) -> None:
    assert _leaks(tmp_path, _frames(0), protect=[policy]) == []


def test_inside_is_no_leak(tmp_path: Path) -> None:
    assert _leaks(tmp_path, _frames(0, cipher="NULL"), protect=[BOTH]) == []


@pytest.mark.parametrize(("ways", "direction", "status"), [((0,), "outbound", "fail"), ((1,), "inbound", "warn")])
def test_one_direction(tmp_path: Path, ways: tuple[int, ...], direction: str, status: str) -> None:
    """A gateway's own capture shows inbound packets again once they are decrypted."""
    [leak] = _leaks(tmp_path, _frames(0, ways), protect=[BOTH])
    assert (leak["observed"]["leak.direction"], leak["status"]) == (direction, status)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("protect", [[], [BOTH]], ids=["without", "policy"])
@pytest.mark.parametrize("cipher", ["NULL", "AES-GCM"])
def test_the_same_packets_inside_and_outside(tmp_path: Path, cipher: str, protect: list[str], workers: int) -> None:
    keys = tmp_path / "esp_sa"
    keys.write_text(TABLE)
    frames = _frames(0) + _frames(0.0003, cipher=cipher)
    [leak] = _leaks(tmp_path, frames, protect=protect, keylog=[keys], workers=workers)
    assert (leak["status"], leak["observed"]["leak.seen_inside"]) == ("warn", True)


def test_sent_in_the_clear_first_and_then_inside(tmp_path: Path) -> None:
    """Before the tunnel was up: no copy, and without a policy nothing can be said."""
    frames = _frames(0, (0,)) + _frames(1.5, cipher="NULL")
    assert _leaks(tmp_path, frames) == []
    [leak] = _leaks(tmp_path, frames, protect=[BOTH])
    assert (leak["status"], leak["observed"]["leak.seen_inside"]) == ("fail", False)


def test_the_way_back_is_outside(tmp_path: Path) -> None:
    [leak] = _leaks(tmp_path, _frames(0, (0,), "NULL") + _frames(0, (1,)), protect=["203.0.113.128/25"])
    assert (leak["status"], leak["observed"]["leak.direction"]) == ("fail", "outbound")


def test_pings_and_their_leak(tmp_path: Path) -> None:
    ping = Ether(dst=MAC) / IP(src=INNER[0], dst=INNER[1]) / ICMP() / (b"x" * 32)
    ping.time = BEGIN
    [leak] = _leaks(tmp_path, [ping], protect=[BOTH])
    assert (leak["endpoint"], leak["observed"]["leak.protocol"]) == (f"{INNER[1]}/icmp", "icmp")


@pytest.mark.parametrize("workers", [1, 3])
def test_selectors_read_with_keys_are_a_policy(tmp_path: Path, workers: int) -> None:
    """Added to a recording: what its tunnel is for, in the clear, after it came up."""
    from scapy.utils import rdpcap

    recorded = PCAPS / "ipsec" / "keys_gcm.pcap"
    keys = recorded.with_suffix(".keys")
    frames = list(rdpcap(str(recorded)))
    last = float(frames[-1].time)
    for number, (_, packet) in enumerate(exchange(INNER)):
        frame = Ether(dst=MAC) / packet
        frame.time = last + 1 + number * 0.001
        frames.append(frame)
    [leak] = _leaks(tmp_path, frames, keylog=[keys], workers=workers)
    assert (leak["observed"]["leak.source"], leak["evidence"]["class"]) == ("traffic_selectors", "decrypted")
    assert (leak["status"], leak["observed"]["leak.policy"]) == ("fail", "203.0.113.0/25 <-> 203.0.113.128/25")
    assert _leaks(tmp_path, frames) == []


@pytest.mark.parametrize("text", ["0.0.0.0/0", "ten", "10.0.0.0/33", "10.0.0.0/8,"])
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(ValueError, match=r"everything|network|address"):
        list(probe.replay("none.pcap", protect=[text]))

"""Declared connections beside the live agent."""

from typing import Any

import msgspec

from probe.vpn import Declared, Vpn
from probe.vpn_watch import PERIOD, VpnWatch

BEGIN = 1_790_000_000


class _Core:
    told = False

    def tell_tunnels(self) -> None:
        self.told = True


class _Batch:
    def __init__(self, peer: str, packets: list[int]) -> None:
        esp = {"sas": [1, 1], "packets": packets, "bytes": packets, "lost": 0, "replayed": 0, "nat_t": False}
        tunnel = {"start": "", "end": "", "peers": ["192.0.2.1", peer], "flows": 1, "bytes": packets, "esp": esp}
        self.so_far = msgspec.json.encode(tunnel) + b"\n"


def _states(watch: VpnWatch, now: int) -> list[str]:
    facts: list[dict[str, Any]] = [msgspec.json.decode(sighting[2]) for sighting in watch.look(now).sightings()]
    return [one["vpn.state"] for one in facts]


def test_tunnels_of_the_last_minutes() -> None:
    vpn = Vpn("vpn-1", [Declared("203.0.113.17"), Declared("203.0.113.18")])
    core = _Core()
    watch = VpnWatch([vpn], core, BEGIN)  # type: ignore[arg-type]
    assert core.told
    for second in (10, 310, 610):
        watch.see(_Batch("203.0.113.17", [3, 4]), BEGIN + second)  # type: ignore[arg-type]
    assert _states(watch, BEGIN + PERIOD - 1) == [], "not everything that goes on was told"
    assert _states(watch, BEGIN + PERIOD) == ["carries", "unseen"]
    watch.see(_Batch("203.0.113.18", [3, 0]), BEGIN + 2 * PERIOD)  # type: ignore[arg-type]
    assert _states(watch, BEGIN + 2 * PERIOD) == ["unseen", "one_way"], "what was seen long ago is forgotten"

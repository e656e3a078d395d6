"""Records of tunnels put together."""

import json
from typing import TYPE_CHECKING, Any

from probe import tunnels

if TYPE_CHECKING:
    from probe.tunnels import Tunnels


def record(peers: list[str], **more: Any) -> bytes:
    basis = {"type": "tunnel", "start": "2026-11-24T00:00:00.000000Z", "end": "2026-11-24T01:00:00.000000Z"}
    return (
        json.dumps({**basis, "peers": peers, "flows": 1, "packets": [1, 1], "bytes": [10, 20], **more}).encode() + b"\n"
    )


def esp(packets: list[int]) -> dict[str, Any]:
    return {"sas": [1, 1], "packets": packets, "bytes": packets, "lost": 1, "replayed": 0, "nat_t": False}


def test_records_of_the_same_peers_are_one_tunnel_whoever_began() -> None:
    seen: Tunnels = {}
    chosen = {"encr": "ENCR_AES_GCM_16"}
    first = record(["192.0.2.1", "192.0.2.2"], ike={"version": 2, "chosen": chosen, "sas": 1}, esp=esp([5, 7]))
    later = record(["192.0.2.2", "192.0.2.1"], ike={"version": 2, "sas": 1}, esp=esp([1, 2]))
    assert tunnels.add(seen, first + later) == 0
    [tunnel] = seen.values()
    assert (tunnel.flows, tunnel.bytes) == (2, [30, 30])
    assert tunnel.esp is not None
    assert (tunnel.esp.packets, tunnel.esp.lost) == ([7, 8], 2)
    assert tunnel.ike is not None
    assert (tunnel.ike.sas, tunnel.ike.chosen) == (2, chosen)


def test_the_same_peers_in_another_network_are_others() -> None:
    seen: Tunnels = {}
    peers = ["192.0.2.1", "192.0.2.2"]
    tunnels.add(seen, record(peers) + record(peers, tunnel=["vxlan:42"]))
    assert len(seen) == 2


def test_there_is_an_end_to_it() -> None:
    seen: Tunnels = {(str(n),): None for n in range(tunnels.MAX_TUNNELS)}  # type: ignore[misc]
    assert tunnels.add(seen, record(["192.0.2.1", "192.0.2.2"])) == 1

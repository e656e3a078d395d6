"""Declared VPN connections, and what is seen held against them."""

from pathlib import Path

import pytest

from probe import vpn
from probe.tunnels import Esp, Ike, Tunnel, Tunnels
from probe.vpn import Declared, Vpn, VpnError

# As the API answers, cut down; the key must not be looked at.
AWS = """{"VpnConnections": [{"VpnConnectionId": "vpn-1", "CustomerGatewayConfiguration": "<x/>", "Options": {
  "TunnelOptions": [{"OutsideIpAddress": "203.0.113.17", "PreSharedKey": "secret", "Phase1LifetimeSeconds": 28800,
    "IkeVersions": [{"Value": "ikev2"}], "Phase1DHGroupNumbers": [{"Value": 20}],
    "Phase1EncryptionAlgorithms": [{"Value": "AES256-GCM-16"}], "Phase1IntegrityAlgorithms": [{"Value": "SHA2-384"}]}]},
  "VgwTelemetry": [{"OutsideIpAddress": "203.0.113.18"}, {"OutsideIpAddress": "203.0.113.17"}]}]}"""

TOML = """
[[vpn]]
name = "vpn-1"
[[vpn.tunnel]]
outside_address = "203.0.113.17"
ike_versions = ["ikev2"]
phase1_encryption_algorithms = ["AES256-GCM-16"]
phase1_integrity_algorithms = ["SHA2-384"]
phase1_dh_group_numbers = [20]
phase1_lifetime_seconds = 28800
[[vpn.tunnel]]
outside_address = "203.0.113.18"
"""


def load(path: Path, text: str) -> tuple[Vpn, ...]:
    file = path / "vpn"
    file.write_text(text)
    return vpn.load(str(file))


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    assert load(tmp_path, AWS) == load(tmp_path, TOML)
    assert "secret" not in repr(load(tmp_path, AWS))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"VpnConnections": [7]}', TOML.replace("203.0.113.17", "gateway"), "[[vpn]]\nname = 7\n"]
)
def test_anything_else_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(VpnError) as error:
        load(tmp_path, text)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(VpnError, match="no such file"):
        vpn.load(str(tmp_path / "none"))


def tunnel(peer: str, ike: Ike | None, packets: list[int]) -> Tunnel:
    carried = Esp([1, 1], packets, packets)
    return Tunnel("", "", ["192.0.2.1", peer], 1, packets, ike=ike, esp=carried)


CHOSEN = {"encr": "ENCR_AES_GCM_16", "key_length": 256, "prf": "PRF_HMAC_SHA2_384", "ke": "ecp384"}


def test_what_is_seen_is_held_against_what_was_declared(tmp_path: Path) -> None:
    declared = load(tmp_path, TOML)
    weak = {"encr": "ENCR_AES_CBC", "key_length": 128, "prf": "PRF_HMAC_SHA1", "ke": "modp1024", "lifetime": 86_400}
    seen: Tunnels = {("a",): tunnel("203.0.113.17", Ike(1, chosen=weak), [3, 3])}
    (where, first), (elsewhere, second) = vpn.observations(declared, seen)
    assert (where, elsewhere) == ("192.0.2.1<->203.0.113.17/ike", "203.0.113.18/esp")
    assert first["vpn.differs"] == [
        "IKE version ikev1",
        "phase 1 encryption AES128",
        "phase 1 integrity SHA1",
        "phase 1 group 2",
        "phase 1 lifetime 86400 s",
    ]
    assert (first["vpn.state"], second["vpn.state"], second["vpn.others"]) == ("carries", "unseen", ["carries"])
    assert "vpn.differs" not in second


@pytest.mark.parametrize(("packets", "state"), [([3, 3], "carries"), ([0, 3], "one_way"), ([0, 0], "idle")])
def test_as_declared(tmp_path: Path, packets: list[int], state: str) -> None:
    seen: Tunnels = {("a",): tunnel("203.0.113.17", Ike(2, chosen=CHOSEN), packets)}
    [(_, first), _] = vpn.observations(load(tmp_path, AWS), seen)
    assert (first["vpn.differs"], first["vpn.state"]) == ([], state)


def test_an_option_left_out_permits_everything() -> None:
    anything = (Vpn("v", [Declared("203.0.113.17")]),)
    [(_, facts)] = vpn.observations(
        anything, {("a",): tunnel("203.0.113.17", Ike(1, chosen={"encr": "ENCR_DES"}), [1, 1])}
    )
    assert facts["vpn.differs"] == []

"""The kernel's IPsec over netlink: as its own header lays it out, and as a live kernel answers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from probe.gateway import xfrm
from probe.gateway.state import Association, Policy

HERE: Final = Path(__file__).parent
POLICIES: Final = """
ip xfrm policy add src 10.1.0.0/16 dst 10.2.0.0/16 dir out priority 100 \
  tmpl src 192.0.2.1 dst 192.0.2.2 proto esp mode tunnel reqid 1
ip xfrm policy add src 10.1.0.0/16 dst 10.2.5.0/24 dir out priority 50
ip xfrm policy add src 10.2.0.0/16 dst 10.1.0.0/16 dir in priority 100 action block
ip xfrm policy add src 2001:db8:1::/48 dst 2001:db8:2::/48 proto tcp dport 443 dir fwd priority 7 \
  tmpl src 2001:db8::1 dst 2001:db8::2 proto ah mode tunnel
"""


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> bytearray:
    program = tmp_path_factory.mktemp("xfrm") / "dump"
    subprocess.run(["cc", "-o", str(program), str(HERE / "xfrm_dump.c")], check=True, timeout=60)
    return bytearray(subprocess.run([program], check=True, capture_output=True, timeout=10).stdout)


def test_keys_are_overwritten_and_nothing_else(dump: bytearray) -> None:
    blank = bytearray(dump)
    xfrm.blank_keys(blank)
    assert dump.count(b"K" * 16)
    assert blank == dump.replace(b"K", b"\0")


def test_associations_as_the_header_of_the_kernel_lays_them_out(dump: bytearray) -> None:
    found = [xfrm.association(body) for kind, body in xfrm.messages(memoryview(dump)) if kind == xfrm.NEWSA]
    common = {"protocol": "esp", "packets": 100, "bytes": 8400, "added": 1790000000}
    assert found == [
        Association(
            src="192.0.2.1",
            dst="198.51.100.1",
            spi=0xC0FFEE01,
            mode="tunnel",
            encr="ENCR_AES_GCM_16",
            key_length=256,
            extended_sequence=True,
            replay_window=128,
            last_used=1790000100,
            hard_seconds=3960,
            **common,
        ),
        Association(
            src="2001:db8::1",
            dst="2001:db8::2",
            spi=0xC0FFEE02,
            mode="transport",
            encr="ENCR_AES_CBC",
            key_length=128,
            integ="AUTH_HMAC_SHA2_256_128",
            in_udp=True,
            offload="crypto",
            replay_window=32,
            **common,
        ),
    ]


def test_policies_without_those_of_sockets(dump: bytearray) -> None:
    found = [xfrm.policy(body) for kind, body in xfrm.messages(memoryview(dump)) if kind == xfrm.NEWPOLICY]
    expected = Policy(
        src="10.1.0.0/16",
        dst="10.2.0.0/24",
        direction="in",
        action="allow",
        priority=375423,
        narrowed=True,
        transforms=("esp",),
        optional=True,
        peers=("192.0.2.1", "198.51.100.1"),
    )
    assert found == [expected, None]


def test_the_default(dump: bytearray) -> None:
    found = [xfrm.default(body) for kind, body in xfrm.messages(memoryview(dump)) if kind == xfrm.GETDEFAULT]
    assert found == [{"in": "block", "fwd": "allow"}]


def test_whatever_is_cut_or_damaged_is_passed_over(dump: bytearray) -> None:
    for at in range(len(dump)):
        damaged = bytearray(dump[:at] + bytes([dump[at] ^ 0xFF]) + dump[at + 1 :])
        for datagram in (dump[:at], damaged):
            xfrm.blank_keys(bytearray(datagram))
            for _, body in xfrm.messages(memoryview(datagram)):
                xfrm.association(body), xfrm.policy(body), xfrm.default(body)


@pytest.mark.skipif(os.geteuid() != 0, reason="a namespace of its own and CAP_NET_ADMIN are wanted")
def test_policies_of_a_live_kernel() -> None:
    default = "ip xfrm policy setdefault in block fwd accept out block"
    script = f"set -e; ip link set lo up; {POLICIES}\n{default}\nexec {sys.executable} -m probe gateway"
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    state = json.loads(done.stdout)
    assert set(state["addresses"]) >= {"127.0.0.1"}
    assert state["default"] == {"in": "block", "fwd": "allow", "out": "block"}
    by_source = {(policy["src"], policy["dst"]): policy for policy in state["policies"]}
    tunnel = by_source["10.1.0.0/16", "10.2.0.0/16"]
    assert (tunnel["transforms"], tunnel["peers"]) == (["esp"], ["192.0.2.1", "192.0.2.2"])
    assert by_source["10.1.0.0/16", "10.2.5.0/24"] == {
        "src": "10.1.0.0/16",
        "dst": "10.2.5.0/24",
        "direction": "out",
        "action": "allow",
        "priority": 50,
    }
    assert by_source["10.2.0.0/16", "10.1.0.0/16"]["action"] == "block"
    assert by_source["2001:db8:1::/48", "2001:db8:2::/48"] == {
        "src": "2001:db8:1::/48",
        "dst": "2001:db8:2::/48",
        "direction": "fwd",
        "action": "allow",
        "priority": 7,
        "narrowed": True,
        "transforms": ["ah"],
        "peers": ["2001:db8::1", "2001:db8::2"],
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="rights can only be given up by who has them")
def test_without_the_right_the_remedy_is_said() -> None:
    command = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-all", sys.executable, "-m", "probe", "gateway"]
    done = subprocess.run(["unshare", "-n", *command], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 4, done.stderr
    assert "CAP_NET_ADMIN" in done.stderr

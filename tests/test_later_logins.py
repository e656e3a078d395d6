"""A login in a later request of a connection that has served something is a finding; the connection is counted once."""

import base64
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

import probe

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000
LOGIN = b"Authorization: Basic " + base64.b64encode(b"joe:secret of joe") + b"\r\n"
CLIENT, SERVER = 0, 1
STATIONS = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
ENDS = [(40000, 80, "192.0.2.1", "192.0.2.2"), (80, 40000, "192.0.2.2", "192.0.2.1")]


def _connection(later: bytes, *, in_order: bool) -> list[Ether]:
    """Two requests and their answers, each of these in two segments."""
    pieces = [(CLIENT, "S", b""), (SERVER, "SA", b""), (CLIENT, "A", b"")]
    for header in (b"", later):
        pieces.append((CLIENT, "PA", b"GET / HTTP/1.1\r\nHost: a.example\r\n" + header + b"\r\n"))
        pieces += [(SERVER, "A", PAGE[:1000]), (SERVER, "PA", PAGE[1000:])]
    packets, sequence = [], [1000, 5000]
    for side, flags, content in pieces:
        source, target, src, dst = ENDS[side]
        segment = TCP(sport=source, dport=target, flags=flags, seq=sequence[side], ack=sequence[1 - side])
        packets.append(
            Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=src, dst=dst) / segment / content
        )
        sequence[side] += len(content) + ("S" in flags)
    if not in_order:
        packets[4], packets[5] = packets[5], packets[4]
    return packets


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("later", [b"", LOGIN])
def test_the_login_is_told_and_its_connection_counted_once(later: bytes, in_order: bool, tmp_path: Path) -> None:
    path = tmp_path / "later.pcap"
    wrpcap(str(path), _connection(later, in_order=in_order))
    records = list(probe.replay(path))
    counts = {record["check"]: record["count"] for record in records if record["type"] == "finding"}
    assert counts == {"plaintext.protocol": 1} | ({"plaintext.credentials": 1} if later else {})
    (flow,) = [record for record in records if record["type"] == "flow"]
    assert ("joe" in str(flow)) == bool(later)
    assert "secret of joe" not in str(records)


RULES = """
title = "House"
issuer = "House"
version = "1"
url = "https://example.test/"

[[rule]]
id = "logins"
fact = "plaintext.credentials"
present = false
when = { class = "plaintext" }
level = "must_not"
clause = "1"
title = "{plaintext.credentials} in the clear"
remediation = "Use HTTPS."

[[rule]]
id = "clear"
fact = "class"
not_in = ["plaintext"]
level = "must_not"
clause = "2"
title = "{class}"
remediation = "Use HTTPS."
"""


def test_a_rule_that_asks_for_class_and_login(tmp_path: Path) -> None:
    path, policy = tmp_path / "later.pcap", tmp_path / "house.toml"
    wrpcap(str(path), _connection(LOGIN, in_order=True))
    policy.write_text(RULES)
    records = list(probe.replay(path, policies=[str(policy)]))
    counts = {record["rule"]: record["count"] for record in records if record.get("rule")}
    assert counts == {"logins": 1, "clear": 1}

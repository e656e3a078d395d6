"""Tunnels as rows."""

from probe.model import Evidence, Finding, Severity
from probe.output.terminal import Style
from probe.output.tunnels import MAX_ROWS, age, rows
from probe.tunnels import Esp, Ike, Tunnel

COLORS: dict[Severity, str] = {"critical": "alarm", "high": "red", "medium": "yellow", "low": "blue", "info": "dim"}


def tunnel(peers: list[str], ike: Ike | None, esp: Esp | None) -> Tunnel:
    return Tunnel("2026-11-24T00:00:00Z", "2026-11-24T05:30:00Z", peers, 2, [1000, 500], ike=ike, esp=esp)


def finding(endpoint: str, severity: Severity) -> Finding:
    return Finding(
        uid="0" * 32,
        check="ike.ke",
        status="fail",
        severity=severity,
        title="",
        endpoint=endpoint,
        observed={},
        count=1,
        first_seen="",
        last_seen="",
        evidence=Evidence("observed", [], []),
    )


GOOD = Ike(2, chosen={"encr": "ENCR_AES_GCM_16", "key_length": 256, "ke": "curve25519", "additional_ke": ["mlkem768"]})
WEAK = Ike(1, mode="main", chosen={"encr": "ENCR_3DES", "ke": "modp1024"})
BOTH = Esp([1, 1], [3, 3], [300, 300], rekeys=2, inferred_cipher="aead_or_counter")
NULL = Esp([1, 0], [3, 0], [300, 0], null_encryption=True)

TUNNELS = {
    ("a",): tunnel(["192.0.2.10", "198.51.100.10"], GOOD, BOTH),
    ("b",): tunnel(["192.0.2.2", "192.0.2.1"], WEAK, NULL),
    ("c",): tunnel(["192.0.2.3", "192.0.2.4"], None, None),
}
FINDINGS = [
    finding("192.0.2.1<->192.0.2.2/ike", "medium"),
    finding("192.0.2.1<->192.0.2.2/esp", "critical"),
    finding("192.0.2.4:443/tcp", "high"),
]

WIDE = """\
  tunnel  IKE  ESP  bytes  age  verdict
  192.0.2.10 ↔ 198.51.100.10  v2 AES_GCM_16-256 curve25519+mlkem768  ESP aead? 2 rekeys  1.5 kB  6 h  ✔
  192.0.2.2 ↔ 192.0.2.1  v1 main 3DES modp1024  ESP-NULL one way  1.5 kB  6 h  critical
  192.0.2.3 ↔ 192.0.2.4  -  -  1.5 kB  6 h  ✔
"""


def test_a_row_for_each_with_the_worst_finding_of_its_peers() -> None:
    shown = list(rows(TUNNELS, FINDINGS, Style(width=130), COLORS))
    assert [line.split() for line in shown] == [line.split() for line in WIDE.splitlines()]
    assert len({line.index("1.5 kB") for line in shown[1:]}) == 1, "columns stand below one another"


def test_a_narrow_page_has_less_in_each_row() -> None:
    shown = list(rows(TUNNELS, FINDINGS, Style(width=80, unicode=False), COLORS))
    assert max(map(len, shown)) <= 80
    assert shown[1].split() == ["192.0.2.10", "<->", "198.51.100.10", "v2", "ESP", "1.5", "kB", "6", "h", "ok"]


def test_nothing_without_tunnels_and_an_end_to_many() -> None:
    assert list(rows({}, FINDINGS, Style(), COLORS)) == []
    many = {(str(n),): TUNNELS[("a",)] for n in range(MAX_ROWS + 3)}
    assert list(rows(many, [], Style(), COLORS))[-1].strip() == "… 3 more tunnels; --format jsonl lists every one."


def test_ages() -> None:
    start = "2026-11-24T00:00:00.000000Z"
    assert age(start, "2026-11-24T00:00:07.300000Z") == "7 s"
    assert age(start, "2026-11-24T00:05:00.000000Z") == "5 min"
    assert age(start, "2026-11-27T00:00:00.000000Z") == "3 d"
    assert age("?", "?") == "?"

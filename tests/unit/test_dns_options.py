"""Options for DNS: what a file may say, and how mistakes are told."""

from pathlib import Path
from typing import Any

import pytest

from probe.checks.dns_tunnel import judge
from probe.dns_options import DnsOptions, DnsOptionsError, Suppression, load, read_state
from probe.engine import Engine
from probe.trust.store import Store

GOOD = """
bytes_a_day = 1300
resolvers = ["10.0.0.2"]
[[suppress]]
domain = "scanlabs.example"
client = "10.1.0.0/16"
reason = "the mail scanner"
until = 2027-06-30
"""


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "dns.toml"
    path.write_text(text)
    return str(path)


def test_a_suppression_holds_for_its_clients_until_its_day(tmp_path: Path) -> None:
    options = load(write(tmp_path, GOOD))
    assert (options.bytes_a_day, options.resolvers) == (1300, ["10.0.0.2"])
    for client, domain, when, holds in (
        ("10.1.2.3", "scanlabs.example", "2027-06-30T23:59:59.000000Z", True),
        ("10.1.2.3", "ScanLabs.example", "2026-01-01T00:00:00.000000Z", True),
        ("10.1.2.3", "scanlabs.example", "2027-07-01T00:00:00.000000Z", False),
        ("10.2.2.3", "scanlabs.example", "2026-01-01T00:00:00.000000Z", False),
        ("10.1.2.3", "other.example", "2026-01-01T00:00:00.000000Z", False),
    ):
        assert (options.suppressed(client, domain, when) is not None) is holds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes_a_day = 1", "the least"),
        ("resolvers = ['dns.example']", "dns.example"),
        ("bytes = 1", "unknown field"),
        ("[[suppress]]\ndomain = 'a.example'\nuntil = 2027-01-01", "reason"),
        ("[[suppress]]\ndomain = 'a.example'\nreason = ' '\nuntil = 2027-01-01", "no reason"),
        ("[[suppress]]\ndomain = 'a'\nreason = 'r'\nuntil = 2027-01-01\nclient = 'x'", "'x'"),
        ("=", "Invalid"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(DnsOptionsError, match=expected):
        load(write(tmp_path, text))


def test_files_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DnsOptionsError, match="no such file"):
        load(str(tmp_path / "none"))
    assert read_state(str(tmp_path / "none")) is None


def test_what_is_suppressed_is_in_order_with_the_reason() -> None:
    tunnel: dict[str, Any] = {
        "client": "::1",
        "domain": "a.example",
        "first_alert": "2026-01-01T00:00:00Z",
        "score": 0.7,
    }
    (verdict,) = judge({"dns.tunnel": tunnel})
    import datetime as dt

    known = Suppression("a.example", "a reason", dt.date(2026, 1, 1))
    engine = Engine([], Store(()), dns=DnsOptions(suppress=[known]))
    assert engine._known(verdict).status == "pass"
    assert engine._known(verdict).observed["suppressed"] == "a reason"
    assert Engine([], Store(()))._known(verdict).status == "fail"


def test_a_state_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(DnsOptionsError, match="/dev/zero: larger than"):
        read_state("/dev/zero")

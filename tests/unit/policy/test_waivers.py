"""Waiver files: what they cover and what is said about broken ones."""

# ruff: noqa: E501 - tables are easier to read by rows

from pathlib import Path

import pytest

from probe.policy.check import check
from probe.policy.toml import PolicyError
from probe.policy.waivers import parse

WAIVER = """[[waiver]]
check = "tls.*"
endpoint = "10.0.*:443/tcp"
owner = "net"
reason = "old client"
expires = 2027-01-01
"""
FINDING = {"uid": "ab", "check": "tls.version", "endpoint": "10.0.0.1:443/tcp", "policy": "rfc9325"}


def test_every_pattern_must_match() -> None:
    [waiver] = parse(WAIVER.encode(), "w.toml")
    assert waiver.matches(FINDING)
    assert not waiver.matches({**FINDING, "check": "certificate.chain"})
    assert not waiver.matches({**FINDING, "endpoint": "10.1.0.1:443/tcp"})
    [named] = parse((WAIVER + 'name = "*.example"\n').encode(), "w.toml")
    assert not named.matches(FINDING)
    assert named.matches({**FINDING, "name": "a.example"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WAIVER.replace("owner", "ower"), "w.toml:4: ower: object contains unknown field `ower`; did you mean owner?"),
        (WAIVER.replace('"net"', '" "'), "w.toml:4: owner: empty; somebody has to answer for it"),
        (WAIVER.replace("2027-01-01", '"later"'), "w.toml:6: expires: invalid RFC3339 encoded date"),
        (WAIVER + WAIVER.replace('check = "tls.*"\n', "").replace('endpoint = "10.0.*:443/tcp"\n', ""), "w.toml:7: waiver: covers"),
        (WAIVER.replace('reason = "old client"\n', ""), "w.toml:1: reason: object missing required field `reason`"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_line(text: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text.encode(), "w.toml")
    assert str(caught.value).startswith(message)


def test_check_tells_the_kinds_apart(tmp_path: Path) -> None:
    path = tmp_path / "w.toml"
    path.write_text(WAIVER)
    assert check(str(path)) == "1 waivers"
    path.write_text("title = 3\n")
    with pytest.raises(PolicyError, match="title: expected `str`"):
        check(str(path))

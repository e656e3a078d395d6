"""What strongSwan says: answers as version 5.9.8 gave them, and what they mean."""

from typing import Any, Final

import pytest

from probe.gateway import vici
from probe.gateway.state import Association, Policy

NOW: Final = 1_790_000_000
CHILD: Final = {
    "name": b"net",
    "uniqueid": b"2",
    "reqid": b"1",
    "state": b"INSTALLED",
    "mode": b"TUNNEL",
    "protocol": b"ESP",
    "encap": b"yes",
    "spi-in": b"44f1594b",
    "spi-out": b"21c6ad39",
    "encr-alg": b"AES_CBC",
    "encr-keysize": b"256",
    "integ-alg": b"HMAC_SHA2_256_128",
    "dh-group": b"ECP_384",
    "bytes-in": b"168",
    "packets-in": b"2",
    "use-in": b"1",
    "bytes-out": b"0",
    "packets-out": b"0",
    "rekey-time": b"2607",
    "life-time": b"3599",
    "install-time": b"1",
    "local-ts": [b"203.0.113.0/25"],
    "remote-ts": [b"203.0.113.128/25"],
}
SA: Final = {
    "uniqueid": b"1",
    "version": b"2",
    "state": b"ESTABLISHED",
    "local-host": b"192.0.2.10",
    "remote-host": b"198.51.100.10",
    "initiator-spi": b"f693e51fbacb0a62",
    "responder-spi": b"001ede00ca0172a1",
    "encr-alg": b"AES_CBC",
    "encr-keysize": b"256",
    "integ-alg": b"HMAC_SHA2_256_128",
    "prf-alg": b"PRF_HMAC_SHA2_256",
    "dh-group": b"CURVE_25519",
    "established": b"1",
}
SHUNT: Final = {
    "child": b"shunt",
    "ike": b"lab",
    "mode": b"PASS",
    "local-ts": [b"203.0.113.0/25"],
    "remote-ts": [b"203.0.113.129/32[tcp/ssh]"],
}


def _read(child: dict[str, Any], *policies: dict[str, Any]) -> vici.Said:
    sas = [{"lab": {**SA, "child-sas": {"net-2": child}}}]
    return vici.read(iter(sas), iter({"lab/x": policy} for policy in policies), NOW)


def test_both_associations_of_a_child_sa() -> None:
    common: dict[str, Any] = {
        "protocol": "esp",
        "mode": "tunnel",
        "encr": "ENCR_AES_CBC",
        "key_length": 256,
        "integ": "AUTH_HMAC_SHA2_256_128",
        "in_udp": True,
        "added": NOW - 1,
        "hard_seconds": 3600,
        "holder": "strongswan",
    }
    said = _read(CHILD)
    here, there = "192.0.2.10", "198.51.100.10"
    assert said.associations == [
        Association(there, here, spi=0x44F1594B, packets=2, bytes=168, last_used=NOW - 1, **common),
        Association(here, there, spi=0x21C6AD39, **common),
    ]
    assert (said.ike_sas[0].ke, said.ike_sas[0].established) == ("curve25519", 1)


def test_what_a_child_sa_protects_goes_with_it() -> None:
    policies = _read(CHILD).policies
    assert [(policy.direction, policy.src, policy.dst) for policy in policies] == [
        ("out", "203.0.113.0/25", "203.0.113.128/25"),
        ("in", "203.0.113.128/25", "203.0.113.0/25"),
    ]
    assert {(policy.fleeting, policy.transforms, policy.peers) for policy in policies} == {
        (True, ("esp",), ("192.0.2.10", "198.51.100.10"))
    }
    assert not _read({**CHILD, "state": b"DELETED"}).policies


@pytest.mark.parametrize(("member", "value"), [("esn", b"1"), ("protocol", b"AH"), ("mode", b"TRANSPORT")])
def test_words_that_change_what_it_is(member: str, value: bytes) -> None:
    found = _read({**CHILD, member: value}).associations[0]
    told = {"esn": found.extended_sequence, "protocol": found.protocol == "ah", "mode": found.mode == "transport"}
    assert told == {key: key == member for key in told}


def test_a_child_sa_that_is_only_asked_for() -> None:
    asked = {key: value for key, value in CHILD.items() if key != "spi-out"}
    assert len(_read(asked).associations) == 1


def test_an_sa_whose_ends_are_not_known_yet() -> None:
    begun = {**SA, "local-host": b"%any", "child-sas": {"net-2": CHILD}}
    assert vici.read(iter([{"lab": begun}]), iter(()), NOW) == ([], [], [])


def test_policies_without_an_association() -> None:
    trap, drop = {**SHUNT, "mode": b"TUNNEL"}, {**SHUNT, "mode": b"DROP"}
    said = [policy for policy in _read({}, SHUNT, trap, drop).policies if policy.direction == "out"]
    assert said == [
        Policy(
            "203.0.113.0/25",
            "203.0.113.129/32",
            "out",
            *more,
            narrowed=True,
            transforms=transforms,
            holder="strongswan",
        )
        for more, transforms in ((("allow", 0), ()), (("allow", 2), ("esp",)), (("block", 3), ()))
    ]


def test_selectors_in_all_their_forms() -> None:
    forms = [
        b"10.1.0.0/16",
        b"10.1.0.7/32[udp]",
        b"10.1.0.1..10.1.0.3",
        b"2001:db8::/32",
        b"dynamic",
        b"x..y",
        b"1.2.3.4..::1",
    ]
    said = _read({}, {**SHUNT, "local-ts": [b"10.2.0.0/16"], "remote-ts": forms}).policies
    assert [(policy.dst, policy.narrowed) for policy in said if policy.direction == "out"] == [
        ("10.1.0.0/16", False),
        ("10.1.0.7/32", True),
        ("10.1.0.1/32", False),
        ("10.1.0.2/31", False),
        ("2001:db8::/32", False),
    ]


def test_policies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vici, "MAX_POLICIES", 5)
    many = [f"10.{n}.0.0/16".encode() for n in range(50)]
    assert len(_read(CHILD, {**SHUNT, "local-ts": many, "remote-ts": many}).policies) == 5


@pytest.mark.parametrize("child", [{**CHILD, "spi-in": b"xyz"}, {**CHILD, "life-time": b""}])
def test_numbers_that_are_none_are_an_error_for_the_operator(child: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        _read(child)

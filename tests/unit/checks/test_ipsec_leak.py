"""ipsec.leak"""

import pytest

from probe.checks.ipsec_leak import CHECK, judge
from probe.model import Facts

FACTS: Facts = {"class": "ipsec", "leak.class": "plaintext", "leak.protocol": "syslog", "leak.seen_inside": False}
GIVEN: Facts = {**FACTS, "leak.source": "given", "leak.policy": "10.1.0.0/16", "leak.direction": "both"}


@pytest.mark.parametrize(
    ("more", "grade", "title"),
    [
        ({}, ("fail", "high"), "Syslog in the clear outside of the tunnel that has to carry 10.1.0.0/16"),
        ({"leak.class": "tls", "leak.protocol": "tls"}, ("warn", "medium"), "TLS outside of the tunnel, encrypted by"),
        ({"leak.class": "unknown"}, ("warn", "medium"), "Traffic outside of the tunnel that has to"),
        ({"leak.direction": "inbound"}, ("warn", "medium"), "10.1.0.0/16, one direction only"),
        ({"leak.direction": "outbound"}, ("fail", "high"), "Syslog in the clear"),
        ({"leak.seen_inside": True}, ("warn", "medium"), "and seen inside too"),
        ({"leak.seen_inside": True, "leak.class": "encrypted", "leak.protocol": "ssh"}, ("warn", "low"), "SSH outside"),
    ],
)
def test_what_is_readable_outside_weighs_most(more: Facts, grade: tuple[str, str], title: str) -> None:
    [verdict] = judge({**GIVEN, **more})
    assert (verdict.check, verdict.status, verdict.severity) == (CHECK, *grade)
    assert title in verdict.title


def test_without_a_policy() -> None:
    [verdict] = judge({**FACTS, "leak.seen_inside": True})
    assert verdict.title == "Syslog in the clear outside of the tunnel, and seen inside too"
    assert judge({"class": "ipsec", "esp.nat_t": True}) == []

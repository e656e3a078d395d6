"""vpn.options"""

from probe.checks.vpn_options import judge

FACTS = {"vpn.name": "vpn-1", "vpn.outside_address": "203.0.113.17"}


def test_each_difference_is_named() -> None:
    [verdict] = judge({**FACTS, "vpn.differs": ["IKE version ikev1", "phase 1 group 2"]})
    assert verdict.status == "fail"
    assert verdict.title == "vpn-1: negotiated IKE version ikev1, phase 1 group 2, which was not declared"


def test_a_tunnel_as_declared_passes_and_an_unseen_negotiation_says_nothing() -> None:
    assert [verdict.status for verdict in judge({**FACTS, "vpn.differs": []})] == ["pass"]
    assert judge(FACTS) == []

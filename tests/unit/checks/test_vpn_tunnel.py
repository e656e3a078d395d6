"""vpn.tunnel"""

import pytest

from probe.checks.vpn_tunnel import judge
from probe.model import Facts

FACTS: Facts = {"vpn.name": "vpn-1", "vpn.outside_address": "203.0.113.17"}


@pytest.mark.parametrize(
    ("state", "others", "status"),
    [
        ("carries", ["unseen"], "pass"),
        ("unseen", ["carries"], "warn"),
        ("one_way", ["carries"], "warn"),
        ("idle", [], "warn"),
        ("unseen", ["unseen"], "not_observable"),
        ("unseen", [], "not_observable"),
    ],
)
def test_a_tunnel_is_missed_only_where_its_connection_was_seen(state: str, others: list[str], status: str) -> None:
    [verdict] = judge({**FACTS, "vpn.state": state, "vpn.others": others})
    assert (verdict.status, verdict.key["vpn.outside_address"]) == (status, "203.0.113.17")


def test_other_facts_are_none_of_its_business() -> None:
    assert judge({"class": "ipsec"}) == []

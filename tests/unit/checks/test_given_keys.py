"""esp.keys, ike.keys"""

import pytest

from probe.checks import esp_keys, ike_keys
from probe.model import Facts, Verdict


@pytest.mark.parametrize("check", [esp_keys, ike_keys])
def test_only_keys_that_do_not_fit_warn(check: object) -> None:
    judge = check.judge  # type: ignore[attr-defined]
    fact = check.CHECK  # type: ignore[attr-defined]

    def of(facts: Facts) -> list[Verdict]:
        return list(judge({"class": "ipsec", **facts}))

    [verdict] = of({fact: "unfit"})
    assert (verdict.status, verdict.severity, verdict.evidence) == ("warn", "low", "decrypted")
    assert verdict.remediation
    assert [verdict.status for verdict in of({fact: "fit"})] == ["pass"]
    assert of({}) == []

"""esp.cipher"""

import pytest

from probe.checks.esp_cipher import judge
from probe.model import Facts


def test_blocks_of_64_bits_are_a_guess_and_said_to_be() -> None:
    [verdict] = judge({"esp.inferred_cipher": "cbc_64"})
    assert (verdict.status, verdict.evidence) == ("warn", "inferred")


@pytest.mark.parametrize(
    "facts",
    [{}, {"esp.inferred_cipher": "cbc_128"}, {"esp.inferred_cipher": "cbc_64", "esp.encr": "ENCR_AES_GCM_16"}],
)
def test_nothing_else_is_claimed(facts: Facts) -> None:
    assert judge(facts) == []

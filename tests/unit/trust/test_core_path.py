"""Chains that lead to a root: the core says what `Chains.judge` says, or leaves it to it; no bad signature is taken."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import made
import pki
import pytest
from cryptography import x509
from test_core_trust import Both

CHAINS = list(made.every())


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("roots")
    known: dict[bytes, Both] = {}

    def store(root: bytes) -> Both:
        if root not in known:
            path = Path(folder / f"{len(known)}.pem")
            path.write_bytes(x509.load_der_x509_certificate(root).public_bytes(pki.serialization.Encoding.PEM))
            known[root] = Both(str(path))
        return known[root]

    return store


def test_every_chain_is_judged_alike(stores: Any) -> None:
    settled, sound = Counter[str](), 0
    for chain in CHAINS:
        both, second = stores(chain.root.der), int(chain.when.timestamp())
        answers = [
            both.judge(chain.sent, name, when) for name in (made.HOST, None) for when in (second, second + 86_400)
        ]
        settled[chain.title] = sum(answers)
        sound += both.python(chain.sent, None, second)[0][::2] == ("ok", None)
    assert len(CHAINS) > 200
    assert sum(1 for answers in settled.values() if answers) > 100  # most of the sound ones need no library
    assert sound > 100
    assert settled["with root"] == settled["twin of the root"] == 4
    assert settled["keys rsa2048 p384 p256"] == 4


def test_a_changed_signature_is_never_accepted(stores: Any) -> None:
    for root, middle in itertools.product(("rsa2048", "p256", "p384"), repeat=2):
        chain = made.chain("", made.at(0, key=root), made.at(1, key=middle))
        leaf, above = chain.sent
        both = stores(chain.root.der)
        assert both.judge([leaf, above], made.HOST)
        for changed in made.bent(leaf):
            assert both.roots.judge([changed, above], made.HOST, pki.NOW_NS // 10**9) is None
        for changed in made.bent(above):
            assert both.roots.judge([leaf, changed], made.HOST, pki.NOW_NS // 10**9) is None


def test_a_signature_by_another_key_of_the_same_name_is_not_accepted(stores: Any) -> None:
    chain = made.chain("")
    both = stores(chain.root.der)
    impostor = made.make(made.replace(made.ROOT, number=99))
    leaf = made.make(made.LEAF, (made.ROOT, impostor))
    assert both.roots.judge([leaf.der], made.HOST, pki.NOW_NS // 10**9) is None
    assert not both.judge([leaf.der, impostor.der], made.HOST)


def test_changed_bytes_are_judged_alike_or_left_alone(stores: Any) -> None:
    chain = made.chain("")
    leaf, above = chain.sent
    both = stores(chain.root.der)
    for place in range(0, len(leaf), 3):
        changed = bytearray(leaf)
        changed[place] ^= 0x41
        answer = both.roots.judge([bytes(changed), above], made.HOST, pki.NOW_NS // 10**9)
        assert answer is None or answer[0] == both.python([bytes(changed), above], made.HOST)
        assert answer is None or answer[0][0][0] != "ok"

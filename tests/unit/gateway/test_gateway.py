"""A gateway's own state, held against what is on the wire."""

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from probe.gateway import state as states
from probe.gateway.state import Association, GatewayError, IkeSa, Policy, State
from probe.gateway.verdict import MAX_STATES, Gateway
from probe.model import NANOSECONDS, Facts

HERE, THERE = "192.0.2.1", "198.51.100.1"
BEGIN: Final = 1_790_000_000
BYPASS: Final = Policy("10.1.0.0/16", "10.2.5.0/24", "out", "allow", priority=50)
PROTECT: Final = Policy(
    "10.1.0.0/16", "10.2.0.0/16", "out", "allow", priority=100, transforms=("esp",), peers=(HERE, THERE)
)


def of_kernel(spi: int, packets: int = 1, **more: Any) -> Association:
    return Association(HERE, THERE, "esp", spi, "tunnel", packets=packets, hard_seconds=3600, **more)


def at(second: int, *associations: Association, policies: tuple[Policy, ...] = ()) -> State:
    return State(BEGIN + second, (HERE,), associations, policies)


def on_wire(spi: int, begin: float, end: float, dst: str = THERE, src: str = HERE) -> bytes:
    times = {"start": int((BEGIN + begin) * NANOSECONDS), "end": int((BEGIN + end) * NANOSECONDS)}
    return msgspec.json.encode({"protocol": "esp", "src": src, "dst": dst, "spi": spi, "packets": 9, **times})


def facts(known: list[State], seen: bytes = b"", span: tuple[int, int] = (0, 100)) -> list[tuple[str, Facts]]:
    gateway = Gateway()
    for state in known:
        gateway.learn(state)
    gateway.see(seen)
    return gateway.observations(BEGIN + span[0], BEGIN + span[1])


def words(found: list[tuple[str, Facts]]) -> list[str]:
    return [facts["host.association"] for _, facts in found if "host.association" in facts]


def test_what_the_kernel_knows_is_no_news() -> None:
    assert words(facts([at(10, of_kernel(7))], on_wire(7, 0, 20))) == []


@pytest.mark.parametrize(
    ("wire", "word"),
    [
        (on_wire(8, 0, 20), ["unknown"]),
        (on_wire(8, 9, 20), []),  # it began about when the state was read
        (on_wire(8, 0, 11), []),  # it ended then
        (on_wire(8, 11, 20), []),  # after it was read
        (on_wire(8, 0, 20, src="203.0.113.1"), []),  # of others, whose way leads through here
    ],
)
def test_an_association_that_was_there_when_the_kernel_was_asked(wire: bytes, word: list[str]) -> None:
    found = facts([State(BEGIN + 10, (HERE,), (of_kernel(7),))], wire)
    assert words(found) == word


def test_an_association_that_the_wire_does_not_show() -> None:
    used = [at(10, of_kernel(7, 5)), at(40, of_kernel(7, 9))]
    assert words(facts(used)) == ["unseen"]
    assert words(facts(used, on_wire(7, 12, 13))) == []
    assert words(facts([at(10, of_kernel(7, 5)), at(40, of_kernel(7, 5))])) == []  # it was not used
    assert words(facts(used, span=(20, 100))) == []  # nobody captured then


@pytest.mark.parametrize(
    ("association", "expected"),
    [
        (
            of_kernel(7, encr="ENCR_AES_CBC", key_length=128, integ="AUTH_HMAC_SHA1_96"),
            {"esp.encr": "ENCR_AES_CBC", "esp.key_length": 128, "esp.integ": "AUTH_HMAC_SHA1_96"},
        ),
        (of_kernel(7, encr="ENCR_NULL"), {"esp.encr": "ENCR_NULL", "esp.null_encryption": True}),
    ],
)
def test_algorithms_are_facts_for_the_rules(association: Association, expected: Facts) -> None:
    [(where, found)] = facts([at(10, association)])
    assert where == f"{HERE}<->{THERE}/esp"
    assert found == {"class": "ipsec", "evidence": "host", "esp.lifetime_hours": 1, **expected}


def test_without_limits() -> None:
    [(_, found)] = facts([at(10, Association(HERE, THERE, "esp", 7, "tunnel"))])
    assert found["esp.unlimited"] is True


def test_ike_sas() -> None:
    sa = IkeSa(HERE, THERE, "net", 2, "a", "b", encr="ENCR_AES_CBC", key_length=256, ke="modp1024")
    [(where, found)] = facts([State(BEGIN, ike_sas=(sa,))])
    assert (where, found["ike.ke"], found["ike.version"]) == (f"{HERE}<->{THERE}/ike", "modp1024", 2)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ((BYPASS, PROTECT), ["host.bypass"]),
        ((msgspec.structs.replace(BYPASS, priority=200), PROTECT), []),  # asked later
        ((msgspec.structs.replace(BYPASS, direction="in"), PROTECT), []),
        ((msgspec.structs.replace(BYPASS, dst="10.3.0.0/16"), PROTECT), []),
        ((msgspec.structs.replace(BYPASS, action="block"), PROTECT), []),
        ((msgspec.structs.replace(PROTECT, optional=True),), ["host.optional"]),
    ],
)
def test_policies_that_let_traffic_pass(policies: tuple[Policy, ...], expected: list[str]) -> None:
    found = facts([at(10, policies=policies)])
    assert [fact for _, of in found for fact in of if fact in ("host.bypass", "host.optional")] == expected


CHILD: Final = msgspec.structs.replace(PROTECT, priority=1, fleeting=True, holder="strongswan")
TRAP: Final = msgspec.structs.replace(PROTECT, priority=2, peers=(), holder="strongswan")
DROP: Final = Policy("10.0.0.0/8", "10.2.0.0/16", "out", "block", priority=3, holder="strongswan")


@pytest.mark.parametrize(
    ("policies", "default", "open_"),
    [
        ((CHILD,), {}, True),
        ((CHILD,), {"out": "block"}, False),
        ((CHILD, TRAP), {}, False),
        ((CHILD, DROP), {}, False),
        ((CHILD, msgspec.structs.replace(DROP, narrowed=True)), {}, True),
        ((CHILD, msgspec.structs.replace(DROP, dst="10.2.5.0/24")), {}, True),
        ((CHILD, msgspec.structs.replace(DROP, direction="in")), {}, True),
        ((PROTECT,), {}, False),  # of the kernel it is not known whether it stays
    ],
)
def test_what_is_protected_while_the_child_sa_is_there(
    policies: tuple[Policy, ...], default: dict[str, str], *, open_: bool
) -> None:
    state = State(BEGIN, (HERE,), policies=policies, default=default, asked=("kernel", "strongswan"))
    fleeting = [found["host.fleeting"] for _, found in facts([state]) if "host.fleeting" in found]
    assert fleeting == (["10.1.0.0/16 to 10.2.0.0/16 (out)"] if open_ else [])


@pytest.mark.parametrize(
    ("default", "said"),
    [
        ({}, []),
        ({"in": "allow", "fwd": "block", "out": "allow"}, ["allow (in, out)"]),
        ({"in": "block", "fwd": "block", "out": "block"}, ["block"]),
    ],
)
def test_what_no_policy_covers(default: dict[str, str], said: list[str]) -> None:
    found = facts([State(BEGIN, (HERE,), policies=(PROTECT,), default=default)])
    assert [of["host.default"] for _, of in found if "host.default" in of] == said
    assert not facts([State(BEGIN, (HERE,), policies=(BYPASS,), default=default)]), "no gateway"


def test_policies_of_strongswan_are_held_against_each_other() -> None:
    passing = msgspec.structs.replace(BYPASS, priority=0, holder="strongswan")
    for others, expected in (((CHILD, TRAP), 1), ((PROTECT,), 0)):
        state = State(BEGIN, (HERE,), policies=(passing, *others), asked=("kernel", "strongswan"))
        assert sum("host.bypass" in of for _, of in facts([state])) == expected


def test_an_association_that_an_interface_encrypts() -> None:
    found = facts([at(10, of_kernel(7, offload="crypto"))], on_wire(7, 0, 20))
    assert [of["host.offload"] for _, of in found if of.get("host.association") == "offloaded"] == ["crypto"]


def test_of_strongswan_alone_bytes_may_be_limited() -> None:
    """It does not say how many."""
    told = Association(HERE, THERE, "esp", 7, "tunnel", holder="strongswan")
    [(_, found)] = facts([State(BEGIN, (HERE,), (told,), asked=("strongswan",))])
    assert "esp.unlimited" not in found
    [of] = [
        of
        for _, of in facts([State(BEGIN + 10, (HERE,), (told,), asked=("strongswan",))], on_wire(8, 0, 20))
        if "host.asked" in of
    ]
    assert of["host.asked"] == "strongswan"


def test_what_has_to_be_inside() -> None:
    gateway = Gateway()
    narrowed = msgspec.structs.replace(PROTECT, narrowed=True, dst="10.9.0.0/16")
    everything = msgspec.structs.replace(PROTECT, src="0.0.0.0/0", dst="0.0.0.0/0")
    gateway.learn(at(0, policies=(BYPASS, PROTECT, PROTECT, narrowed, everything)))
    assert gateway.protected() == ["10.1.0.0/16,10.2.0.0/16"]


def test_states_are_bounded() -> None:
    gateway = Gateway()
    for second in range(2 * MAX_STATES):
        gateway.learn(at(second, of_kernel(7, second)))
    assert words(gateway.observations(BEGIN, BEGIN + MAX_STATES - 1)) == [], "forgotten"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    later, earlier = at(30, of_kernel(7), policies=(PROTECT,)), at(0)
    path.write_bytes(states.encode(later) + states.encode(earlier))
    assert states.load(str(path)) == (earlier, later)


@pytest.mark.parametrize(
    "text",
    [
        *(
            f'{{"time":1,"associations":[{{"src":"{src}","dst":"::1","protocol":"esp","spi":1,"mode":"tunnel"{more}}}]}}'
            for src, more in (("x", ""), ("", ""), ("::2", ',"holder":"nobody"'))
        ),
        '{"time":1,"policies":[{"src":"::/0","dst":"::/0","direction":"in","action":"allow","peers":["x"]}]}',
        "{",
        "[]",
        '{"time":"x"}',
        '{"time":1,"version":2}',
        '{"time":1,"policies":[{"src":"x","dst":"::/0"}]}',
    ],
)
def test_anything_else_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(GatewayError) as error:
        states.load(str(path))
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)

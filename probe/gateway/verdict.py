"""The states of a gateway held against the associations on the wire: what is to be judged, as facts. Pure."""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec import Struct

from probe.bounded import Lru
from probe.gateway.state import Association, IkeSa, Policy, State
from probe.model import NANOSECONDS, Facts

MARGIN: Final = 2 * NANOSECONDS
"""A state was read somewhere in its second, and an association is there a moment before its first packet."""
MAX_KNOWN: Final = 65_536  # associations remembered as seen on the wire, and as known to the kernel
MAX_STATES: Final = 64  # states kept to be held against flows that are still to end: half an hour of those every 30 s
_HOUR: Final = 3600

Seen = tuple[str, Facts]
"""Where, and the facts."""
_Id = tuple[str, int]
"""Receiver and SPI, which name an association (RFC 4301 section 4.1)."""


class OnWire(Struct, frozen=True):
    """An association as the core tells it: a line of `Batch.associations`."""

    protocol: str
    src: str
    dst: str
    spi: int
    start: int
    end: int
    packets: int


_ON_WIRE: Final = msgspec.json.Decoder(OnWire)


class Gateway:
    """What was handed over so far, and what was seen. Everything is given once."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._states: list[State] = []
        self._seen: Lru[_Id, int] = Lru(MAX_KNOWN)
        self._waiting: list[OnWire] = []

    def learn(self, state: State) -> None:
        """One more state, of a later time."""
        self._states = [*self._states[-MAX_STATES + 1 :], state]

    def see(self, lines: bytes) -> None:
        """Associations on the wire, JSON Lines."""
        for found in _ON_WIRE.decode_lines(lines):
            self._seen.put((found.dst, found.spi), found.end)
            if len(self._waiting) < MAX_KNOWN:
                self._waiting.append(found)

    def protected(self) -> list[str]:
        """What the kernel wants to be inside, as policies for `Core.protect`: those outward, of whole networks."""
        outward = (policy for policy in self._latest().policies if policy.direction == "out" and not policy.narrowed)
        wanted = (policy for policy in outward if policy.transforms and policy.action == "allow")
        texts = (f"{policy.src},{policy.dst}" for policy in wanted if not _is_everything(policy))
        return list(dict.fromkeys(texts))

    def observations(self, begin: int, end: int) -> list[Seen]:
        """What is to be judged now, of what was captured between these seconds and is told."""
        latest = self._latest()
        found = [_of_association(association) for association in latest.associations]
        found += [_of_ike_sa(sa) for sa in latest.ike_sas]
        for holder in latest.asked:
            found += _bypasses([policy for policy in latest.policies if policy.holder == holder])
        found += _open_when_down(latest)
        found += _uncovered(latest)
        found += self._strangers()
        found += self._hidden(begin, end)
        return list({msgspec.json.encode((where, facts)): (where, facts) for where, facts in found}.values())

    def _latest(self) -> State:
        return self._states[-1] if self._states else State(time=0)

    def _strangers(self) -> Iterator[Seen]:
        """Associations on the wire of which a state of their time does not know, or which an interface encrypts."""
        waiting, self._waiting = self._waiting, []
        for found in waiting:
            for state in self._states:
                inside = found.start + MARGIN <= state.time * NANOSECONDS <= found.end - MARGIN
                if not inside or not {found.src, found.dst} & set(state.addresses):
                    continue
                known = {(association.dst, association.spi): association for association in state.associations}
                one = known.get((found.dst, found.spi))
                if one is None:
                    facts = {**_facts("unknown", found), "host.asked": " and ".join(state.asked)}
                    yield _endpoint(found.src, found.dst, found.protocol), facts
                    break
                if one.offload is not None:
                    facts = {**_facts("offloaded", found), "host.offload": one.offload}
                    yield _endpoint(found.src, found.dst, found.protocol), facts
                    break

    def _hidden(self, begin: int, end: int) -> Iterator[Seen]:
        """Associations that the kernel used while somebody captured, and the wire does not show."""
        states = [state for state in self._states if begin <= state.time <= end]
        if len(states) < 2:
            return
        before = {(one.dst, one.spi): one.packets for one in states[0].associations}
        for one in states[-1].associations:
            name = one.dst, one.spi
            if one.packets > before.get(name, one.packets) and self._seen.get(name) is None:
                facts = _facts("unseen", one)
                if one.offload is not None:
                    facts["host.offload"] = one.offload
                yield _endpoint(one.src, one.dst, one.protocol), facts


def _is_everything(policy: Policy) -> bool:
    return all(ipaddress.ip_network(network).prefixlen == 0 for network in (policy.src, policy.dst))


def _endpoint(one: str, other: str, protocol: str) -> str:
    low, high = sorted((one, other), key=lambda text: (ipaddress.ip_address(text).version, ipaddress.ip_address(text)))
    return f"{low}<->{high}/{protocol}"


def _facts(word: str, one: Association | OnWire) -> Facts:
    return {"class": "ipsec", "evidence": "host", "host.association": word, "host.way": f"{one.src} to {one.dst}"}


def _of_association(association: Association) -> Seen:
    facts: Facts = {"class": "ipsec", "evidence": "host"}
    # Rules about ESP ask for these; of AH there is only the check value.
    for member in ("encr", "key_length", "integ"):
        if (value := getattr(association, member)) is not None:
            facts[f"esp.{member}"] = value
    if association.encr == "ENCR_NULL":
        facts["esp.null_encryption"] = True
    if association.hard_seconds:
        # In whole hours, so that few sets of facts are told apart.
        facts["esp.lifetime_hours"] = -(-association.hard_seconds // _HOUR)
    elif association.holder == "kernel" and not association.hard_bytes and not association.hard_packets:
        facts["esp.unlimited"] = True
    return _endpoint(association.src, association.dst, association.protocol), facts


def _of_ike_sa(sa: IkeSa) -> Seen:
    facts: Facts = {"class": "ipsec", "protocol": "ike", "evidence": "host", "ike.version": sa.version}
    for member in ("encr", "key_length", "integ", "prf", "ke"):
        if (value := getattr(sa, member)) is not None:
            facts[f"ike.{member}"] = value
    return _endpoint(sa.local, sa.remote, "ike"), facts


def _bypasses(policies: Iterable[Policy]) -> Iterator[Seen]:
    """Policies that let traffic pass unprotected that another wants protected, and those that do not insist."""
    allowing = [policy for policy in policies if policy.action == "allow"]
    protecting = [policy for policy in allowing if policy.transforms]
    for policy in protecting:
        if policy.optional:
            yield _where(policy), {"class": "ipsec", "evidence": "host", "host.optional": _text(policy)}
    for bypass in allowing:
        over = [one for one in protecting if _passes(bypass, one)] if not bypass.transforms else []
        if over:
            facts = {"host.bypass": _text(bypass), "host.bypassed": _text(over[0])}
            yield _where(over[0]), {"class": "ipsec", "evidence": "host", **facts}


def _passes(bypass: Policy, protecting: Policy) -> bool:
    """Whether it is asked first for something that the other would protect."""
    first = bypass.priority <= protecting.priority and bypass.direction == protecting.direction
    return first and all(_overlap(getattr(bypass, end), getattr(protecting, end)) for end in ("src", "dst"))


def _overlap(one: str, other: str) -> bool:
    networks = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return networks[0].version == networks[1].version and networks[0].overlaps(networks[1])


def _open_when_down(state: State) -> Iterator[Seen]:
    """What child SAs protect while they are there, and nothing holds back when they are not."""
    if state.default.get("out") == "block":
        return
    outward = [policy for policy in state.policies if policy.holder == "strongswan" and policy.direction == "out"]
    lasting = [one for one in outward if not one.fleeting and (one.transforms or one.action == "block")]
    for policy in outward:
        if policy.fleeting and not any(_holds(one, policy) for one in lasting):
            yield _where(policy), {"class": "ipsec", "evidence": "host", "host.fleeting": _text(policy)}


def _holds(one: Policy, other: Policy) -> bool:
    """Whether all of the other's traffic is the one's too."""
    whole = not one.narrowed or (one.narrowed == other.narrowed and (one.src, one.dst) == (other.src, other.dst))
    return whole and all(_within(getattr(other, end), getattr(one, end)) for end in ("src", "dst"))


def _within(small: str, large: str) -> bool:
    networks = ipaddress.ip_network(small), ipaddress.ip_network(large)
    return networks[0].version == networks[1].version and networks[0].subnet_of(networks[1])  # type: ignore[arg-type]


def _uncovered(state: State) -> Iterator[Seen]:
    """What becomes of packets that no policy covers, where there are policies that protect."""
    protecting = [policy for policy in state.policies if policy.holder == "kernel" and policy.transforms]
    if not protecting or not state.default:
        return
    passing = [direction for direction in ("in", "fwd", "out") if state.default.get(direction) != "block"]
    facts: Facts = {"host.default": f"allow ({', '.join(passing)})" if passing else "block"}
    yield min(_where(policy) for policy in protecting), {"class": "ipsec", "evidence": "host", **facts}


def _where(policy: Policy) -> str:
    """At the tunnel; where its ends are chosen later, at what the networks begin with."""
    if len(policy.peers) == 2 and not any(ipaddress.ip_address(peer).is_unspecified for peer in policy.peers):
        return _endpoint(policy.peers[0], policy.peers[1], "esp")
    return _endpoint(policy.src.partition("/")[0], policy.dst.partition("/")[0], "esp")


def _text(policy: Policy) -> str:
    return f"{policy.src} to {policy.dst} ({policy.direction}{', in part' if policy.narrowed else ''})"

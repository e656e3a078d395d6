"""The state of a gateway as the helper hands it to those who judge: JSON, one state a line, without keys."""

import ipaddress
from typing import Final, Literal

import msgspec
from msgspec import Struct

from probe.files import UnreadableError, read

MAX_BYTES: Final = 64 << 20  # of a file: some 100,000 associations, or a day of states of a small gateway
VERSION: Final = 1


Holder = Literal["kernel", "strongswan"]


class Association(Struct, frozen=True, omit_defaults=True):
    """One association (RFC 4301 section 4.4.2): what the gateway sends or receives under one SPI."""

    src: str
    dst: str
    protocol: str
    """`esp` or `ah`; others as `ip/N`."""
    spi: int
    mode: str
    encr: str | None = None
    """By its IANA name; as the kernel calls it where it has none."""
    key_length: int | None = None
    """Bits, without those of the salt."""
    integ: str | None = None
    extended_sequence: bool = False
    in_udp: bool = False
    replay_window: int = 0
    packets: int = 0
    bytes: int = 0
    added: int = 0
    """Seconds since the epoch, as all times."""
    last_used: int = 0
    """0: never, or the kernel does not say."""
    hard_seconds: int = 0
    """0: no limit, as of the other two."""
    hard_bytes: int = 0
    hard_packets: int = 0
    """strongSwan does not say either of these two."""
    offload: Literal["crypto", "packet"] | None = None
    """What an interface does instead of the kernel: encryption and decryption, or all of IPsec."""
    holder: Holder = "kernel"


class Policy(Struct, frozen=True, omit_defaults=True):
    """One policy (RFC 4301 section 4.4.1)."""

    src: str
    dst: str
    """Networks."""
    direction: str
    """`in`, `out`, `fwd`."""
    action: str
    """`allow` or `block`."""
    priority: int = 0
    """The least is the first to be asked."""
    narrowed: bool = False
    """It is for one transport, for ports, an interface or marked packets only."""
    transforms: tuple[str, ...] = ()
    """What it wants: `esp`, `ah`, `comp`. None: such packets pass as they are."""
    optional: bool = False
    """They pass as they are if there is no association."""
    peers: tuple[str, ...] = ()
    """The ends of the tunnel."""
    fleeting: bool = False
    """It goes when its association does. Of those of the kernel this is not known."""
    holder: Holder = "kernel"


class IkeSa(Struct, frozen=True, omit_defaults=True):
    """An IKE SA that strongSwan holds."""

    local: str
    remote: str
    name: str
    version: int
    initiator_spi: str
    responder_spi: str
    encr: str | None = None
    key_length: int | None = None
    integ: str | None = None
    prf: str | None = None
    ke: str | None = None
    established: int = 0
    """Seconds ago."""


class State(Struct, frozen=True):
    """All of a gateway at one time."""

    time: int
    """Seconds since the epoch."""
    addresses: tuple[str, ...] = ()
    """The gateway's own."""
    associations: tuple[Association, ...] = ()
    policies: tuple[Policy, ...] = ()
    ike_sas: tuple[IkeSa, ...] = ()
    default: dict[str, str] = {}
    """What becomes of packets that no policy covers: `allow` or `block` by direction. Empty: it is not known."""
    asked: tuple[Holder, ...] = ("kernel",)
    version: int = VERSION


class GatewayError(ValueError):
    """The file cannot be used; the text is one line for the operator."""


_DECODER: Final = msgspec.json.Decoder(State)


def encode(state: State) -> bytes:
    """One line."""
    return msgspec.json.encode(state) + b"\n"


def _addresses(state: State) -> None:
    """Raises ValueError where one is none: they name endpoints."""
    ends = [end for one in state.associations for end in (one.src, one.dst)]
    ends += [end for sa in state.ike_sas for end in (sa.local, sa.remote)]
    ends += [peer for policy in state.policies for peer in policy.peers]
    for end in ends:
        ipaddress.ip_address(end)


def load(path: str) -> tuple[State, ...]:
    """The states in a file, in the order of their times. Raises GatewayError."""
    try:
        states = _DECODER.decode_lines(read(path, MAX_BYTES))
        for state in states:
            if state.version != VERSION:
                raise GatewayError(f"{path}: of version {state.version}; this program reads {VERSION}")
            for policy in state.policies:
                ipaddress.ip_network(policy.src), ipaddress.ip_network(policy.dst)
            _addresses(state)
    except UnreadableError as error:
        raise GatewayError(str(error)) from None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if isinstance(error, GatewayError):
            raise
        message = f"{path}: no state of a gateway: {error}; `transitproof gateway` writes one"
        raise GatewayError(message) from None
    return tuple(sorted(states, key=lambda state: state.time))

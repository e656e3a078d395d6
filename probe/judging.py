"""What a configuration says about judging, loaded: policies, roots, waivers, keys. What can fail fails here."""

import datetime as dt
from typing import Any

from msgspec import Struct

from probe.config import Config
from probe.dns_options import DnsOptions
from probe.engine import Engine
from probe.hash_key import read as read_hash_key
from probe.marks import Marks, baseline
from probe.policy import waivers
from probe.policy.load import Policy, PolicyError, expect
from probe.policy.load import load as load_policies
from probe.policy.waivers import Waiver
from probe.selection import Selection
from probe.trust.store import Store
from probe.values import AbsolutePath
from probe.vpn import Vpn
from probe.vpn import load as load_vpns


class Judgement(Struct, frozen=True, kw_only=True):
    """What engine and core are made from."""

    policies: list[Policy]
    store: Store
    dns: DnsOptions
    waivers: list[Waiver]
    baseline: frozenset[str] | None
    hash_key: bytes | None
    keylog: list[str]
    protect: list[str]
    vpns: tuple[Vpn, ...]
    selection: Selection
    as_of: dt.date | None
    at: int | None
    passes: bool

    def engine(self) -> Engine:
        """One that judges so. Raises ImportError without the core."""
        return Engine(self.policies, self.store, at=self.at, passes=self.passes, as_of=self.as_of, dns=self.dns)

    def marks(self) -> Marks | None:
        """What marks findings; None if nothing does."""
        if not self.waivers and self.baseline is None:
            return None
        return Marks(self.waivers, self.baseline, as_of=self.as_of)


def load(config: Config) -> Judgement:
    """All that the configuration names. Raises PolicyError, TrustError, HashKeyError, VpnError and BaselineError."""
    judge = config.judge
    at = judge.at
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    return Judgement(
        policies=[*load_policies(judge.policies), *map(expect, judge.expect)],
        store=Store(
            (*map(_path, judge.trust), *(f"{name}={_path(path)}" for name, path in judge.stores.items())),
            crls=tuple(map(_path, judge.crl)),
            weak_keys=tuple(map(_path, judge.weak_keys)),
        ),
        dns=config.dns,
        waivers=[waiver for path in judge.waivers for waiver in waivers.load(_path(path))],
        baseline=None if judge.baseline is None else baseline(_path(judge.baseline)),
        hash_key=None if judge.hash_key is None else read_hash_key(_path(judge.hash_key)),
        keylog=[_path(path) for path in judge.keylog],
        protect=list(judge.protect),
        vpns=() if judge.vpn is None else load_vpns(_path(judge.vpn)),
        selection=Selection(judge.filter),
        as_of=judge.as_of,
        at=None if at is None else int(at.timestamp()) * 1_000_000_000,
        passes=judge.passes,
    )


def _path(path: AbsolutePath) -> str:
    try:
        return path.resolve()
    except ValueError as error:
        raise PolicyError(str(error)) from None


def needs_restart(before: Config, after: Config) -> list[str]:
    """Sections and keys that differ and that only the next start applies: rings, core and ends were made from them."""
    rows: list[tuple[str, Any, Any]] = [
        *((f"judge.{key}", getattr(before.judge, key), getattr(after.judge, key)) for key in _AT_START),
        *(
            (name, getattr(before, name), getattr(after, name))
            for name in before.__struct_fields__
            if name not in _LIVE
        ),
    ]
    return [name for name, old, new in rows if old != new]


_AT_START = ("hash_key", "keylog", "filter", "protect", "vpn", "why")
_LIVE = ("judge", "dns", "rollup")

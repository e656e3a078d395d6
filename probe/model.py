"""The vocabulary: what the rooms above talk about.

Nothing here reads, judges or formats for people; times are integers, nanoseconds since the Unix epoch in UTC, as they
come from the core. The words of the enumerations are those of the record contract.
"""

import datetime as dt
import functools
from typing import Any, Final, Literal, get_args

from msgspec import UNSET, Struct, UnsetType

Severity = Literal["info", "low", "medium", "high", "critical"]
Status = Literal["pass", "warn", "fail", "not_observable"]
EvidenceClass = Literal["observed", "inferred", "decrypted", "reprobed", "host", "account", "not_observable"]
Reason = Literal[
    "ok",
    "expired",
    "not_yet_valid",
    "self_signed",
    "unknown_root",
    "missing_intermediate",
    "wrong_name",
    "revoked",
    "revocation_unknown",
    "weak_key",
    "weak_signature",
    "not_a_ca",
    "wrong_usage",
    "unparseable",
    "not_observable",
    "certificate.expiring",
    "certificate.validity_length",
    "certificate.wildcard",
    "certificate.interception",
    "certificate.staple",
    "certificate.transparency",
]
"""Why a certificate chain is good or bad (`certificate.chain`, `observed.reason`); with a dot, what else is to be said
of it: a check of its own."""

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""Mildest first, so that the index orders them."""
CLASSES: Final = ("tls", "ipsec", "encrypted", "plaintext", "unknown")

Facts = dict[str, Any]
"""The facts of one observation, decoded: flat, named as checks and policies name them; absent means not seen."""

NANOSECONDS: Final = 1_000_000_000
LAST_SECOND: Final = 253_402_300_799
"""9999-12-31T23:59:59Z, the last that RFC 3339 can write."""
_LAST_MOMENT: Final = (LAST_SECOND + 1) * NANOSECONDS - 1


def severity_rank(severity: Severity) -> int:
    """0 for info up to 4 for critical."""
    return SEVERITIES.index(severity)


@functools.lru_cache(maxsize=4096)  # findings of one capture share their seconds
def _second(seconds: int) -> str:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def rfc3339(nanoseconds: int) -> str:
    """The contract's time: UTC, truncated to microseconds.

    A damaged time outside 1970 to 9999 is shown as that bound.
    """
    seconds, rest = divmod(min(max(nanoseconds, 0), _LAST_MOMENT), NANOSECONDS)
    return f"{_second(seconds)}.{rest // 1000:06d}Z"


class PublicKey(Struct, frozen=True):
    """A certificate's key, as far as its strength goes."""

    algorithm: str
    bits: int | UnsetType = UNSET
    curve: str | UnsetType = UNSET


class Certificate(Struct, frozen=True, tag_field="type", tag="certificate"):
    """The certificate record. Of an unparseable certificate only what could be read is set."""

    sha256: str
    subject: str | UnsetType = UNSET
    issuer: str | UnsetType = UNSET
    serial: str | UnsetType = UNSET
    not_before: str | UnsetType = UNSET
    not_after: str | UnsetType = UNSET
    sans: list[str] | UnsetType = UNSET
    key: PublicKey | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    spki_sha256: str | UnsetType = UNSET
    key_modulus: str | UnsetType = UNSET
    """Of an RSA key, in hex: two moduli with a prime in common give both keys away, and only who has all can tell."""
    scts: int | UnsetType = UNSET
    ca: bool | UnsetType = UNSET
    issuer_service: str | UnsetType = UNSET
    unparseable: str | UnsetType = UNSET


class Verdict(Struct, frozen=True, kw_only=True, eq=False):
    """What a check or a rule says about a set of facts, before it is tied to an endpoint. Compared by identity."""

    check: str
    status: Status
    severity: Severity
    title: str
    observed: Facts
    key: Any
    """The part of `observed` that tells this finding from another of the same check or rule at the same endpoint."""
    details: Facts | None = None
    """Members that the findings of this check have besides."""
    remediation: str | None = None
    policy: str | None = None
    rule: str | None = None
    clause: str | None = None
    evidence: EvidenceClass = "observed"
    public_only: bool = False
    """It holds at addresses of the public Internet only."""


class Evidence(Struct, frozen=True, rename={"class_": "class"}):
    """How a finding is known, with samples of where to look."""

    class_: EvidenceClass
    flows: list[str]
    frames: list[str]
    """`file#number`, numbers from 1."""


class Waived(Struct, frozen=True):
    """Who answers for a finding, why, and until when."""

    owner: str
    reason: str
    expires: str


class Finding(Struct, frozen=True, kw_only=True, tag_field="type", tag="finding"):
    """The finding record: a verdict at an endpoint, with everything that was counted onto it."""

    uid: str
    """The same problem at the same place has the same uid, whoever sees it and however often: the first half of the
    SHA-256 over canonical JSON [check, policy, rule, endpoint, name, key part of observed]."""
    check: str
    status: Status
    severity: Severity
    policy: str | None = None
    rule: str | None = None
    clause: str | None = None
    title: str
    endpoint: str
    name: str | None = None
    observed: Facts
    count: int
    first_seen: str
    last_seen: str
    evidence: Evidence
    client: str | None = None
    """Whose queries it is about (`dns.…`)."""
    domain: str | None = None
    """The registered domain that they asked for."""
    score: float | None = None
    """0 to 1; 0.5 is where an alert begins."""
    first_alert: str | None = None
    """Packet time at which the alert was raised."""
    bytes: int | None = None
    """Of the flows that it was counted for (`pq.exposure`), both ways."""
    bytes_estimated: int | None = None
    """What names and answers could have carried at most."""
    why: dict[str, float] | None = None
    """The terms that add up to the score."""
    remediation: str | None = None
    waived: Waived | None = None
    baseline: bool = False
    """Whether an earlier report, given by --baseline, had it already."""

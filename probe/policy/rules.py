"""A rule: one condition on one fact, where it applies, and what it says when it is not met.

Pure: facts in, verdict out. Conditions are compiled to closures over sets once, when the policy is loaded. A fact that
was not seen is not judged, except by `present`.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from probe.model import Facts, Severity, Status, Verdict
from probe.policy.suites import properties

Level = Literal["must", "must_not", "should", "should_not", "may"]
Predicate = Callable[[Any], bool]

SEVERITY_OF_LEVEL: Final[dict[Level, Severity]] = {
    "must": "high",
    "must_not": "high",
    "should": "medium",
    "should_not": "medium",
    "may": "info",
}
DERIVED: Final = {"tls.suite.properties": "tls.suite"}
"""Facts worked out here, and the fact of the record from which they follow, which is what a finding shows."""
_AREAS: Final = {
    "tls": (
        *("version", "suite", "suite.properties", "group", "dh_bits", "compression", "sni", "alpn", "resumed"),
        *("extended_master_secret", "renegotiation_info", "encrypt_then_mac", "hello_retry_request"),
        *("signature_scheme", "srtp_profile", "alert"),
        *("version_offered", "downgrade_sentinel", "fallback_scsv", "client_certificate", "ocsp_staple", "alert_from"),
        *("early_data_offered", "ech_offered", "ech", "dh_prime", "heartbeat", "scts", "alert_after", "resumed_by"),
        *(
            "psk_mode",
            "groups_offered",
            "psk_modes_offered",
            "pq_offer",
            "inherited",
            "client_certificate_evidence",
            "key_usage",
        ),
    ),
    "ike": (
        *("version", "mode", "encr", "key_length", "prf", "integ", "ke", "additional_ke", "notifies"),
        *("auth_method", "lifetime", "downgraded", "psk_hash_exposed"),
        *("refused", "auth_refused", "sa_hours", "child_pfs"),
    ),
    "esp": (
        *("null_encryption", "nat_t", "replayed", "near_wrap", "one_way", "sa_hours"),
        *("encr", "key_length", "integ", "inferred_cipher"),
    ),
    "plaintext": ("credentials", "account"),
    "pq": ("exposed",),
}
KNOWN_FACTS: Final = frozenset(
    ("class", "protocol", "starttls", *(f"{area}.{fact}" for area, facts in _AREAS.items() for fact in facts))
)
"""What rules may judge: the facts that the core gives, and the derived ones."""
_VERSION: Final = re.compile(r"^(D?TLS|SSL)v(?=\d)")  # TLSv1.0 in records, TLS 1.0 for people
_PLACEHOLDER: Final = re.compile(r"\{([a-z0-9_.]+)\}")


class RuleText(Struct, frozen=True, forbid_unknown_fields=True, rename={"in_": "in", "from_": "from"}, kw_only=True):
    """A rule as it is written in a policy file."""

    id: str
    fact: str
    level: Level
    clause: str
    title: str
    remediation: str
    check: str | UnsetType = UNSET
    """The check that it reports under; the fact if left out."""
    status: Literal["warn", "fail"] | UnsetType = UNSET
    """What a violation is; fail for must and must_not, else warn."""
    severity: Severity | UnsetType = UNSET
    when: dict[str, Any] = {}
    """Facts that must hold for the rule to apply: a value or a list of those allowed."""
    from_: dt.date | UnsetType = UNSET
    """The first day on which the rule holds, UTC."""
    until: dt.date | UnsetType = UNSET
    """The last day on which it holds."""
    in_: list[str | int] | UnsetType = UNSET
    not_in: list[str | int] | UnsetType = UNSET
    equals: str | int | bool | UnsetType = UNSET
    min: int | UnsetType = UNSET
    max: int | UnsetType = UNSET
    present: bool | UnsetType = UNSET
    none_of: list[str] | UnsetType = UNSET
    """For facts that are lists: none of these may be among them."""


CONDITIONS: Final = {
    "in_": "in",
    "not_in": "not_in",
    "equals": "equals",
    "min": "min",
    "max": "max",
    "present": "present",
    "none_of": "none_of",
}


class Rule:
    """A rule, ready to judge."""

    def __init__(self, policy: str, text: RuleText) -> None:
        """`text` must have exactly one condition; loading has seen to that."""
        self.policy = policy
        self.text = text
        self.check = text.fact if text.check is UNSET else text.check
        self.level = text.level
        must = text.level in ("must", "must_not")
        self.status: Status = ("fail" if must else "warn") if text.status is UNSET else text.status
        self.severity: Severity = SEVERITY_OF_LEVEL[text.level] if text.severity is UNSET else text.severity
        self._met = _predicate(text)
        self._applies = [(fact, _membership(values)) for fact, values in text.when.items()]
        self._permits = text.in_ is not UNSET or text.min is not UNSET
        self._shown = [DERIVED.get(text.fact, text.fact), *(DERIVED.get(fact, fact) for fact in text.when)]
        self._asks_for_login = any(fact.startswith("plaintext.") for fact in (text.fact, *text.when))

    @property
    def days(self) -> list[dt.date]:
        """Days from which on it is in force, or no longer."""
        begin, end = self.text.from_, self.text.until
        return [*([] if begin is UNSET else [begin]), *([] if end is UNSET else [end + dt.timedelta(days=1)])]

    def holds(self, day: dt.date | None) -> bool:
        """Whether it is in force on that day; without a day, rules that begin or end are not."""
        begin, end = self.text.from_, self.text.until
        if day is None:
            return begin is UNSET and end is UNSET
        return (begin is UNSET or begin <= day) and (end is UNSET or day <= end)

    def accepts(self, facts: Facts) -> str | None:
        """The fact of the record that it explicitly lets pass; refusing other values is no acceptance."""
        fact, facts = self.text.fact, self._of_flow(facts)
        if not self._permits or fact not in facts or not self._applicable(facts) or not self._met(facts[fact]):
            return None
        return DERIVED.get(fact, fact)

    @property
    def mentions(self) -> frozenset[str]:
        """Facts on which its verdict or its words depend."""
        return frozenset((self.text.fact, *self.text.when, *_PLACEHOLDER.findall(self.text.title)))

    def judge(self, facts: Facts, *, passes: bool) -> Verdict | None:
        """None if it does not apply, and if it is met unless `passes`."""
        fact, facts = self.text.fact, self._of_flow(facts)
        if fact not in facts and self.text.present is UNSET:
            return None
        if not self._applicable(facts):
            return None
        met = self._met(facts.get(fact))
        if met and not passes:
            return None
        observed = {name: facts[name] for name in dict.fromkeys(self._shown) if name in facts}
        shown = DERIVED.get(fact, fact)
        return Verdict(
            check=self.check,
            status="pass" if met else self.status,
            severity="info" if met else self.severity,
            title=fill(self.text.title, facts) if not met else f"{self.check} meets {self.policy} {self.text.clause}",
            observed=observed,
            key={shown: facts.get(shown)},
            remediation=None if met else self.text.remediation,
            policy=self.policy,
            rule=self.text.id,
            clause=self.text.clause,
        )

    def _of_flow(self, facts: Facts) -> Facts:
        """With the class, where a login in a later request has none because its flow was judged by that before."""
        if self._asks_for_login and "plaintext.credentials" in facts and "class" not in facts:
            return {"class": "plaintext", **facts}
        return facts

    def _applicable(self, facts: Facts) -> bool:
        return all(other in facts and applies(facts[other]) for other, applies in self._applies)


def derive(facts: Facts) -> Facts:
    """The facts with those added that rules may ask for but the record does not hold."""
    suite = facts.get("tls.suite")
    if isinstance(suite, str) and (words := properties(suite)):
        return {**facts, "tls.suite.properties": list(words)}
    return facts


def fill(title: str, facts: Facts) -> str:
    """`{fact}` in a title becomes its value."""
    return _PLACEHOLDER.sub(lambda match: _shown(facts.get(match[1])), title)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return _VERSION.sub(r"\1 ", value)
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "?" if value is None else msgspec.json.encode(value).decode()


def _predicate(text: RuleText) -> Predicate:
    """The one condition of the rule as a function."""
    if text.present is not UNSET:
        wanted = text.present
        return lambda value: (value is not None) is wanted
    if text.min is not UNSET or text.max is not UNSET:
        least, most = _bound(text.min, float("-inf")), _bound(text.max, float("inf"))
        return lambda value: isinstance(value, int | float) and least <= value <= most
    if text.in_ is not UNSET or text.equals is not UNSET:
        return _membership(text.equals if text.in_ is UNSET else text.in_)
    return _none([value for values in (text.not_in, text.none_of) if values is not UNSET for value in values])


def _bound(value: int | UnsetType, default: float) -> float:
    return default if value is UNSET else value


def _membership(values: Any) -> Predicate:  # noqa: ANN401 - a TOML value
    allowed = frozenset(values if isinstance(values, list) else [values])
    return lambda value: not allowed.isdisjoint(value) if isinstance(value, list) else value in allowed


def _none(values: list[Any]) -> Predicate:
    refused = frozenset(values)
    return lambda value: refused.isdisjoint(value) if isinstance(value, list) else value not in refused

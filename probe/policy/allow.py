"""Policies that list what is allowed, as rules: the shorthand `[allow]` of a policy file, and named security policies.

Everything outside a list is refused; what is not listed at all (no `groups`, say) is not judged.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from probe.policy.rules import RuleText


class Allow(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a session may be made of, by IANA names."""

    clause: str
    versions: list[str] | UnsetType = UNSET
    suites: list[str] | UnsetType = UNSET
    groups: list[str] | UnsetType = UNSET
    signature_schemes: list[str] | UnsetType = UNSET


class Named(Allow, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A security policy of a product, by the name that it has there."""

    id: str


_LISTS: Final = (
    ("VERSION", "tls.version", "versions", "Allow only {listed} on the server."),
    ("SUITE", "tls.suite", "suites", "Give the server only the suites of this policy."),
    ("GROUP", "tls.group", "groups", "Restrict the server's groups to {listed}."),
    (
        "SIGNATURE-SCHEME",
        "tls.signature_scheme",
        "signature_schemes",
        "Restrict the server's signature schemes to those of this policy.",
    ),
)
_DRIFT: Final = "Look which security policy is attached there: this session cannot come from the expected one."


def allow_rules(allow: Allow) -> list[RuleText]:
    """The rules of an `[allow]` table."""
    return [
        _rule(
            rule_id,
            fact,
            listed,
            clause=allow.clause,
            title=f"{{{fact}}}, which is not allowed",
            remediation=remedy,
        )
        for rule_id, fact, listed, remedy in _lists(allow)
    ]


def drift_rules(named: Named) -> list[RuleText]:
    """The rules that refute a named policy."""
    title = f"could not have been negotiated under {named.id}"
    return [
        _rule(rule_id, fact, listed, clause=named.clause, title=f"{{{fact}}} {title}", remediation=_DRIFT)
        for rule_id, fact, listed, _ in _lists(named)
    ]


def _lists(allow: Allow) -> Iterable[tuple[str, str, list[str], str]]:
    for rule_id, fact, attribute, remedy in _LISTS:
        listed = getattr(allow, attribute)
        if listed is not UNSET:
            yield rule_id, fact, listed, remedy.format(listed=", ".join(listed))


def _rule(rule_id: str, fact: str, listed: list[str], *, clause: str, title: str, remediation: str) -> RuleText:
    return RuleText(
        id=rule_id,
        fact=fact,
        level="must",
        clause=clause,
        title=title,
        remediation=remediation,
        when={"class": "tls"},
        in_=list(listed),
    )

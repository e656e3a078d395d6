"""policy.contradiction: one standard refuses what another one asks for

Meaning: of the policies chosen by --policy, at least one refuses a fact of the session and at least one other lists it
among what it allows. X25519, for instance, is recommended by the IETF and missing from the lists of NIST SP 800-52 and
BSI. It is said once for each fact; the refusals themselves are findings of their own.

Evidence: `observed` has the fact, `refused_by` and `accepted_by` (observed). Only a list of what is allowed counts as
acceptance; that a standard does not mention something does not.

Why it matters: a configuration cannot be made to satisfy both, so somebody has to decide which standard governs here.

How to fix: choose the standard that applies to the endpoint and judge by it alone, or pick a value that both allow;
record the decision as a waiver.

Reference: the clauses that the refusals cite.
"""

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from probe.model import Facts, Verdict

if TYPE_CHECKING:
    from probe.policy.load import Policy

CHECK: Final = "policy.contradiction"
_NAMES: Final = {"tls.version": "Version", "tls.suite": "Suite", "tls.group": "Group", "ike.ke": "Key exchange"}


def contradictions(
    policies: "Iterable[Policy]", facts: Facts, verdicts: Iterable[Verdict], day: dt.date
) -> list[Verdict]:
    """One verdict for each fact on which the policies in force on `day` disagree; `verdicts` are what they said."""
    refused: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.policy is not None and verdict.status in ("warn", "fail"):
            [fact] = verdict.key
            policies_of = refused.setdefault(fact, [])
            if verdict.policy not in policies_of:
                policies_of.append(verdict.policy)
    found = []
    for fact, against in refused.items():
        accepted = [policy.id for policy in policies if policy.id not in against and _accepts(policy, fact, facts, day)]
        if accepted and fact in facts:
            found.append(_verdict(fact, facts[fact], against, accepted))
    return found


def _accepts(policy: "Policy", fact: str, facts: Facts, day: dt.date) -> bool:
    return any(rule.holds(day) and rule.accepts(facts) == fact for rule in policy.rules)


def _verdict(fact: str, value: object, against: list[str], accepted: list[str]) -> Verdict:
    what = f"{_NAMES.get(fact, fact)} {value}"
    return Verdict(
        check=CHECK,
        status="warn",
        severity="info",
        title=f"{what}: refused by {', '.join(against)}, accepted by {', '.join(accepted)}",
        observed={fact: value, "refused_by": against, "accepted_by": accepted},
        key={fact: value},
        remediation="Decide which standard governs this endpoint, and judge it by that one or waive the others.",
    )

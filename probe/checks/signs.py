"""Warnings that say what the core has told already: a sign at an endpoint, or one of a client and a domain.

The detectors that use this add the words; each still has its page, its test and its name.
"""

from collections.abc import Iterable

from probe.model import EvidenceClass, Facts, Severity, Status, Verdict


def at_endpoint(
    facts: Facts, check: str, *, title: str, remediation: str, severity: Severity = "medium"
) -> list[Verdict]:
    """One verdict where the fact of the check's name was inferred of an endpoint."""
    if check not in facts:
        return []
    return [
        Verdict(
            check=check,
            status="warn",
            severity=severity,
            title=title,
            observed={check: facts[check]},
            key={},
            remediation=remediation,
            evidence="inferred",
        )
    ]


def of_pair(
    facts: Facts,
    check: str,
    *,
    title: str,
    remediation: str,
    shown: Iterable[str] = (),
    status: Status = "warn",
    severity: Severity = "medium",
    evidence: EvidenceClass = "inferred",
) -> list[Verdict]:
    """One verdict for each client and domain, which may stand in `title` in braces; `shown` are facts of `observed`."""
    alert = facts.get(check)
    if alert is None:
        return []
    who = {"client": alert["client"], "domain": alert["domain"]}
    observed = {name: facts[name] for name in shown if name in facts}
    return [
        Verdict(
            check=check,
            status=status,
            severity=severity,
            title=title.format_map(who),
            observed=observed or who,
            key=who,
            details=alert,
            remediation=remediation,
            evidence=evidence,
        )
    ]

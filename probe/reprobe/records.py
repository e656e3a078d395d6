"""What is said of a chain that was fetched or read from a file: the records of the contract."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from probe.checks.certificate_chain import CHECK, WORDINGS
from probe.model import EvidenceClass, Facts, Verdict, rfc3339
from probe.trust.chain import Chains
from probe.trust.reasons import Judgement

_WORDS: Final = dict(WORDINGS)


def judged(
    chains: Chains,
    ders: Sequence[bytes],
    endpoint: str,
    *,
    name: str | None,
    evidence: EvidenceClass,
    when: int,
    besides: Facts | None = None,
) -> Iterator[dict[str, Any]]:
    """Certificate records of those that `chains` did not know, then one finding for each reason.

    `ders`: leaf first; `name`: what was asked for; `when`: judged at this time, ns. `besides`: facts about the chain as
    a whole, shown with each reason.
    """
    hashes = tuple(hashlib.sha256(der).hexdigest() for der in ders)
    for line in chains.read(zip(hashes, ders, strict=True)).splitlines():
        yield json.loads(line)
    reasons = chains.judge(hashes, name, when) if hashes else (Judgement("not_observable", detail="none was sent"),)
    for reason in {one.reason: one for one in reversed(reasons)}.values():
        yield finding(_worded(reason, besides or {}), endpoint, name=name, evidence=evidence, when=when)


def _worded(judged: Judgement, besides: Facts) -> Verdict:
    unusual = judged.reason == "ok" and judged.detail is not None
    status, severity, title, told, remediation, _ = _WORDS["outside_profile" if unusual else judged.reason]
    detail = {"detail": judged.detail, "subject": judged.subject, "issuer": judged.issuer}.get(told or "")
    if detail:
        title = f"{title}: {'issued by ' if told == 'issuer' else ''}{detail}"
    own = "." in judged.reason
    check, key = (judged.reason, {"sha256": judged.sha256}) if own else (CHECK, {"reason": judged.reason})
    seen = {
        "sha256": judged.sha256,
        "subject": judged.subject,
        "issuer": judged.issuer,
        "detail": judged.detail,
        "store": judged.store,
    }
    observed = {**key, **{what: value for what, value in seen.items() if value is not None}, **besides}
    return Verdict(
        check=check,
        status=status,
        severity=severity,
        title=title,
        observed=observed,
        key=key,
        remediation=remediation,
    )


def finding(verdict: Verdict, endpoint: str, *, name: str | None, evidence: EvidenceClass, when: int) -> dict[str, Any]:
    """The record of a verdict that rests on no packets."""
    canonical = json.dumps(
        [verdict.check, None, None, endpoint, name, verdict.key], separators=(",", ":"), ensure_ascii=False
    )
    record: dict[str, Any] = {"type": "finding", "uid": hashlib.sha256(canonical.encode()).hexdigest()[:32]}
    record.update(check=verdict.check, status=verdict.status, severity=verdict.severity, title=verdict.title)
    record["endpoint"] = endpoint
    if name:
        record["name"] = name
    record["observed"] = verdict.observed
    record.update(count=1, first_seen=rfc3339(when), last_seen=rfc3339(when))
    record["evidence"] = {"class": evidence, "flows": [], "frames": []}
    if verdict.remediation:
        record["remediation"] = verdict.remediation
    return record

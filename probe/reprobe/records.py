"""What is said of a chain that was fetched or read from a file: the records of the contract."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from probe.checks.certificate_chain import CHECK, WORDINGS
from probe.model import EvidenceClass, rfc3339
from probe.trust.chain import Chains
from probe.trust.reasons import Judgement

_WORDS: Final = dict(WORDINGS)


def judged(
    chains: Chains, ders: Sequence[bytes], endpoint: str, *, name: str | None, evidence: EvidenceClass, when: int
) -> Iterator[dict[str, Any]]:
    """Certificate records of those that `chains` did not know, then one finding for each reason.

    `ders`: leaf first; `name`: what was asked for; `when`: judged at this time, ns.
    """
    hashes = tuple(hashlib.sha256(der).hexdigest() for der in ders)
    for line in chains.read(zip(hashes, ders, strict=True)).splitlines():
        yield json.loads(line)
    reasons = chains.judge(hashes, name, when) if hashes else (Judgement("not_observable", detail="none was sent"),)
    for reason in {one.reason: one for one in reversed(reasons)}.values():
        yield _finding(reason, endpoint, name, evidence, when)


def _finding(judged: Judgement, endpoint: str, name: str | None, evidence: EvidenceClass, when: int) -> dict[str, Any]:
    unusual = judged.reason == "ok" and judged.detail is not None
    status, severity, title, told, remediation, _ = _WORDS["outside_profile" if unusual else judged.reason]
    detail = {"detail": judged.detail, "subject": judged.subject, "issuer": judged.issuer}.get(told or "")
    if detail:
        title = f"{title}: {'issued by ' if told == 'issuer' else ''}{detail}"
    own = "." in judged.reason
    check, key = (judged.reason, {"sha256": judged.sha256}) if own else (CHECK, {"reason": judged.reason})
    canonical = json.dumps([check, None, None, endpoint, name, key], separators=(",", ":"), ensure_ascii=False)
    seen = {
        "sha256": judged.sha256,
        "subject": judged.subject,
        "issuer": judged.issuer,
        "detail": judged.detail,
        "store": judged.store,
    }
    record: dict[str, Any] = {"type": "finding", "uid": hashlib.sha256(canonical.encode()).hexdigest()[:32]}
    record.update(check=check, status=status, severity=severity, title=title, endpoint=endpoint)
    if name:
        record["name"] = name
    record["observed"] = {**key, **{what: value for what, value in seen.items() if value is not None}}
    record.update(count=1, first_seen=rfc3339(when), last_seen=rfc3339(when))
    record["evidence"] = {"class": evidence, "flows": [], "frames": []}
    if remediation:
        record["remediation"] = remediation
    return record

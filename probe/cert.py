"""`transitproof cert`: chains of endpoints and of files, judged by the engine that judges captures.

An endpoint is connected to once (evidence reprobed); an existing path is a file with certificates, leaf first, PEM or
DER (evidence host). Gives the records of the contract: certificate and finding.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probe.checks.certificate_chain import CHECK, WORDINGS
from probe.engine import load_core
from probe.model import NANOSECONDS, EvidenceClass, rfc3339
from probe.reprobe.fetch import ReprobeError, fetch
from probe.trust.chain import Chains
from probe.trust.reasons import Judgement
from probe.trust.store import Store

MAX_FILE: Final = 1 << 20  # bytes of a certificate file; a bundle of 200 has less
_WORDS: Final = dict(WORDINGS)


class TargetError(ValueError):
    """A target cannot be looked at; the message is one line with the target in front."""


def look(
    target: str,
    store: Store,
    *,
    sni: str | None = None,
    alpn: Sequence[str] = (),
    starttls: str | None = None,
    timeout: float = 10.0,
    now: int | None = None,
) -> Iterator[dict[str, Any]]:
    """The certificate and finding records of one target. Raises TargetError."""
    when = int(dt.datetime.now(tz=dt.UTC).timestamp()) * NANOSECONDS if now is None else now
    name: str | None
    evidence: EvidenceClass
    if Path(target).exists():
        endpoint, name, ders, evidence = target, sni, _file(target), "host"
    else:
        host, port = _host_and_port(target)
        try:
            seen = fetch(host, port, sni=sni, alpn=alpn, starttls=starttls, timeout=timeout)
        except ReprobeError as error:
            raise TargetError(f"{target}: {error}") from None
        endpoint, name, ders, evidence = seen.endpoint, host if sni is None else sni or None, seen.chain, "reprobed"
    chains = Chains(store, parsers=load_core())
    hashes = tuple(hashlib.sha256(der).hexdigest() for der in ders)
    for line in chains.read(zip(hashes, ders, strict=True)).splitlines():
        yield json.loads(line)
    reasons = chains.judge(hashes, name, when) if hashes else (Judgement("not_observable", detail="none was sent"),)
    for reason in {one.reason: one for one in reversed(reasons)}.values():
        yield _finding(reason, endpoint, name, evidence, when)


def _finding(judged: Judgement, endpoint: str, name: str | None, evidence: EvidenceClass, when: int) -> dict[str, Any]:
    unusual = judged.reason == "ok" and judged.detail is not None
    status, severity, title, told, remediation = _WORDS["outside_profile" if unusual else judged.reason]
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


def _file(path: str) -> list[bytes]:
    """DER of the certificates in a file, in its order."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except OSError as error:
        raise TargetError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    if len(content) > MAX_FILE:
        raise TargetError(f"{path}: larger than {MAX_FILE >> 20} MiB; name the file with the chain alone")
    if b"-----BEGIN" not in content:
        return [content]  # one that cannot be parsed becomes a finding
    try:
        return [one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(content)]
    except ValueError:
        raise TargetError(f"{path}: no certificates in it that can be read; PEM or DER is wanted") from None


def _host_and_port(target: str) -> tuple[str, int]:
    host, separator, port = target.rpartition(":")
    if target.endswith("]") or not separator:
        host, port = target, "443"
    if not port.isdigit() or not 0 < int(port) < 65_536 or not host or (":" in host and not host.startswith("[")):
        raise TargetError(f"{target}: neither a file nor HOST:PORT; IPv6 addresses stand in brackets: [::1]:443")
    return host.removeprefix("[").removesuffix("]"), int(port)

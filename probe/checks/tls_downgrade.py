"""tls.downgrade: a session below what both sides can do

Meaning: `observed.reason` is one of
sentinel (the server's random says that it could do a higher version, and the client offered that version: somebody
changed the hello on the way, or the client accepts what it must refuse) ·
fallback (the client came back with a lower version on purpose and the server took it, which it should only do where it
can do no better) ·
fallback_refused (the same, but the server knew better and ended the handshake with inappropriate_fallback).
A server that only knows TLS 1.2, or a client that offers no more, is no downgrade: tls.version is about that.

Evidence: `tls.version_offered`, `tls.version`, `tls.downgrade_sentinel` (the last eight bytes of the server's random),
`tls.fallback_scsv` (a signalling suite in the client's list) and `tls.alert`, all in the clear (observed).

Why it matters: an attacker who can make both sides meet at an old version can use its weaknesses (POODLE, Logjam)
against sides that have long left it behind.

How to fix: sentinel: look for a middlebox or an attacker between the two, and update the client, which has to end
such a handshake. fallback: switch off the retry with lower versions in the client, and the old versions on the server.
fallback_refused: the protection worked; find out why the first attempt of the client failed.

Reference: RFC 8446 section 4.1.3 (the sentinel), RFC 7507 (TLS_FALLBACK_SCSV), RFC 9325 section 3.1.
"""

from typing import Final

from probe.model import Facts, Severity, Status, Verdict

CHECK: Final = "tls.downgrade"

_SHOWN: Final = ("tls.version", "tls.version_offered", "tls.downgrade_sentinel", "tls.fallback_scsv", "tls.alert")
_REFUSED: Final = "inappropriate_fallback"
_RANK: Final = {
    version: rank for rank, version in enumerate(("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"))
}
# DTLS has no 1.1; the sentinel names versions of TLS.
_AS_TLS: Final = {"DTLSv1.0": "TLSv1.1", "DTLSv1.2": "TLSv1.2", "DTLSv1.3": "TLSv1.3"}
_Row = tuple[Status, Severity, str, str]
_ROWS: Final[dict[str, _Row]] = {
    "sentinel": (
        "fail",
        "critical",
        "Downgrade: {version} negotiated though both sides can do {better}",
        "Look for a middlebox or an attacker between the two; update the client, which must refuse this.",
    ),
    "fallback": (
        "warn",
        "medium",
        "Client fell back to {version} on purpose",
        "Switch off the client's retry with lower versions, and old versions on the server.",
    ),
    "fallback_refused": (
        "warn",
        "low",
        "Fallback of the client to {version} refused by the server",
        "The protection worked: find out why the client's first attempt failed.",
    ),
}


def judge(facts: Facts) -> list[Verdict]:
    """At most one verdict: the gravest reason that applies."""
    reason = _reason(facts)
    if reason is None:
        return []
    status, severity, title, remediation = _ROWS[reason]
    version = str(facts.get("tls.version", facts.get("tls.version_offered", "")))
    words = {"version": _words(version), "better": _words(facts.get("tls.downgrade_sentinel", ""))}
    return [
        Verdict(
            check=CHECK,
            status=status,
            severity=severity,
            title=title.format_map(words),
            observed={"reason": reason, **{name: facts[name] for name in _SHOWN if name in facts}},
            key={"reason": reason},
            remediation=remediation,
        )
    ]


def _reason(facts: Facts) -> str | None:
    sentinel = facts.get("tls.downgrade_sentinel")
    if sentinel is not None and _rank(facts.get("tls.version_offered")) >= _rank(sentinel) > _rank(
        facts.get("tls.version")
    ):
        return "sentinel"
    if facts.get("tls.alert") == _REFUSED:
        return "fallback_refused"
    if facts.get("tls.fallback_scsv") and "tls.version" in facts:
        return "fallback"
    return None


def _rank(version: str | None) -> int:
    return _RANK.get(_AS_TLS.get(version or "", version or ""), -1)


def _words(version: str) -> str:
    return version.replace("v", " ")

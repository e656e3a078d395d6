"""The two inventories that PCI DSS 4.0.1 asks for, as tables. Pure.

4.2.1.1: trusted keys and certificates that protect card data in transit. 12.3.3: cryptographic cipher suites and
protocols in use, with purpose and where used. Which endpoints carry card data is for their operator to know: a column
is left for it.
"""

from collections.abc import Iterator
from typing import Any, Final

from collector.export.evidence import Evidence, record
from collector.paging import Row
from collector.times import rfc3339

CERTIFICATES: Final = (
    *("sha256", "subject", "issuer", "serial", "names", "not_before", "not_after", "state", "key", "signature"),
    *("public_key_sha256", "endpoints", "first_seen", "last_seen", "open_findings", "protects_card_data"),
)
PROTOCOLS: Final = (
    *("endpoint", "name", "protocol", "version", "suite", "key_exchange", "purpose", "first_seen", "last_seen"),
    *("seen_by", "open_findings", "worst", "response"),
)
PURPOSES: Final = {
    "tls": "data in transit",
    "ipsec": "site-to-site or remote access tunnel",
    "encrypted": "data in transit",
}


def certificates(evidence: Evidence) -> Iterator[Row]:
    """Requirement 4.2.1.1."""
    against = _open(evidence, "sha256")
    for row in evidence.certificates:
        told, ends = record(row), row["not_after"]
        key = told.get("key")
        yield {
            **{name: row[name] for name in ("sha256", "subject", "issuer")},
            "serial": told.get("serial", ""),
            "names": _joined(told.get("sans")),
            "not_before": _when(row["not_before"]),
            "not_after": _when(ends),
            "state": "unknown" if ends is None else "expired" if ends < evidence.period.until else "valid",
            "key": " ".join(str(part) for part in key.values()) if isinstance(key, dict) else "",
            "signature": told.get("signature", ""),
            "public_key_sha256": row["spki_sha256"],
            "endpoints": _joined(row["endpoints"]),
            "first_seen": _when(row["first_seen"]),
            "last_seen": _when(row["last_seen"]),
            "open_findings": against.get(row["sha256"], (0, ""))[0],
            "protects_card_data": "",
        }


def protocols(evidence: Evidence) -> Iterator[Row]:
    """Requirement 12.3.3: of each endpoint what it was seen to speak."""
    against = _open(evidence, "")
    for posture in evidence.postures:
        facts, endpoint = posture["facts"], posture["endpoint"]
        if facts.get("class") not in PURPOSES:
            continue
        count, worst = against.get(endpoint, (0, ""))
        yield {
            "endpoint": endpoint,
            "name": posture["name"],
            "protocol": facts.get("protocol", facts["class"]),
            "version": facts.get("tls.version", facts.get("ike.version", "")),
            "suite": suite(facts),
            "key_exchange": facts.get("tls.group", facts.get("ike.ke", "")),
            "purpose": PURPOSES[facts["class"]],
            "first_seen": _when(posture["first_seen"]),
            "last_seen": _when(posture["last_seen"]),
            "seen_by": f"{posture['site']}/{posture['probe']}",
            "open_findings": count,
            "worst": worst,
            "response": "",
        }


def suite(facts: dict[str, Any]) -> str:
    """The suite of TLS, or what IKE was agreed to use."""
    if "tls.suite" in facts:
        return str(facts["tls.suite"])
    parts = [facts.get(f"ike.{name}") for name in ("encr", "key_length", "integ")]
    return "/".join(str(part) for part in parts if part)


def _open(evidence: Evidence, by: str) -> dict[str, tuple[int, str]]:
    """Findings that are neither resolved nor passes: how many, and the worst, by endpoint or by an observed value."""
    counts: dict[str, tuple[int, str]] = {}
    for row in evidence.findings:  # the worst come first
        if row["workflow"] == "resolved" or row["status"] not in {"fail", "warn"}:
            continue
        told = record(row)
        observed = told.get("observed")
        key = row["endpoint"] if not by else observed.get(by) if isinstance(observed, dict) else None
        if isinstance(key, str):
            count, worst = counts.get(key, (0, told.get("severity", "")))
            counts[key] = (count + 1, worst)
    return counts


def _joined(values: object) -> str:
    return "; ".join(map(str, values)) if isinstance(values, list) else ""


def _when(seconds: float | None) -> str:
    return "" if seconds is None else rfc3339(seconds)

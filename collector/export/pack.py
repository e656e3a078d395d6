"""The audit pack: a ZIP with report, inventories, CBOM, findings, and a manifest that says what all of it rests on.

The manifest holds the SHA-256 of every file and of every policy that may have judged, which envelopes of which probes
were received and which are missing, and what was not seen. It is signed like the envelopes of probes
(probe.publish.signing), so whoever has the public key can tell that nothing was changed since:
`python -m collector.export.verify PACK KEY` does.
"""

import hashlib
import io
import zipfile
from typing import Any, Final

import msgspec

from collector.export import cbom, inventories, ocsf, protection, report
from collector.export.evidence import Evidence
from collector.export.tables import as_csv, plain
from collector.export.verify import MANIFEST
from collector.times import rfc3339
from probe import __version__
from probe.policy.load import SHIPPED
from probe.publish.signing import Signer

_STAMP: Final = (1980, 1, 1, 0, 0, 0)  # the same evidence gives the same bytes
_FINDINGS: Final = (
    *("uid", "check", "status", "severity", "policy", "rule", "title", "endpoint", "name", "site", "probe"),
    *("first_seen", "last_seen", "sightings", "workflow", "until", "note"),
)


def make(evidence: Evidence, signer: Signer | None) -> bytes:
    """The ZIP. Without a signer the manifest has no signature, and report and manifest say so."""
    files = contents(evidence, signed_by=None if signer is None else signer.kid)
    told = msgspec.json.encode(manifest(evidence, files))
    files[MANIFEST] = told if signer is None else signer.sign(told)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _STAMP)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            pack.writestr(entry, data)
    return out.getvalue()


def contents(evidence: Evidence, signed_by: str | None) -> dict[str, bytes]:
    """The files by their names, but for the manifest."""
    rows = [plain({name: value for name, value in row.items() if name != "record"}) for row in evidence.findings]
    events = (ocsf.made(row) for row in evidence.findings)
    return {
        "report.html": report.html(evidence, signed_by).encode(),
        "pci-dss-4.2.1.1-certificates.csv": as_csv(
            inventories.certificates(evidence), inventories.CERTIFICATES
        ).encode(),
        "pci-dss-12.3.3-protocols.csv": as_csv(inventories.protocols(evidence), inventories.PROTOCOLS).encode(),
        "findings.csv": as_csv(rows, _FINDINGS).encode(),
        "findings.ocsf.jsonl": b"".join(msgspec.json.encode(one) + b"\n" for one in events if one is not None),
        "decisions.csv": as_csv(
            ({**row, "at": rfc3339(row["at"])} for row in evidence.decisions), ("at", "who", "what")
        ).encode(),
        "protected-bytes.csv": as_csv(protection.days(evidence), protection.DAYS).encode(),
        "quantum-exposure.csv": as_csv(map(plain, evidence.exposures), protection.EXPOSURES).encode(),
        "cbom.cdx.json": cbom.cbom(evidence).encode(),
    }


def manifest(evidence: Evidence, files: dict[str, bytes]) -> dict[str, Any]:
    """The chain of custody."""
    return {
        "schema": "transitproof.audit/1",
        "made": rfc3339(evidence.made),
        "collector": __version__,
        "period": {"from": rfc3339(evidence.period.since), "until": rfc3339(evidence.period.until)},
        "coverage": evidence.coverage,
        "left_out": evidence.left_out,
        "protection": protection.summary(evidence),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        "policies": policies(),
        "inputs": [plain(row) for row in evidence.inputs],
        "probes": [_probe(row) for row in evidence.probes],
    }


def policies() -> dict[str, str]:
    """SHA-256 of the standards of this version, by id."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(SHIPPED.glob("*.toml"))}


def _probe(row: dict[str, Any]) -> dict[str, Any]:
    state = row["state"]
    items = state.get("items") if isinstance(state, dict) else None
    told = items[-1] if isinstance(items, list) and items and isinstance(items[-1], dict) else state
    kept = {name: row[name] for name in ("site", "probe", "version", "word", "missed", "first_seen", "last_seen")}
    judged = told.get("policies") if isinstance(told, dict) else None
    return plain(kept) | ({"policies": judged} if isinstance(judged, list) else {})

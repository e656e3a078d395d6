"""The audit pack: a ZIP with report, inventories, CBOM, findings, and a manifest that says what all of it rests on.

The manifest holds the SHA-256 of every file and of every policy that may have judged, which envelopes of which probes
were received and which are missing, and what was not seen. It is signed like the envelopes of probes
(probe.publish.signing), so whoever has the public key can tell that nothing was changed since:
`python -m collector.export.verify PACK KEY` does.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from collector.export import cbom, inventories, ocsf, protection, report
from collector.export.evidence import Evidence, record
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
    out, hashes = io.BytesIO(), dict[str, str]()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, pieces in contents(evidence, signed_by=None if signer is None else signer.kid):
            hashes[name] = _write(pack, name, pieces)
        told = msgspec.json.encode(manifest(evidence, hashes))
        _write(pack, MANIFEST, [told if signer is None else signer.sign(told)])
    return out.getvalue()


def _write(pack: zipfile.ZipFile, name: str, pieces: Iterable[bytes]) -> str:
    """The SHA-256 of what was written."""
    entry, digest = zipfile.ZipInfo(name, _STAMP), hashlib.sha256()
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    with pack.open(entry, "w") as file:
        for piece in pieces:
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def contents(evidence: Evidence, signed_by: str | None) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The files with their names, but for the manifest: one at a time, and the large ones in pieces."""
    csv = {
        "decisions.csv": (({**row, "at": rfc3339(row["at"])} for row in evidence.decisions), ("at", "who", "what")),
        "findings.csv": (map(_finding, evidence.findings), _FINDINGS),
        "pci-dss-12.3.3-protocols.csv": (inventories.protocols(evidence), inventories.PROTOCOLS),
        "pci-dss-4.2.1.1-certificates.csv": (inventories.certificates(evidence), inventories.CERTIFICATES),
        "protected-bytes.csv": (protection.days(evidence), protection.DAYS),
        "quantum-exposure.csv": (map(plain, evidence.exposures), protection.EXPOSURES),
    }
    yield "cbom.cdx.json", cbom.cbom(evidence)
    for name, (rows, columns) in csv.items():
        yield name, [as_csv(rows, columns).encode()]
    events = (ocsf.made({**row, "record": record(row)}) for row in evidence.findings)
    yield "findings.ocsf.jsonl", (msgspec.json.encode(one) + b"\n" for one in events if one is not None)
    yield "report.html", [report.html(evidence, signed_by).encode()]


def _finding(row: Mapping[str, Any]) -> dict[str, Any]:
    return plain({name: value for name, value in row.items() if name != "record"})


def manifest(evidence: Evidence, hashes: dict[str, str]) -> dict[str, Any]:
    """The chain of custody. `hashes`: SHA-256 of the files by their names."""
    return {
        "schema": "transitproof.audit/1",
        "made": rfc3339(evidence.made),
        "collector": __version__,
        "period": {"from": rfc3339(evidence.period.since), "until": rfc3339(evidence.period.until)},
        "coverage": evidence.coverage,
        "left_out": evidence.left_out,
        "protection": protection.summary(evidence),
        "files": dict(sorted(hashes.items())),
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

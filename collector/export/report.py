"""The report of a period as one HTML file: no script, nothing from elsewhere, fit to be printed (also to PDF)."""

from collections import Counter
from itertools import islice
from typing import Any, Final

from collector import charts, queries, rendering
from collector.export import protection
from collector.export.evidence import Evidence
from collector.export.inventories import certificates, protocols
from collector.store.rows import SEVERITIES

MOST_SHARES: Final = 30  # sites, hosts or services on paper
MOST_ROWS: Final = 500  # of a table on paper; the CSV files have all


def html(evidence: Evidence, signed_by: str | None) -> str:
    """`signed_by`: id of the key that signs the manifest; None if nobody does."""
    counted = [row for row in evidence.findings if row["status"] in {"fail", "warn"}]
    states = {word: Counter[str]() for word in queries.WORKFLOWS}
    for row in counted:
        states.setdefault(row["workflow"], Counter())[SEVERITIES[row["severity"]]] += 1
    values: dict[str, Any] = {
        "evidence": evidence,
        "signed_by": signed_by,
        "states": states,
        "findings": counted[:MOST_ROWS],
        "more_findings": max(0, len(counted) - MOST_ROWS),
        "unobservable": sum(1 for row in evidence.findings if row["status"] == "not_observable"),
        "certificates": list(islice(certificates(evidence), MOST_ROWS)),
        "more_certificates": max(0, len(evidence.certificates) - MOST_ROWS),
        "protocols": list(islice(protocols(evidence), MOST_ROWS)),
        "protection": {by: protection.periods(evidence, by, MOST_SHARES) for by in protection.BY},
        "exposures": {by: [row for row in evidence.exposures if row["by"] == by] for by in protection.BY},
        "most_shares": MOST_SHARES,
        "share": queries.share(evidence.classes),
        "bar": charts.bar(evidence.classes),
        "bands": charts.bands(evidence.history, 86_400),
    }
    return rendering.render("report.html", values)

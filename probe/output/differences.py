"""What `diff` prints on a terminal."""

from typing import Any, Final

from probe.model import SEVERITIES
from probe.output.terminal import Style, clean, counted

_SIGNS: Final = {"new": ("+", "red"), "changed": ("~", "yellow"), "resolved": ("-", "green")}


def render(records: list[dict[str, Any]], style: Style) -> str:
    """One line for each difference, and how many there are."""
    lines = []
    for record in records:
        sign, colour = _SIGNS[record["change"]]
        finding = record["finding"]
        where = f"{finding['endpoint']} {finding.get('name', '')}".rstrip()
        head = style.paint(f"{sign} {record['change']:<8} {finding['severity']:<8}", colour)
        lines.append(f"{head} {clean(finding['title'])}  {style.paint(clean(where), 'dim')}  {finding['uid'][:12]}")
        if "before" in record:
            was = ", ".join(f"{key} {value}" for key, value in record["before"].items() if key != "observed")
            lines.append(style.paint(f"  before: {clean(was or 'other facts')}", "dim"))
    numbers = [sum(record["change"] == change for record in records) for change in _SIGNS]
    said = ", ".join(f"{number} {change}" for number, change in zip(numbers, _SIGNS, strict=True))
    lines.append(f"{counted(len(records), 'difference')}: {said}" if records else "no difference")
    return "\n".join(lines) + "\n"


def reaches(records: list[dict[str, Any]], severity: str) -> bool:
    """Whether a new finding that speaks against its endpoint is of this weight or more."""
    least = SEVERITIES.index(severity)
    new = [record["finding"] for record in records if record["change"] == "new"]
    return any(
        SEVERITIES.index(finding["severity"]) >= least and finding["status"] in ("warn", "fail") for finding in new
    )

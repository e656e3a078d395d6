"""The report for people: what was seen, what is wrong and how to fix it, the worst first, and what could not be known.

Works on the outcome alone. Endpoints with the same findings share a block, so that a fleet with one fault reads as one
fault.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from probe.model import CLASSES, SEVERITIES, Finding, Severity, severity_rank
from probe.output import tunnels
from probe.output.terminal import Style, clean, counted, size
from probe.report import Outcome

MAX_BLOCKS: Final = 40  # endpoints or groups of them shown: a screenful or two; JSON Lines has them all
MAX_FINDINGS: Final = 8  # of one block
MAX_NAMES: Final = 3
LONG_HOURS: Final = 48  # from here a period is given in days
MAX_NOTES: Final = 8  # damaged places, files that were not read, reasons why something was not observable
_LABELS: Final = {
    "tls": "TLS",
    "ipsec": "IPsec",
    "encrypted": "encrypted",
    "plaintext": "plaintext",
    "unknown": "unknown",
}
_COLORS: Final = {"tls": "green", "ipsec": "cyan", "encrypted": "blue", "plaintext": "red", "unknown": "yellow"}
_SEVERITY_COLORS: Final[dict[Severity, str]] = {
    "critical": "alarm",
    "high": "red",
    "medium": "yellow",
    "low": "blue",
    "info": "dim",
}
_INDENT: Final = 12
_UNSEEN: Final = {"ike.pfs": "IPsec at", "vpn.tunnel": "VPN tunnels at"}
"""What could not be observed, by check; certificates by all others."""


class Context(Struct, frozen=True):
    """How it was judged, for the last line."""

    policies: tuple[str, ...]
    certificates_at: str = "at packet time"
    roots: tuple[str, ...] | None = None
    """Files of trusted roots; None if no chain was judged."""


def render(outcome: Outcome, context: Context, style: Style) -> str:
    """The whole report, ending in a newline."""
    sections = [
        _head(outcome, style),
        _classes(outcome, style),
        tunnels.rows(outcome.tunnels, outcome.findings, style, _SEVERITY_COLORS),
        *_blocks(outcome, style),
        _unseen(outcome, style),
        _notices(outcome, style),
        _result(outcome, context, style),
    ]
    return "\n" + "\n\n".join("\n".join(lines) for section in sections if (lines := list(section))) + "\n"


def _head(outcome: Outcome, style: Style) -> Iterator[str]:
    files = ", ".join(outcome.files[:MAX_NAMES])
    more = f" and {len(outcome.files) - MAX_NAMES} more" if len(outcome.files) > MAX_NAMES else ""
    for text in style.wrap(files + more, 2):
        yield "  " + style.paint(text, "bold")
    totals = outcome.totals
    parts = [
        counted(totals.get("packets", 0), "packet"),
        size(totals.get("bytes", 0)),
        counted(totals.get("flows", 0), "flow"),
    ]
    if "start" in totals and "end" in totals:
        parts.append(_period(totals["start"], totals["end"]))
    for text in style.flow(parts, 2):
        yield "  " + style.paint(text, "dim")
    if outcome.selection:
        left_out = totals.get("filtered", {}).get("packets", 0)
        parts = [f"{word} {value}" if word != "filter" else value for word, value in outcome.selection.items()]
        for text in style.wrap(f"only {', '.join(parts)}; {counted(left_out, 'packet')} left out", 2):
            yield "  " + style.paint(text, "yellow")


def _classes(outcome: Outcome, style: Style) -> Iterator[str]:
    by_class = outcome.totals.get("by_class", {})
    whole = sum(entry.get("bytes", 0) for entry in by_class.values())
    if not whole:
        return
    width = style.width - 49
    for name in CLASSES:
        entry = by_class.get(name, {})
        bytes_ = entry.get("bytes", 0)
        share = bytes_ / whole
        row = f"  {_percent(share):>7}  {size(bytes_):>8}  {counted(entry.get('flows', 0), 'flow'):>13}"
        label = f"  {_LABELS[name]:<10}"
        if not bytes_:
            yield style.paint(label, "dim") + style.bar(0, width, "dim") + style.paint(row, "dim")
        else:
            yield label + style.bar(share, width, _COLORS[name]) + row


def _blocks(outcome: Outcome, style: Style) -> Iterator[list[str]]:
    groups = _grouped(finding for finding in outcome.findings if finding.status in ("pass", "warn", "fail"))
    for group in groups[:MAX_BLOCKS]:
        yield list(_block(group, outcome, style))
    if len(groups) > MAX_BLOCKS:
        rest = sum(len(group) for group in groups[MAX_BLOCKS:])
        yield [f"  … {counted(rest, 'more endpoint')} with findings; --format jsonl lists every one."]


def _grouped(findings: Iterable[Finding]) -> list[list[list[Finding]]]:
    """Blocks of endpoints that have the same findings; each endpoint is a list of findings, the worst first."""
    endpoints: dict[str, list[Finding]] = {}
    for finding in findings:
        endpoints.setdefault(finding.endpoint, []).append(finding)
    blocks: dict[frozenset[tuple[str, str]], list[list[Finding]]] = {}
    for of_endpoint in endpoints.values():
        alike = frozenset((finding.severity, finding.title) for finding in of_endpoint)
        blocks.setdefault(alike, []).append(of_endpoint)
    return sorted(blocks.values(), key=lambda block: _badness(block[0]), reverse=True)


def _badness(findings: list[Finding]) -> list[int]:
    """Numbers of findings, critical first; two lists compare as one would judge them."""
    counts = Counter(severity_rank(finding.severity) for finding in findings)
    return [counts[rank] for rank in reversed(range(len(SEVERITIES)))]


def _block(group: list[list[Finding]], outcome: Outcome, style: Style) -> Iterator[str]:
    title = style.paint(clean(group[0][0].endpoint), "bold")
    if len(group) > 1:
        title += f" and {counted(len(group) - 1, 'more endpoint')} with the same findings"
    yield f"  {title}"
    for text in style.flow(_about(group, outcome), 2):
        yield "  " + style.paint(text, "dim")
    lines: dict[tuple[str, str], list[Finding]] = {}
    for endpoint in group:
        for finding in endpoint:
            lines.setdefault((finding.severity, finding.title), []).append(finding)
    for alike in list(lines.values())[:MAX_FINDINGS]:
        yield from _finding(alike, style)
    if len(lines) > MAX_FINDINGS:
        yield " " * _INDENT + style.paint(f"… {len(lines) - MAX_FINDINGS} more; --format jsonl lists every one", "dim")


def _about(group: list[list[Finding]], outcome: Outcome) -> Iterator[str]:
    """Names, protocols and size of the endpoints of a block."""
    names = list(dict.fromkeys(finding.name for endpoint in group for finding in endpoint if finding.name))
    if names:
        yield ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
    totals = [
        outcome.endpoints[endpoint[0].endpoint] for endpoint in group if endpoint[0].endpoint in outcome.endpoints
    ]
    protocols = dict.fromkeys(protocol for entry in totals for protocol in entry.protocols)
    if totals:
        yield ", ".join(protocols) or "unknown"
        yield counted(sum(entry.flows for entry in totals), "flow")
        yield size(sum(entry.bytes for entry in totals))


def _finding(alike: list[Finding], style: Style) -> Iterator[str]:
    """What is wrong, how to fix it, and where to look."""
    first = alike[0]
    severity = "pass" if first.status == "pass" else first.severity
    color = "green" if severity == "pass" else _SEVERITY_COLORS[first.severity]
    title, *rest = style.wrap(first.title, _INDENT)
    yield "  " + style.paint(f"{severity:<{_INDENT - 2}}", color) + title
    for text in rest:
        yield " " * _INDENT + text
    if first.remediation is not None:
        arrow = style.sign("→ ", "> ")
        for number, text in enumerate(style.wrap(first.remediation, _INDENT + 2)):
            yield " " * _INDENT + (style.paint(arrow, "green") if number == 0 else "  ") + text
    parts = [f"{first.policy} {first.clause}" if first.policy else first.check]
    parts.append(counted(sum(finding.count for finding in alike), "flow"))
    parts += first.evidence.frames[:1]
    if first.waived is not None and all(finding.waived == first.waived for finding in alike):
        parts.append(f"waived by {clean(first.waived.owner)} until {first.waived.expires}")
    elif all(finding.baseline for finding in alike):
        parts.append("known from the baseline")
    for text in style.flow(parts, _INDENT):
        yield " " * _INDENT + style.paint(text, "dim")


def _unseen(outcome: Outcome, style: Style) -> Iterator[str]:
    """What a passive observer could not know here."""
    hidden: dict[tuple[str, str], set[str]] = {}
    for finding in outcome.findings:
        if finding.status == "not_observable":
            what = _UNSEEN.get(finding.check, "certificates of")
            hidden.setdefault((what, str(finding.observed.get("detail", ""))), set()).add(finding.endpoint)
    unknown = outcome.totals.get("by_class", {}).get("unknown", {})
    notes = [f"{what} {counted(len(endpoints), 'endpoint')}: {why}" for (what, why), endpoints in hidden.items()]
    if unknown.get("flows"):
        flows = f"{counted(unknown['flows'], 'flow')} ({size(unknown.get('bytes', 0))})"
        notes.append(f"{flows}: too little was seen to name the protocol")
    if outcome.reprobed:
        tried, answered = (outcome.reprobed.get(what, 0) for what in ("tried", "answered"))
        notes.append(f"{counted(tried, 'endpoint')} connected to (--reprobe), {answered} answered with a chain")
    if notes:
        yield "  " + style.paint("Could not be observed", "bold")
    for note in notes[:MAX_NOTES]:
        for number, text in enumerate(style.wrap(note, 6)):
            yield "  " + style.paint((style.sign("○ ", "- ") if number == 0 else "  ") + text, "dim")


def _notices(outcome: Outcome, style: Style) -> Iterator[str]:
    """Why the report may be incomplete."""
    notes = [f"{problem.file}: {problem.what}" for problem in outcome.problems[:MAX_NOTES]]
    notes += [
        f"{damage.file} is damaged at byte {damage.offset:,}: {damage.what}" for damage in outcome.damaged[:MAX_NOTES]
    ]
    if len(outcome.damaged) > MAX_NOTES:
        notes.append(f"… {len(outcome.damaged) - MAX_NOTES} more damaged places")
    notes += [
        f"{counted(count, 'packet')} dropped: {reason}"
        for reason, count in outcome.totals.get("drops", {}).items()
        if count
    ]
    limits = {**outcome.totals.get("limits", {}), **outcome.limits}
    notes += [f"limit {name} reached {counted(count, 'time')}" for name, count in limits.items() if count]
    if outcome.interrupted:
        notes.append("interrupted: this is what was read until then")
    if notes:
        yield "  " + style.paint("Not complete", "yellow")
    for note in notes:
        for number, text in enumerate(style.wrap(note, 6)):
            yield "  " + (style.paint(style.sign("▲ ", "! "), "yellow") if number == 0 else "  ") + text


def _result(outcome: Outcome, context: Context, style: Style) -> Iterator[str]:
    counts = outcome.by_severity
    endpoints = {finding.endpoint for finding in outcome.findings if finding.status in ("warn", "fail")}
    if counts:
        numbers = ", ".join(f"{count} {severity}" for severity, count in counts.items())
        worst: Severity = next(severity for severity in reversed(SEVERITIES) if severity in counts)
        verdict = f"{style.sign('✖', 'x')} {counted(sum(counts.values()), 'finding')}"
        verdict += f" at {_share(len(endpoints), outcome)}: {numbers}"
        for text in style.wrap(verdict, 2):
            yield "  " + style.paint(text, _SEVERITY_COLORS[worst])
    elif outcome.selection and not outcome.totals.get("flows"):
        yield "  " + style.paint("No traffic to judge: nothing in the input is what was asked for.", "yellow")
    elif not outcome.totals.get("flows"):
        yield "  " + style.paint("No traffic to judge: the input holds no IP packets that could be read.", "yellow")
    else:
        complete = not (outcome.damaged or outcome.problems or outcome.interrupted)
        text = f"{style.sign('✔', 'ok:')} Nothing to object to in what could be observed."
        yield "  " + style.paint(text, "good" if complete else "yellow")
    if outcome.marks is not None and (marked := outcome.marks.waived + outcome.marks.known):
        known = f"{outcome.marks.known} known from the baseline"
        text = f"{counted(marked, 'mark')} on findings: {outcome.marks.waived} waived, {known}"
        yield "  " + style.paint(text, "dim")
    as_of = "" if outcome.as_of is None else f" as of {outcome.as_of}"
    judged = f"Judged by {', '.join(context.policies) or 'no policy'}{as_of}; certificates {context.certificates_at}"
    if context.roots is not None:
        trusted = f", against {' and '.join(context.roots)}"
        judged += (
            trusted if context.roots else "; no root is trusted here: install ca-certificates or name roots by --trust"
        )
    for text in style.wrap(judged, 2):
        yield "  " + style.paint(text, "dim")


def _share(endpoints: int, outcome: Outcome) -> str:
    every = len(outcome.endpoints)
    return f"{endpoints:,} of {counted(every, 'endpoint')}" if every >= endpoints else counted(endpoints, "endpoint")


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{share:.1%}".replace("%", " %")


def _period(start: str, end: str) -> str:
    """`2026-11-23 10:00:00 UTC, 2 min 31 s`; whatever cannot be read is shown as it is."""
    try:
        begin, finish = (dt.datetime.fromisoformat(moment) for moment in (start, end))
    except (ValueError, TypeError):
        return clean(f"{start} to {end}")
    seconds = max((finish - begin).total_seconds(), 0.0)
    hours, rest = divmod(round(seconds), 3600)
    minutes, whole = divmod(rest, 60)
    if hours >= LONG_HOURS:
        length = counted(hours // 24, "day")
    elif hours:
        length = f"{hours} h {minutes:02d} min"
    elif minutes:
        length = f"{minutes} min {whole:02d} s"
    else:
        length = f"{seconds:.1f} s"
    return f"{begin:%Y-%m-%d %H:%M:%S} UTC, {length}"

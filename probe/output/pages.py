"""What `policies` and `explain` print: the shipped policies, their rules, and the page of a check."""

import difflib
import inspect
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET

from probe.checks import PAGES, explain
from probe.checks.fixes import PROGRAMS, fixes
from probe.output.terminal import Style, clean, counted
from probe.policy.load import DEFAULT, Policy, catalogues, load, shipped
from probe.policy.rules import Rule

_SERVICES: Final = {
    "aws_certificate_manager": "by Amazon Trust Services, as the public certificates of AWS Certificate Manager are",
    "aws_private_ca": "by AWS Private CA, as the OCSP or revocation list address in the certificate says",
}


def policies(style: Style) -> str:
    """One line or two for each shipped policy."""
    lines = []
    width = max(map(len, shipped()))
    for policy in load(shipped()):
        default = ", default" if policy.id in DEFAULT else ""
        facts = f"{policy.version}; {counted(len(policy.rules), 'rule')}, source {policy.grade}{default}"
        lines.append(f"{style.paint(policy.id, 'bold')}{'':<{width - len(policy.id)}}  {policy.title}")
        lines.append(style.paint(f"{'':<{width}}  {facts}", "dim"))
    lines += ["", style.paint("for --expect, by their names at AWS:", "bold")]
    for catalogue in catalogues().values():
        lines.append(style.paint(f"{catalogue.title} ({catalogue.version}, source {catalogue.grade})", "dim"))
        lines += [f"  {entry.id}" for entry in catalogue.named]
    return "\n".join(lines) + "\n"


def policy(chosen: Policy, style: Style) -> str:
    """Its head and its rules."""
    lines = [style.paint(clean(chosen.title), "bold"), clean(chosen.version), style.paint(clean(chosen.url), "dim")]
    if chosen.grade is not None:
        lines.append(style.paint(clean(f"source {chosen.grade}: {chosen.source or chosen.url}"), "dim"))
    lines.append("")
    for rule in chosen.rules:
        lines += _rule(rule, style)
    return "\n".join(lines).rstrip() + "\n"


def check(name: str, style: Style) -> str | None:
    """The page of a check, its fixes, and the shipped rules that report under it; None if there is no such check."""
    page = explain(name)
    rules = [rule for loaded in load(shipped()) for rule in loaded.rules if rule.check == name]
    if page is None and not rules:
        return None
    head, _, body = inspect.cleandoc(page or f"{name}: judged by the rules of policies").partition("\n")
    lines = [style.paint(head, "bold"), body]
    for fix in fixes(name):
        lines += ["", style.paint(f"{PROGRAMS[fix.program]}: {fix.where}", "bold")]
        lines += [f"    {line}" for line in fix.text.strip().splitlines()]
    for rule in rules:
        lines += ["", *_rule(rule, style)]
    return "\n".join(lines).rstrip() + "\n"


def rule(rule_id: str, style: Style) -> str | None:
    """The shipped rules with this id, and the page of what they report under; None if there is none."""
    rules = [rule for loaded in load(shipped()) for rule in loaded.rules if rule.text.id == rule_id]
    if not rules:
        return None
    lines = [line for rule in rules for line in [*_rule(rule, style), ""]]
    return "\n".join(lines) + "\n" + (check(rules[0].check, style) or "")


def finding(uid: str, path: Path, style: Style) -> str | None:
    """A finding of a report with what is known about it; None if no uid there begins so.

    Raises OSError and msgspec.DecodeError.
    """
    found: dict[str, Any] | None = None
    reasons: dict[str, Any] = {}
    services: dict[str, str] = {}
    with path.open("rb") as file:
        for line in file:
            if b'"type":"finding"' in line and found is None:
                record = msgspec.json.decode(line)
                found = record if record["uid"].startswith(uid.lower()) else None
            elif b'"issuer_service":' in line and b'"type":"certificate"' in line:
                record = msgspec.json.decode(line)
                services[record["sha256"]] = record["issuer_service"]
            elif b'"why":' in line and b'"type":"flow"' in line:
                record = msgspec.json.decode(line)
                reasons[record["community_id"]] = record["why"]
    if found is None:
        return None
    lines = [style.paint(clean(found["title"]), "bold")]
    place = f"{found['endpoint']} {found.get('name', '')}".rstrip()
    evidence = found["evidence"]
    told = [
        ("where", place),
        ("judged", f"{found['status']}, {found['severity']}"),
        ("by", " ".join(found[key] for key in ("policy", "rule", "clause") if key in found) or found["check"]),
        ("known", f"{evidence['class']}, in {', '.join(evidence['frames']) or 'no frame that was kept'}"),
        *((fact, msgspec.json.encode(value).decode()) for fact, value in found["observed"].items()),
        ("issued", _SERVICES.get(services.get(found["observed"].get("sha256", ""), ""), "")),
        *(("why", f"{flow}: {_why(reasons[flow])}") for flow in evidence["flows"] if flow in reasons),
        ("fix", found.get("remediation", "")),
    ]
    lines += [f"  {what:<8} {clean(value)}" for what, value in told if value]
    return "\n".join(lines) + "\n\n" + (check(found["check"], style) or "")


def _why(reason: Any) -> str:  # noqa: ANN401 - a record
    return reason if isinstance(reason, str) else msgspec.json.encode(reason).decode()


def checks() -> list[str]:
    """Every check that there is, by name."""
    return sorted({*PAGES, *(rule.check for loaded in load(shipped()) for rule in loaded.rules)})


def nearest(name: str) -> str:
    """` did you mean …?`, or nothing."""
    known = [*checks(), *(rule.text.id for loaded in load(shipped()) for rule in loaded.rules)]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f" did you mean {near[0]}?" if near else ""


def _rule(rule: Rule, style: Style) -> list[str]:
    text = rule.text
    level = text.level.replace("_", " ").upper()
    where = f"{rule.policy} {text.clause}"
    head = f"{style.paint(text.id, 'bold')}  {rule.check}  {level}  {where}  {rule.status}, {rule.severity}"
    if rule.days:
        head += f"  {_term(rule)}"
    title = text.title.replace("{", "").replace("}", "")
    lines = [clean(head) if not style.color else head]
    return lines + [f"  {line}" for part in (title, text.remediation) for line in style.wrap(part, 2)]


def _term(rule: Rule) -> str:
    begin, end = rule.text.from_, rule.text.until
    return " ".join([*([] if begin is UNSET else [f"from {begin}"]), *([] if end is UNSET else [f"until {end}"])])

"""What `policies` and `explain` print: the shipped policies, their rules, and the page of a check."""

import difflib
import inspect

from probe.checks import PAGES, explain
from probe.output.terminal import Style, clean, counted
from probe.policy.load import Policy, load, shipped
from probe.policy.rules import Rule


def policies(style: Style) -> str:
    """One line or two for each shipped policy."""
    lines = []
    for policy in load(shipped()):
        lines.append(f"{style.paint(policy.id, 'bold'):<{10 + len(style.paint('', 'bold'))}}  {policy.title}")
        lines.append(
            style.paint(f"{'':<{len(policy.id)}}  {policy.version}, {counted(len(policy.rules), 'rule')}", "dim")
        )
    return "\n".join(lines) + "\n"


def policy(chosen: Policy, style: Style) -> str:
    """Its head and its rules."""
    lines = [style.paint(clean(chosen.title), "bold"), clean(chosen.version), style.paint(clean(chosen.url), "dim"), ""]
    for rule in chosen.rules:
        lines += _rule(rule, style)
    return "\n".join(lines).rstrip() + "\n"


def check(name: str, style: Style) -> str | None:
    """The page of a check, and the shipped rules that report under it; None if there is no such check."""
    page = explain(name)
    rules = [rule for loaded in load(shipped()) for rule in loaded.rules if rule.check == name]
    if page is None and not rules:
        return None
    lines = []
    if page is not None:
        head, _, body = inspect.cleandoc(page).partition("\n")
        lines += [style.paint(head, "bold"), body]
    else:
        lines.append(style.paint(f"{name}: judged by the rules of policies", "bold"))
    for rule in rules:
        lines += ["", *_rule(rule, style)]
    return "\n".join(lines).rstrip() + "\n"


def checks() -> list[str]:
    """Every check that there is, by name."""
    return sorted({*PAGES, *(rule.check for loaded in load(shipped()) for rule in loaded.rules)})


def nearest(name: str) -> str:
    """` did you mean …?`, or nothing."""
    near = difflib.get_close_matches(name, checks(), n=1, cutoff=0.4)
    return f" did you mean {near[0]}?" if near else ""


def _rule(rule: Rule, style: Style) -> list[str]:
    text = rule.text
    level = text.level.replace("_", " ").upper()
    where = f"{rule.policy} {text.clause}"
    head = f"{style.paint(text.id, 'bold')}  {rule.check}  {level}  {where}  {rule.status}, {rule.severity}"
    title = text.title.replace("{", "").replace("}", "")
    lines = [clean(head) if not style.color else head]
    return lines + [f"  {line}" for part in (title, text.remediation) for line in style.wrap(part, 2)]

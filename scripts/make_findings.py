"""Writes docs/findings/: a page for each check, from the checks' own explanations, the policies and the fixes."""

import inspect
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from collector import fleet
from probe.checks import explain as explain_check
from probe.checks.fixes import PROGRAMS, fixes
from probe.output.pages import checks
from probe.policy.load import load

TARGET = Path(__file__).parent.parent / "docs" / "findings"
MADE = "<!-- Made by scripts/make_findings.py from the code: change it there. -->\n"


def pages() -> dict[str, str]:
    """File name to content."""
    names = sorted([*checks(), *fleet.checks()])
    index = [f"- [{name}]({name}.md): {_head(name)}" for name in names]
    return {
        "README.md": f"{MADE}# Findings\n\nWhat each check means, how it is known, and how to fix it.\n\n"
        + "\n".join(index)
        + "\n",
        **{f"{name}.md": _page(name) for name in names},
    }


def explain(name: str) -> str | None:
    """The page of a check of probes or of the collector."""
    return fleet.explain(name) or explain_check(name)


def _head(name: str) -> str:
    return inspect.cleandoc(explain(name) or name).partition("\n")[0].partition(": ")[2]


def _page(name: str) -> str:
    _, _, body = inspect.cleandoc(explain(name) or "").partition("\n")
    body = re.sub(r"^([A-Z][a-z ]+):", r"**\1.**", body.strip(), flags=re.MULTILINE)
    parts = [f"{MADE}# {name}\n\n{_head(name)}.\n", body + "\n"]
    if found := fixes(name):
        parts.append("## By program\n")
        parts += [f"{PROGRAMS[fix.program]} ({fix.where}):\n\n```\n{fix.text.strip()}\n```\n" for fix in found]
    rules = [rule for policy in load(["all"]) for rule in policy.rules if rule.check == name]
    if rules:
        parts.append("## Rules that report here\n\n| policy | rule | clause | level | finding |\n|---|---|---|---|---|")
        parts += [
            f"| {rule.policy} | {rule.text.id} | {rule.text.clause} | {rule.level} | {rule.status}, {rule.severity} |"
            for rule in rules
        ]
        parts.append("")
    return "\n".join(parts)


def main() -> None:
    """Write what changed, remove what is no more."""
    TARGET.mkdir(exist_ok=True)
    made = pages()
    for path in TARGET.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (TARGET / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

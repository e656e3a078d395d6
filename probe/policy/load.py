"""Policy files: finding, reading and checking them. What is wrong is said as file:line: key: problem."""

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from probe.model import Facts, Verdict
from probe.policy.rules import CONDITIONS, KNOWN_FACTS, Rule, RuleText

SHIPPED: Final = Path(__file__).parent.parent / "policies"
DEFAULT: Final = ("rfc9325", "rfc8247")
MAX_BYTES: Final = 4 * 1024 * 1024  # of a policy file: the longest standard takes some 60 kB


class PolicyError(ValueError):
    """A policy that is unknown or cannot be used; the text is one line for the operator."""


class Header(Struct, frozen=True, forbid_unknown_fields=True):
    """A policy file."""

    title: str
    issuer: str
    version: str
    url: str
    rule: list[RuleText]


class Policy:
    """A loaded policy; its id is the stem of the file's name."""

    def __init__(self, policy_id: str, header: Header) -> None:
        self.id = policy_id
        self.title = header.title
        self.issuer = header.issuer
        self.version = header.version
        self.url = header.url
        self.rules = [Rule(policy_id, text) for text in header.rule]

    def judge(self, facts: Facts, *, passes: bool = False) -> list[Verdict]:
        """What its rules say about the facts (with the derived ones), in the order of the file."""
        verdicts = (rule.judge(facts, passes=passes) for rule in self.rules)
        return [verdict for verdict in verdicts if verdict is not None]


def shipped() -> list[str]:
    """The ids of the policies that come with the program, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load(names: Iterable[str] = DEFAULT) -> list[Policy]:
    """Policies by id or file, each once. Raises PolicyError."""
    policies = {policy.id: policy for policy in (_load_one(name) for name in names)}
    return list(policies.values())


def _load_one(name: str) -> Policy:
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
    elif name in shipped():
        path = SHIPPED / f"{name}.toml"
    else:
        near = difflib.get_close_matches(name, shipped(), n=1, cutoff=0.3)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(shipped())}"
        message = f"policy {name}: unknown; {hint} (a file's name ends in .toml)"
        raise PolicyError(message)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{name}: {(error.strerror or str(error)).lower()}; --policy wants an id or a readable TOML file"
        raise PolicyError(message) from error
    if len(data) > MAX_BYTES:
        message = f"{name}: larger than {MAX_BYTES} bytes; this is no policy"
        raise PolicyError(message)
    return parse(path.stem, data, str(path))


def parse(policy_id: str, data: bytes, source: str) -> Policy:
    """A policy from the bytes of its file; `source` is the file's name in messages. Raises PolicyError."""
    try:
        text = data.decode("utf-8")
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise _problem(source, data[: error.start].count(b"\n") + 1, "file", "not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"at line (\d+)", str(error))
        line = int(where[1]) if where else text.count("\n") + 1
        raise _problem(source, line, "file", re.sub(r" \(at .*\)$", "", str(error))) from error
    try:
        header = msgspec.convert(table, Header)
    except msgspec.ValidationError as error:
        raise _invalid(source, text, str(error)) from error
    for index, rule in enumerate(header.rule):
        problem = _check(rule, header.rule[:index])
        if problem is not None:
            raise _problem(source, _line(text, index, problem[0]), f"rule {rule.id}: {problem[0]}", problem[1])
    return Policy(policy_id, header)


def _check(rule: RuleText, before: list[RuleText]) -> tuple[str, str] | None:
    """(key, problem) of a rule that is well-formed but makes no sense."""
    conditions = [key for attribute, key in CONDITIONS.items() if getattr(rule, attribute) is not UNSET]
    if len(conditions) != 1:
        return "id", f"needs exactly one of {', '.join(CONDITIONS.values())}, has {', '.join(conditions) or 'none'}"
    if any(other.id == rule.id for other in before):
        return "id", "used twice"
    for key, facts in (("fact", [rule.fact]), ("when", list(rule.when))):
        for fact in facts:
            if fact not in KNOWN_FACTS:
                near = difflib.get_close_matches(fact, KNOWN_FACTS, n=1, cutoff=0.3)
                return key, f"{fact} is no fact that can be observed" + (f"; did you mean {near[0]}?" if near else "")
    return None


def _invalid(source: str, text: str, message: str) -> PolicyError:
    """From msgspec's message, `Expected `str`, got `int` - at `$.rule[3].title``; the line is found in the text."""
    what, _, path = message.partition(" - at `$")
    steps = re.findall(r"\[(\d+)\]|\.([A-Za-z0-9_]+)", path.removesuffix("`"))
    index = next((int(number) for number, _ in steps if number), None)
    keys = [key for _, key in steps if key and key != "rule"]
    named = re.search(r"field `([^`]+)`", what)
    key = keys[0] if keys else named[1] if named else "rule"
    return _problem(source, _line(text, index, key), key, what[0].lower() + what[1:])


def _line(text: str, rule: int | None, key: str) -> int:
    """The line of `key` in the rule with this number (in the head of the file if None), else where that begins."""
    starts = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[rule]]"]
    lines = text.splitlines()
    begin = 1 if rule is None or rule >= len(starts) else starts[rule]
    end = next((start for start in starts if start > begin), len(lines) + 1)
    for number in range(begin, end):
        if re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', lines[number - 1]):
            return number
    return begin


def _problem(source: str, line: int, key: str, problem: str) -> PolicyError:
    return PolicyError(f"{source}:{line}: {key}: {problem}")

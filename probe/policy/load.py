"""Policy files: finding, reading and checking them. What is wrong is said as file:line: key: problem."""

import datetime as dt
import difflib
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

from probe.model import Facts, Verdict
from probe.policy.allow import Allow, Named, allow_rules, drift_rules
from probe.policy.rules import CONDITIONS, KNOWN_FACTS, Rule, RuleText
from probe.policy.toml import PolicyError as PolicyError  # noqa: PLC0414 - what `load` raises, for its callers
from probe.policy.toml import decode, line_of, problem, read

SHIPPED: Final = Path(__file__).parent.parent / "policies"
NAMED: Final = SHIPPED / "named"
DEFAULT: Final = ("rfc9325", "rfc8247")
ALL: Final = "all"


Grade = Literal["primary", "secondary"]
"""primary: the issuer's own text or code was read; secondary: others' transcriptions, which agree."""


class Source(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The head of a policy file: whose standard it is, and how its text is known."""

    title: str
    issuer: str
    version: str
    url: str
    grade: Grade | UnsetType = UNSET
    source: str | UnsetType = UNSET
    """What was read, if not the text at `url`."""


class Header(Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A policy file: rules, or what is allowed, or both."""

    rule: list[RuleText] = []
    allow: Allow | UnsetType = UNSET


class Catalogue(Source, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of security policies that have names in somebody's product."""

    named: list[Named]


class Policy:
    """A loaded policy; its id is the stem of the file's name."""

    def __init__(self, policy_id: str, source: Source, rules: Iterable[RuleText]) -> None:
        self.id = policy_id
        self.title = source.title
        self.issuer = source.issuer
        self.version = source.version
        self.url = source.url
        self.grade = None if source.grade is UNSET else source.grade
        self.source = None if source.source is UNSET else source.source
        self.rules = [Rule(policy_id, text) for text in rules]

    def judge(self, facts: Facts, *, passes: bool = False, day: dt.date | None = None) -> list[Verdict]:
        """What its rules in force on `day` say about the facts (with the derived ones), in the order of the file.

        Without a day, only those that hold at all times.
        """
        verdicts = (rule.judge(facts, passes=passes) for rule in self.rules if rule.holds(day))
        return [verdict for verdict in verdicts if verdict is not None]


def shipped() -> list[str]:
    """The ids of the policies that come with the program, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


@functools.cache
def catalogues() -> dict[str, Catalogue]:
    """The shipped catalogues of named policies by the stem of their file."""
    files = sorted(NAMED.glob("*.toml"))
    return {path.stem: decode(path.read_bytes(), str(path), Catalogue)[0] for path in files}


def named() -> list[str]:
    """The names of the security policies that `--expect` knows."""
    return [entry.id for catalogue in catalogues().values() for entry in catalogue.named]


def load(names: Iterable[str] = DEFAULT) -> list[Policy]:
    """Policies by id, file or name, each once; `all` is every shipped standard. Raises PolicyError."""
    every = [name for given in names for name in (shipped() if given == ALL else [given])]
    policies = {policy.id: policy for policy in (_load_one(name) for name in every)}
    return list(policies.values())


def expect(name: str) -> Policy:
    """What refutes that an endpoint runs with this security policy; `name` as for `load`. Raises PolicyError."""
    for catalogue in catalogues().values():
        for entry in catalogue.named:
            if entry.id == name:
                return Policy(name, catalogue, drift_rules(entry))
    return _load_one(name, [*named(), *shipped()])


def _load_one(name: str, known: list[str] | None = None) -> Policy:
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
    elif name in shipped():
        path = SHIPPED / f"{name}.toml"
    elif name in named():
        return expect(name)
    else:
        known = known or [*shipped(), *named()]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(shipped())}"
        message = f"policy {name}: unknown; {hint} (a file's name ends in .toml)"
        raise PolicyError(message)
    return parse(path.stem, read(path), str(path))


def parse(policy_id: str, data: bytes, source: str) -> Policy:
    """A policy from the bytes of its file; `source` is the file's name in messages. Raises PolicyError."""
    header, text = decode(data, source, Header)
    for index, rule in enumerate(header.rule):
        if (wrong := _check(rule, header.rule[:index])) is not None:
            key, what = wrong
            raise problem(source, line_of(text, "rule", index, key), f"rule {rule.id}: {key}", what)
    allowed = [] if header.allow is UNSET else allow_rules(header.allow)
    if not header.rule and not allowed:
        raise problem(source, 1, "rule", "a policy needs [[rule]] tables or an [allow] table")
    return Policy(policy_id, header, [*allowed, *header.rule])


def _check(rule: RuleText, before: list[RuleText]) -> tuple[str, str] | None:
    """(key, problem) of a rule that is well-formed but makes no sense."""
    conditions = [key for attribute, key in CONDITIONS.items() if getattr(rule, attribute) is not UNSET]
    if len(conditions) != 1:
        return "id", f"needs exactly one of {', '.join(CONDITIONS.values())}, has {', '.join(conditions) or 'none'}"
    if any(other.id == rule.id for other in before):
        return "id", "used twice"
    if rule.from_ is not UNSET and rule.until is not UNSET and rule.until < rule.from_:
        return "until", f"{rule.until} is before {rule.from_}, from which the rule holds"
    for key, facts in (("fact", [rule.fact]), ("when", list(rule.when))):
        for fact in facts:
            if fact not in KNOWN_FACTS:
                near = difflib.get_close_matches(fact, KNOWN_FACTS, n=1, cutoff=0.3)
                return key, f"{fact} is no fact that can be observed" + (f"; did you mean {near[0]}?" if near else "")
    return None

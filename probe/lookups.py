"""Commands that need no packets: what policies say, what findings mean, whether a configuration file is in order.

Each gives the exit code: 0, or 2 with a message for `say`.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from probe.output import pages
from probe.output.terminal import style_for
from probe.policy.check import check
from probe.policy.load import PolicyError
from probe.policy.load import load as load_policies

if TYPE_CHECKING:
    import argparse

Say = Callable[[str], None]


def run(options: "argparse.Namespace", say: Say) -> int:
    """One of them. Raises PolicyError."""
    if options.command == "policies":
        return _policies(options)
    if options.command == "config":
        return _show_config(options)
    return _explain(options, say) if options.command == "explain" else _check_config(options, say)


def _policies(options: "argparse.Namespace") -> int:
    style = style_for(sys.stdout, options.color)
    chosen = options.policy
    text = pages.policies(style) if chosen is None else pages.policy(load_policies([chosen])[0], style)
    sys.stdout.write(text)
    sys.stdout.flush()
    return 0


def _explain(options: "argparse.Namespace", say: Say) -> int:
    if options.check is None:
        text: str | None = "\n".join(pages.checks()) + "\n"
    else:
        text = _explained(options)
    if text is None:
        where = f"no such finding in {options.report}" if options.report else "no such check"
        say(f"{options.check}: {where};{pages.nearest(options.check)} see: transitproof explain")
        return 2
    sys.stdout.write(text)
    sys.stdout.flush()
    return 0


def _explained(options: "argparse.Namespace") -> str | None:
    """The page of a check, a rule, or a finding of a report."""
    style = style_for(sys.stdout, options.color)
    if options.report is None:
        return pages.check(options.check, style) or pages.rule(options.check, style)
    try:
        return pages.finding(options.check, Path(options.report), style)
    except (OSError, msgspec.DecodeError, KeyError) as error:
        message = f"--report {options.report}: {error}; a report is wanted, made with --format jsonl"
        raise PolicyError(message) from error


def _show_config(options: "argparse.Namespace") -> int:
    from probe import config as configuration

    sys.stdout.write(configuration.shown(configuration.load(options.config), effective=options.effective))
    sys.stdout.flush()
    return 0


def _check_config(options: "argparse.Namespace", say: Say) -> int:
    from probe import agent
    from probe import config as configuration

    code = 0
    for path in options.files or [configuration.PATH]:
        try:
            what = _configuration(path) if configuration.is_config(path) else check(path)
            sys.stdout.write(f"{path}: in order ({what})\n")
        except agent.Wrong as error:
            say(str(error))
            code = 2
    return code


def _configuration(path: str) -> str:
    """A configuration with its drop-ins, and what it names; keys of ends are read where the agent runs."""
    from probe import agent
    from probe import config as configuration
    from probe.publish.settings import ENDS

    _, judgement, ends = agent.load(path)
    drop_ins = len(configuration.files(path)) - 1
    to = f", reports to {', '.join(named)}" if (named := [name for name in ENDS if name in ends]) else ""
    return f"configuration, {drop_ins} drop-ins, {len(judgement.policies)} policies{to}"

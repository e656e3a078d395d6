"""What may stand on the command line. Mistakes are answered with the nearest thing that would have been right."""

import argparse
import datetime as dt
import difflib
import re
import sys
from typing import Final, NoReturn

from probe import __version__
from probe.model import NANOSECONDS, SEVERITIES

COMMANDS: Final = ("replay", "policies", "explain")
_EPILOG: Final = """\
examples:
  transitproof replay capture.pcapng              what is wrong in it, and how to fix it
  transitproof replay *.pcap.gz > records.jsonl   every record, as JSON Lines
  tcpdump -w - | transitproof replay -            from another program
  transitproof replay --fail-on high x.pcap       exit code 1 if there are findings of that weight
  transitproof explain certificate.chain          what a finding means

exit codes:
  0  clean                                 3  damaged input (what could be read was reported)
  1  findings at or above --fail-on        4  missing capture rights
  2  usage, or input that cannot be read   130  interrupted
"""


class Usage(Exception):  # noqa: N818 - not an error when it is --help
    """The command line was answered by help or a message; `code` is the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Parser(argparse.ArgumentParser):
    """argparse, with one line instead of three, and with suggestions."""

    def error(self, message: str) -> NoReturn:
        sys.stderr.write(f"transitproof: {_suggest(message, self)}; see: {self.prog} --help\n")
        raise Usage(2)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        if message:
            sys.stderr.write(message)
        raise Usage(status)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of one command. Raises Usage where help was asked for or an argument is wrong."""
    parser = build()
    if not arguments:
        parser.print_help(sys.stderr)
        raise Usage(2)
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.error("a command is missing")
    return options


def build() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = _Parser(
        prog="transitproof",
        description="Proves from packets that data in transit is protected.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"transitproof {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_replay(commands)
    policies = commands.add_parser(
        "policies", help="list the shipped policies, or the rules of one", allow_abbrev=False
    )
    policies.add_argument(
        "policy", nargs="?", metavar="ID", help="show the rules of this policy (an id or a TOML file)"
    )
    explain = commands.add_parser(
        "explain", help="say what a check means and how to fix what it finds", allow_abbrev=False
    )
    explain.add_argument(
        "check", nargs="?", metavar="CHECK", help="certificate.chain, for instance; all are listed without it"
    )
    for command in (policies, explain):
        _add_color(command)
    return parser


def _add_replay(commands: "argparse._SubParsersAction[_Parser]") -> None:
    replay = commands.add_parser(
        "replay",
        help="judge capture files",
        description="Judge capture files (pcap or pcapng, plain or in gzip, zstd or xz).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    replay.add_argument("files", nargs="+", metavar="FILE", help="capture; - is standard input")
    replay.add_argument("--format", choices=("table", "jsonl"), help="default: table on a terminal, else JSON Lines")
    replay.add_argument(
        "--policy",
        action="append",
        metavar="ID|FILE",
        help="judge by this policy; may be repeated (default: rfc9325 and rfc8247)",
    )
    replay.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PEM",
        help="trust these roots besides the host's; may be repeated",
    )
    replay.add_argument(
        "--at",
        type=_time,
        metavar="TIME",
        help="judge certificates at capture (default), now, or e.g. 2026-11-23T10:00:00Z",
    )
    replay.add_argument(
        "--fail-on",
        choices=SEVERITIES,
        metavar="SEVERITY",
        help=f"exit code 1 for findings from here: {', '.join(SEVERITIES)}",
    )
    replay.add_argument(
        "--hash-key",
        metavar="FILE",
        help="show secrets seen in the clear as hashes under the key in this file, so that reuse shows",
    )
    replay.add_argument("--why", action="store_true", help="say in flow records which frame decided the class")
    replay.add_argument("--passes", action="store_true", help="also report what is in order")
    replay.add_argument("-q", "--quiet", action="store_true", help="no progress and no warnings on standard error")
    _add_color(replay)


def _add_color(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours in tables (default: auto)"
    )


def _time(text: str) -> int | None:
    """Nanoseconds; None for `capture`, the packets' own time."""
    if text == "capture":
        return None
    if text == "now":
        return int(dt.datetime.now(tz=dt.UTC).timestamp()) * NANOSECONDS
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no time; write capture, now, 2026-11-23 or 2026-11-23T10:00:00Z"
        raise argparse.ArgumentTypeError(message) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()) * NANOSECONDS


def _suggest(message: str, parser: argparse.ArgumentParser) -> str:
    """The message in one line, with the nearest valid choice or option where one is near."""
    choice = re.match(r"argument (\S+): invalid choice: '([^']*)' \(choose from (.*)\)", message)
    if choice:
        valid = [word.strip(" '") for word in choice[3].split(",")]
        what = "command" if choice[1] == "COMMAND" else choice[1].split("/")[-1]
        listed = ", ".join(valid)
        return f"unknown {what} {choice[2]}" + (_nearest(choice[2], valid) or f"; choose from {listed}")
    unknown = re.match(r"unrecognized arguments: (\S+)", message)
    if unknown:
        options = [option for action in _actions(parser) for option in action.option_strings]
        word = unknown[1].partition("=")[0]
        return (
            f"unknown option {word}{_nearest(word, options)}"
            if word.startswith("-")
            else f"one argument too many: {word}"
        )
    return message.removeprefix("argument ").replace("the following arguments are required", "missing")


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Its own and those of its commands."""
    every = list(parser._actions)  # noqa: SLF001 - argparse has no public list of options
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command in action.choices.values():
                every += command._actions  # noqa: SLF001
    return every


def _nearest(word: str, valid: list[str]) -> str:
    near = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""

"""What may stand on the command line. Mistakes are answered with the nearest thing that would have been right."""

import argparse
import datetime as dt
import difflib
import ipaddress
import os
import re
import sys
from typing import Final, NoReturn

from probe import __version__, gateway_options, publish_options, run_options, trust_options
from probe.model import NANOSECONDS, SEVERITIES
from probe.selection import Moment, moment
from probe.values import protected

COMMANDS: Final = (
    "replay", "run", "gateway", "publish", "collect", "interfaces", "diff", "cert", "policies", "explain",
    "check-config", "config",
)  # fmt: skip
# What probe.reprobe.starttls can begin; named here because help must not load a TLS library.
STARTTLS: Final = ("smtp", "imap", "pop3", "ftp", "ldap", "xmpp", "postgresql", "mysql")
MAX_WORKERS: Final = 64  # what the core takes
_EPILOG: Final = """\
examples:
  transitproof replay capture.pcapng              what is wrong in it, and how to fix it
  transitproof replay *.pcap.gz > records.jsonl   every record, as JSON Lines
  tcpdump -w - | transitproof replay -            from another program
  transitproof replay --fail-on high x.pcap       exit code 1 if there are findings of that weight
  transitproof explain certificate.chain          what a finding means
"""
_EXIT_CODES: Final = """\

exit codes:
  0  clean                                 3  damaged input (what could be read was reported)
  1  findings at or above --fail-on        4  missing capture rights
  2  usage, or input that cannot be read   130  interrupted
"""
_REPLAY: Final = """\
  transitproof replay --filter 'host 10.0.0.0/8 and port 443' x.pcap
  transitproof replay --filter 'not (class tls or class ipsec)' --from 2026-11-23T10:00 --to 2026-11-23T10:05 x.pcap
  transitproof replay --extract 2adebf27841b -w finding.pcap x.pcap    the packets behind a finding

filters: conditions joined by and, or, not and parentheses
  host ADDRESS[/LENGTH]   either end               class WORD      tls, ipsec, encrypted, plaintext, unknown
  port NUMBER[-NUMBER]    either end               protocol WORD   http, tls, dns, ssh, …
  transport WORD          tcp, udp, icmp, esp, …
times: RFC 3339, UTC without a zone; a shortened one is all of that day, hour, minute or second
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
    if options.command == "replay":
        _check_together(options, parser)
    if (wrong := run_options.wrong(options)) is not None:
        parser.error(wrong)
    return options


def build() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = _Parser(
        prog="transitproof",
        description="Proves from packets that data in transit is protected.",
        epilog=_EPILOG + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"transitproof {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_replay(commands)
    _add_diff(commands)
    _add_cert(commands)
    run_options.add(commands, _EXIT_CODES)
    _add_collect(commands)
    gateway_options.add(commands, _EXIT_CODES)
    publish_options.add_to(commands)
    commands.add_parser("interfaces", help="list what can be captured here, and what is missing", allow_abbrev=False)
    policies = commands.add_parser(
        "policies", help="list the shipped policies, or the rules of one", allow_abbrev=False
    )
    policies.add_argument(
        "policy", nargs="?", metavar="ID", help="show the rules of this policy (an id, a name of AWS or a TOML file)"
    )
    explain = commands.add_parser(
        "explain", help="say what a check means and how to fix what it finds", allow_abbrev=False
    )
    explain.add_argument(
        "check",
        nargs="?",
        metavar="CHECK|RULE|UID",
        help="certificate.chain, for instance; all are listed without it",
    )
    explain.add_argument("--report", metavar="FILE", help="explain the finding of this report with that uid")
    for command in (policies, explain):
        _add_color(command)
    return parser


def _add_replay(commands: "argparse._SubParsersAction[_Parser]") -> None:
    replay = commands.add_parser(
        "replay",
        help="judge capture files",
        description="Judge capture files (pcap or pcapng, plain or in gzip, zstd or xz).",
        epilog=_EPILOG + _REPLAY + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    replay.add_argument("files", nargs="+", metavar="FILE", help="capture; - is standard input")
    replay.add_argument(
        "--format", choices=("table", "jsonl", "ocsf"), help="default: table on a terminal, else JSON Lines"
    )
    replay.add_argument(
        "--policy",
        action="append",
        metavar="ID|FILE",
        help="judge by this policy, or by all; may be repeated (default: rfc9325 and rfc8247)",
    )
    replay.add_argument(
        "--expect",
        action="append",
        default=[],
        metavar="NAME",
        help="report sessions that this security policy of AWS could not have negotiated; see: transitproof policies",
    )
    replay.add_argument(
        "--as-of", type=_day, metavar="DATE", help="judge by the rules in force on this day, e.g. 2030-01-01"
    )
    replay.add_argument(
        "--waivers", action="append", default=[], metavar="FILE", help="mark findings that somebody answers for"
    )
    replay.add_argument(
        "--baseline", metavar="REPORT", help="mark findings that this earlier report (JSON Lines) has already"
    )
    replay.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="[NAME=]PEM",
        help="trust these roots besides the host's, as a store of that name; may be repeated",
    )
    replay.add_argument(
        "--crl",
        action="append",
        default=[],
        metavar="FILE",
        help="certificates on this revocation list (DER or PEM) are revoked; may be repeated",
    )
    replay.add_argument(
        "--at",
        type=_time,
        metavar="TIME",
        help="judge certificates at capture (default), now, or e.g. 2026-11-23T10:00:00Z",
    )
    trust_options.add(replay)
    _add_selection(replay)
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
    replay.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N",
        help="share the work of large captures among N threads, or auto: one for each processor (default: 1)",
    )
    replay.add_argument(
        "--dns", metavar="FILE", help="sensitivity to tunnels through DNS, declared resolvers, what is known (TOML)"
    )
    replay.add_argument(
        "--dns-state", metavar="FILE", help="remember here what DNS gave away, from one run to the next"
    )
    replay.add_argument(
        "--vpn", metavar="FILE", help="declared site-to-site connections (TOML, or JSON of describe-vpn-connections)"
    )
    replay.add_argument(
        "--protect",
        action="append",
        default=[],
        type=_protected,
        metavar="PREFIX[,PREFIX…]",
        help="report traffic between these networks, or of one network with all others, that is outside of an IPsec"
        " tunnel; this side first; may be repeated",
    )
    replay.add_argument(
        "--gateway", metavar="FILE", help="hold IPsec against what its gateway knew, as `transitproof gateway` wrote it"
    )
    replay.add_argument(
        "--keylog",
        action="append",
        default=[],
        metavar="FILE",
        help="read the hidden part of TLS 1.3 handshakes with the keys in this file (SSLKEYLOGFILE), IKEv2 and ESP with"
        " Wireshark's tables ikev2_decryption_table and esp_sa; may be repeated",
    )
    replay.add_argument(
        "--reprobe",
        action="append",
        default=[],
        type=_network,
        metavar="NETWORK",
        help="connect to endpoints in this network whose certificates were hidden, and judge what they send now;"
        " may be repeated",
    )
    replay.add_argument("--why", action="store_true", help="say in flow records which frame decided the class")
    replay.add_argument("--passes", action="store_true", help="also report what is in order")
    replay.add_argument("-q", "--quiet", action="store_true", help="no progress and no warnings on standard error")
    _add_color(replay)


def _add_cert(commands: "argparse._SubParsersAction[_Parser]") -> None:
    cert = commands.add_parser(
        "cert",
        help="judge the certificates of an endpoint or a file",
        description="Connect to endpoints, or read files, and judge the certificate chains there.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    cert.add_argument(
        "targets", nargs="+", metavar="TARGET", help="HOST:PORT, or a file with certificates (PEM or DER)"
    )
    cert.add_argument("--sni", metavar="NAME", help="server name to ask for and to verify (default: the host)")
    cert.add_argument("--alpn", default="", metavar="A,B", help="application protocols to offer")
    cert.add_argument(
        "--starttls", choices=STARTTLS, metavar="PROTOCOL", help=f"begin in the clear: {', '.join(STARTTLS)}"
    )
    cert.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="[NAME=]PEM",
        help="trust these roots besides the host's, as a store of that name; may be repeated",
    )
    cert.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="for each endpoint (default: 10)")
    cert.add_argument("--format", choices=("table", "jsonl"), help="default: table on a terminal, else JSON Lines")
    cert.add_argument(
        "--fail-on", choices=SEVERITIES, metavar="SEVERITY", help=f"exit code 1 from here: {', '.join(SEVERITIES)}"
    )


def _add_selection(replay: argparse.ArgumentParser) -> None:
    replay.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="EXPRESSION",
        help="only flows for which this holds (see below); all of them must if repeated",
    )
    replay.add_argument("--from", dest="begin", type=_moment, metavar="TIME", help="only packets from here")
    replay.add_argument("--to", dest="end", type=_moment, metavar="TIME", help="only packets up to here, it included")
    replay.add_argument(
        "--extract",
        metavar="UID",
        help="write the packets behind this finding (8 digits of its uid suffice) to -w FILE",
    )
    replay.add_argument("-w", dest="write", metavar="FILE", help="where --extract writes; - is standard output")


def _add_diff(commands: "argparse._SubParsersAction[_Parser]") -> None:
    diff = commands.add_parser(
        "diff",
        help="compare two captures or reports",
        description="Findings that are new, changed or resolved between two captures or reports (JSON Lines).",
        allow_abbrev=False,
    )
    diff.add_argument("before", metavar="A", help="the earlier capture or report")
    diff.add_argument("after", metavar="B", help="the later one")
    diff.add_argument("--format", choices=("table", "jsonl"), help="default: table on a terminal, else JSON Lines")
    diff.add_argument("--policy", action="append", metavar="ID|FILE", help="judge captures by this policy")
    diff.add_argument("--trust", action="append", default=[], metavar="PEM", help="trust these roots in captures")
    diff.add_argument(
        "--fail-on", choices=SEVERITIES, metavar="SEVERITY", help="exit code 1 for new findings from here"
    )
    _add_color(diff)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no day; write 2030-01-01"
        raise argparse.ArgumentTypeError(message) from None


def _protected(text: str) -> str:
    try:
        return protected(text)
    except ValueError as error:
        message = f"{error}; write 10.1.0.0/16, or 10.1.0.0/16,10.2.0.0/16"
        raise argparse.ArgumentTypeError(message) from None


def _moment(text: str) -> Moment:
    try:
        return moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _check_together(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """What argparse cannot say of a replay's options."""
    if options.begin is not None and options.end is not None and options.begin.begin >= options.end.end:
        parser.error(f"--to {options.end.text} is not after --from {options.begin.text}")
    if options.extract is None and options.write is not None:
        parser.error("-w says where packets go, --extract UID which ones: give both")
    if options.extract is not None and options.write is None:
        parser.error("--extract writes packets: give -w FILE too, or -w - for a pipe")
    if options.extract is not None and options.workers > 1:
        parser.error("--extract is done by one worker: leave out --workers")
    if options.extract is not None and options.format is not None:
        parser.error("--extract writes packets, not records: leave out --format")


def _add_collect(commands: "argparse._SubParsersAction[_Parser]") -> None:
    collect = commands.add_parser(
        "collect",
        help="take the reports of all probes in and show them on a page",
        description="Take the reports of all probes from the broker, keep them, show them (docs/collector.md).",
        allow_abbrev=False,
    )
    collect.add_argument("--config", metavar="FILE", help="TOML; without it: pages on 127.0.0.1:8080, no broker")
    collect.add_argument(
        "--backup", metavar="COPY", help="copy the SQLite database there, also while a collector uses it, and end"
    )


def _add_color(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours in tables (default: auto)"
    )


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; a network is like 10.0.0.0/8") from None


def _workers(text: str) -> int:
    if text == "auto":
        return min(len(os.sched_getaffinity(0)), MAX_WORKERS)
    if not text.isdecimal() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of workers; write auto, or 1 to {MAX_WORKERS}")
    return int(text)


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

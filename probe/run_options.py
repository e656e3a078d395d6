"""The options of the commands that are about the service: run, check-config, config."""

import argparse
from typing import Any

from probe.config import PATH


def add(commands: Any, exit_codes: str) -> None:  # noqa: ANN401 - argparse's own type is private
    """Add the commands."""
    _add_run(commands, exit_codes)
    check = commands.add_parser(
        "check-config",
        help="say what is wrong with configuration, policy and waiver files",
        description="Read configuration files (with their drop-ins and all that they name), policies and waivers.",
        allow_abbrev=False,
    )
    check.add_argument("files", nargs="*", metavar="FILE", help=f"TOML (default: {PATH})")
    config = commands.add_parser("config", help="show the configuration that holds", allow_abbrev=False)
    config.add_argument("action", choices=("show",), metavar="show", help="what the files say together")
    config.add_argument("--effective", action="store_true", help="what was left to its default too")
    config.add_argument("--config", default=PATH, metavar="FILE", help=f"default: {PATH}")


def _add_run(commands: Any, exit_codes: str) -> None:  # noqa: ANN401
    run = commands.add_parser(
        "run",
        help="capture and judge live, until SIGTERM or Ctrl-C",
        description="Capture from interfaces of this host and judge what is seen, until SIGTERM or Ctrl-C. With a "
        "configuration as that says, without as the other options say, everything to standard output.",
        epilog=exit_codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    run.add_argument("--config", metavar="FILE", help=f"{PATH} for a service; read again at SIGHUP")
    run.add_argument(
        "-i",
        "--interface",
        action="append",
        default=[],
        metavar="IFACE",
        help="capture here; may be repeated (default: any, which is all, also those that come later)",
    )
    run.add_argument("-w", "--write", metavar="FILE", help="keep the packets behind findings there, as pcapng")
    run.add_argument("--promiscuous", action="store_true", help="also packets that are not for this host")
    run.add_argument("--policy", action="append", metavar="ID|FILE", help="judge by this policy; may be repeated")
    run.add_argument("--trust", action="append", default=[], metavar="[NAME=]PEM", help="trust these roots too")


def wrong(options: argparse.Namespace) -> str | None:
    """What argparse cannot say of them together."""
    if options.command == "run" and options.config is not None:
        given = options.interface or options.write or options.promiscuous or options.policy or options.trust
        return "--config says all that the other options would: leave those out" if given else None
    return None

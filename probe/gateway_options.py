"""The options of the command that reads what a VPN gateway knows."""

import argparse
from typing import Any

from probe.values import Duration


def add(commands: Any, exit_codes: str) -> None:  # noqa: ANN401 - argparse's own type is private
    """Add the command."""
    gateway = commands.add_parser(
        "gateway",
        help="hand over what this VPN gateway knows of its IPsec",
        description="Write what this gateway's kernel (and strongSwan) knows of its IPsec as JSON, without any keys. "
        "The kernel answers CAP_NET_ADMIN only; for replay --gateway FILE, and for the agent ([host] gateway).",
        epilog=exit_codes,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    gateway.add_argument("-o", "--output", metavar="FILE", help="replace this file; standard output without it")
    gateway.add_argument(
        "--every", type=_every, metavar="30s", help="again and again, until SIGTERM or Ctrl-C; once without it"
    )
    gateway.add_argument(
        "--vici", nargs="?", const="/run/charon.vici", metavar="SOCKET", help="ask strongSwan too (/run/charon.vici)"
    )
    gateway.add_argument(
        "--no-kernel", action="store_true", help="ask strongSwan alone, which needs no right but to its socket"
    )


def _every(text: str) -> float:
    try:
        seconds = float(Duration.read(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds < 1:
        message = f"{text} is less than 1s"
        raise argparse.ArgumentTypeError(message)
    return seconds

"""The options of `transitproof publish`, apart from what it does: help must not load a broker's library."""

from typing import Any


def add_to(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """The command's options."""
    publish = commands.add_parser(
        "publish",
        help="send records to a broker or another end",
        description="Send records (JSON Lines) to the ends that a configuration names, and what waits in their spools.",
        epilog="exit codes: 0 delivered, 1 some wait in the spool or were lost, 2 usage, 3 lines that are no records",
        allow_abbrev=False,
    )
    publish.add_argument("files", nargs="*", metavar="FILE", help="records; - or nothing is standard input")
    publish.add_argument("--config", required=True, metavar="FILE", help="[mqtt], [http], [syslog], [file], [stdout]")
    publish.add_argument("--check", action="store_true", help="look at the configuration only")
    publish.add_argument(
        "--wait", type=float, metavar="SECONDS", help="for delivery; the rest stays in the spool (default: for ever)"
    )
    publish.add_argument("-q", "--quiet", action="store_true", help="say nothing on standard error")

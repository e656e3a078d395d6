"""Options about trust: what chains are judged by besides the host's roots."""

import argparse

from probe.trust.store import Store


def add(parser: argparse.ArgumentParser) -> None:
    """The options of a command that judges captures."""
    parser.add_argument(
        "--ct-logs",
        metavar="FILE",
        help="check the timestamps of certificates of public authorities with this log list of Google or Apple (JSON)",
    )
    parser.add_argument(
        "--weak-keys",
        action="append",
        default=[],
        metavar="FILE",
        help="keys on this list (in the format of openssl-blacklist) are weak; may be repeated",
    )


def store(options: argparse.Namespace) -> Store:
    """What those options come to. Raises TrustError."""
    return Store(
        tuple(options.trust), crls=tuple(options.crl), weak_keys=tuple(options.weak_keys), ct_logs=options.ct_logs
    )

"""`transitproof publish`: records from a replay, or anything else that writes them, to the ends of a configuration.

    transitproof replay x.pcap | transitproof publish --config publish.toml

Exit codes: 0 everything was delivered, 1 some of it waits in the spool (or was lost; a line says so), 2 usage or
configuration, 3 lines that are no records, 130 interrupted.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

import msgspec

from probe.publish.settings import ENDS, Settings, SettingsError, load
from probe.publish.sink import Published, kind_of
from probe.publish.spool import SpoolError

DELIVERED: Final = 0
UNDELIVERED: Final = 1
USAGE: Final = 2
DAMAGED: Final = 3
INTERRUPTED: Final = 130
LONGEST_LINE: Final = 16 << 20
FLUSH_EVERY: Final = 1000  # reports


class _Record(msgspec.Struct):
    type: str


_TYPE: Final = msgspec.json.Decoder(_Record)


def run(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """The command."""
    try:
        settings = load(options.config)
        if not any(getattr(settings, name) for name in ENDS):
            say(f"{options.config}: no end is named: [mqtt], [http], [syslog], [file] or [stdout]")
            return USAGE
        if options.check:
            return DELIVERED
        return _publish(settings, options, (lambda _: None) if options.quiet else say)
    except (SettingsError, SpoolError) as error:
        say(str(error))
        return USAGE


def _publish(settings: Settings, options: argparse.Namespace, say: Callable[[str], None]) -> int:
    stopped: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: stopped.append(number))
    sink = Published(settings, lambda line: say(_plain(line)))
    sink.start()
    code = DELIVERED
    try:
        for number, line in enumerate(_lines(options.files), 1):
            if stopped:
                break
            try:
                kind = kind_of(_TYPE.decode(line).type)
            except msgspec.DecodeError:
                say(f"line {number} is no record of ours; it was left out")
                code = DAMAGED
                continue
            if kind is not None:
                sink.put(kind, line)
            if number % FLUSH_EVERY == 0:
                sink.flush()
        sink.flush()
        whole = not stopped and sink.drain(options.wait, lambda: bool(stopped))
    except OSError as error:
        say(f"{error.filename or 'input'}: {(error.strerror or str(error)).lower()}")
        return USAGE
    finally:
        sink.close()
        signal.signal(signal.SIGINT, before)
    for outlet in sink.outlets:
        counters = outlet.spool.counters()
        say(f"{outlet.name}: {counters['sent']} sent, {counters['put'] - counters['sent'] - counters['lost']} waiting")
        if counters["lost"]:
            say(f"{outlet.name}: {counters['lost']} lost: {outlet.spool.drops()}")
            whole = False
    if stopped:
        return INTERRUPTED
    return code or (DELIVERED if whole else UNDELIVERED)


def _lines(files: list[str]) -> Iterator[bytes]:
    for path in files or ["-"]:
        if path == "-":
            yield from _whole(sys.stdin.buffer)
        else:
            with open(path, "rb") as file:  # noqa: PTH123 - a path of the command line
                yield from _whole(file)


def _whole(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        if line := line.strip():
            yield line


def _plain(line: str) -> str:
    """Without the priority, which is for the journal."""
    return line[3:] if line.startswith("<") else line

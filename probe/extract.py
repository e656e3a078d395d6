"""The packets behind a finding, written to a capture of their own.

Two passes over the same files: the first judges them and finds which flows were counted onto the finding, the second
writes every packet of those flows. The file appears under its name when it is complete.
"""

import contextlib
import datetime as dt
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from probe.engine import Engine
from probe.model import NANOSECONDS
from probe.policy import load as policy_files
from probe.replay import FLOWS_PER_BATCH, PACKETS_PER_BATCH, STANDARD_INPUT, Replay, paths_of, why
from probe.selection import Selection, select
from probe.trust.store import Store

if TYPE_CHECKING:
    from probe._parsers import Capture, Core, Extraction
    from probe.report import Outcome

STANDARD_OUTPUT: Final = ("-", "/dev/stdout")
UID_DIGITS: Final = 32
LEAST_DIGITS: Final = 8  # of a uid: few enough to type, enough that two findings hardly share them
MAX_CANDIDATES: Final = 5  # named when a uid is ambiguous
_LINE: Final = b'{"type":"finding","uid":"'
_DIGITS: Final = frozenset("0123456789abcdef")


class ExtractError(ValueError):
    """What keeps the packets from being written; the message is one line with the remedy."""


class Extract:
    """One extraction. `run()` does it; then `finding`, `flows` and `packets` say what was written."""

    def __init__(
        self,
        paths: Iterable[str],
        uid: str,
        target: str,
        engine: Engine,
        *,
        selection: Selection,
        hash_key: bytes | None = None,
        key_logs: Iterable[str] = (),
        protect: Iterable[str] = (),
        progress: "Callable[[str, Capture], None] | None" = None,
    ) -> None:
        """Raises ExtractError for a uid, input or target that cannot be meant."""
        self._paths, self._uid, self._target = list(paths), _uid(uid), target
        _check_inputs(self._paths)
        _check_target(target, self._paths)
        self._engine, self._selection, self._progress = engine, selection, progress
        engine.trace(self._uid)
        self._first = Replay(
            self._paths,
            engine,
            flows=False,
            selection=selection,
            trace=True,
            progress=progress,
            hash_key=hash_key,
            key_logs=key_logs,
            protect=protect,
        )
        self._stopped = False
        self.finding: dict[str, Any] | None = None
        self.flows = self.packets = 0

    @property
    def outcome(self) -> "Outcome":
        """What the first pass found out."""
        return self._first.outcome

    def stop(self) -> None:
        """Give up: no file is left behind."""
        self._stopped = True
        self._first.stop()

    def run(self) -> None:
        """Raises ExtractError."""
        finding = self._find()
        if finding is not None:
            with _writable(self._target, lambda: not self._stopped) as descriptor:
                self._second(finding, descriptor)
            # Of what was interrupted nothing is kept.
            self.finding = None if self._stopped else finding
        self.outcome.interrupted = self._stopped

    def _find(self) -> dict[str, Any] | None:
        """The one finding that was meant; None if it was interrupted."""
        uids: list[str] = []
        meant: list[dict[str, Any]] = []
        for chunk in self._first.chunks():
            for line in chunk.splitlines() if chunk.startswith(_LINE) else ():
                uids.append(line[len(_LINE) : len(_LINE) + UID_DIGITS].decode())
                if uids[-1].startswith(self._uid):
                    meant.append(msgspec.json.decode(line))
        if self._stopped:
            return None
        if len(meant) != 1:
            raise ExtractError(_ambiguous(self._uid, meant) if meant else _unknown(self._uid, uids))
        return meant[0]

    def _second(self, finding: dict[str, Any], descriptor: int) -> None:
        """Like the first pass, so that the same flows come about."""
        extraction = self._engine.extraction(self._first.core, descriptor)
        if extraction.limited:
            many = f"{extraction.flows + extraction.limited:,}"
            message = f"{finding['uid']}: {many} flows are more than can be followed; narrow it with --from and --to"
            raise ExtractError(message)
        core = self._first.another_core()
        for path in self._first.read:
            if not self._stopped:
                self._write(path, core, extraction)
        try:
            extraction.close()
        except BrokenPipeError:
            raise
        except OSError as error:
            message = f"{self._target}: {why(error)}"
            raise ExtractError(message) from None
        self.flows, self.packets = extraction.flows, extraction.packets

    def _write(self, path: str, core: "Core", extraction: "Extraction") -> None:
        with contextlib.suppress(OSError):  # where reading fails midway, the first pass has said so
            capture = self._first.open(path)
            while core.extract(capture, PACKETS_PER_BATCH, extraction) and not self._stopped:
                core.take()
                if self._progress is not None:
                    self._progress(f"{path}, writing", capture)
        while core.finish(FLOWS_PER_BATCH):
            core.take()
        core.take()


def extract(
    *paths: str | os.PathLike[str],
    uid: str,
    file: str | os.PathLike[str],
    policies: Iterable[str] = policy_files.DEFAULT,
    trust: Iterable[str] = (),
    at: dt.datetime | None = None,
    passes: bool = False,
    hash_key: bytes | None = None,
    keylog: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
    protect: Iterable[str] = (),
    filter: str | Iterable[str] = (),  # noqa: A002 - what it is called on the command line
    begin: dt.datetime | str | None = None,
    end: dt.datetime | str | None = None,
) -> dict[str, Any]:
    """Write the packets of the flows behind a finding to `file`, and give the finding.

    `uid`: the first 8 hex digits at least. The other options as for `probe.replay`: with the same ones the same
    findings come about. Raises ExtractError for what keeps it from being written, and what `replay` raises.
    """
    moment = None if at is None else int(at.timestamp()) * NANOSECONDS
    engine = Engine(policy_files.load(policies), Store(tuple(trust)), at=moment, passes=passes)
    selection = select(filter, begin, end)
    run = Extract(
        [os.fspath(path) for path in paths],
        uid,
        os.fspath(file),
        engine,
        selection=selection,
        hash_key=hash_key,
        key_logs=paths_of(keylog),
        protect=protect,
    )
    run.run()
    return run.finding or {}


def _uid(text: str) -> str:
    uid = text.lower()
    if not _DIGITS.issuperset(uid) or not LEAST_DIGITS <= len(uid) <= UID_DIGITS:
        message = f"{text!r} is no uid; give the first {LEAST_DIGITS} to {UID_DIGITS} hex digits of a finding's uid"
        raise ExtractError(message)
    return uid


def _check_inputs(paths: Iterable[str]) -> None:
    for path in paths:
        if path in STANDARD_INPUT:
            message = "standard input can be read only once, and an extraction reads twice; save it to a file first"
            raise ExtractError(message)
        with contextlib.suppress(OSError):  # what cannot be opened is reported like in any replay
            mode = os.stat(path).st_mode  # noqa: PTH116
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                message = f"{path}: not a regular file, and an extraction reads twice; save it to a file first"
                raise ExtractError(message)


def _check_target(target: str, paths: Iterable[str]) -> None:
    if target in STANDARD_OUTPUT:
        if sys.stdout.isatty():
            message = "packets are not written to a terminal; name a file, or put a program behind a pipe"
            raise ExtractError(message)
        return
    if os.path.isdir(target):  # noqa: PTH112
        message = f"{target}: is a directory; name a file in it"
        raise ExtractError(message)
    for path in paths:
        with contextlib.suppress(OSError):
            if os.path.samefile(path, target):  # noqa: PTH121
                message = f"{target}: is an input, which is never overwritten; name another file"
                raise ExtractError(message)


def _unknown(uid: str, uids: list[str]) -> str:
    """What to say of a uid that no finding has: the one that shares the most digits with it, if they are many."""
    if not uids:
        return f"{uid}: no finding has this uid: there are none in this input"

    def alike(other: str) -> int:
        return sum(a == b for a, b in zip(uid, other, strict=False))

    near = max(uids, key=alike)
    hint = f"did you mean {near}?" if alike(near) * 2 > len(uid) else "see: transitproof replay --format jsonl"
    return f"{uid}: none of the {len(uids):,} findings in this input has this uid; {hint}"


def _ambiguous(uid: str, meant: list[dict[str, Any]]) -> str:
    listed = ", ".join("{uid} ({check} at {endpoint})".format_map(finding) for finding in meant[:MAX_CANDIDATES])
    more = f" and {len(meant) - MAX_CANDIDATES} more" if len(meant) > MAX_CANDIDATES else ""
    return f"{uid}: {len(meant)} findings have uids that begin so: {listed}{more}; give more digits"


@contextlib.contextmanager
def _writable(target: str, complete: Callable[[], bool]) -> Iterator[int]:
    """A descriptor to write to. A file gets its name, and replaces an older one, only when it is complete."""
    if target in STANDARD_OUTPUT:
        sys.stdout.flush()
        yield sys.stdout.fileno()
        return
    path = os.path.realpath(target)
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")  # noqa: PTH118, PTH119, PTH120
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            with open(path, "wb", buffering=0) as device:  # noqa: PTH123 - a device or pipe keeps its place
                yield device.fileno()
            return
        # Readable for its owner only until it is known that an older file was meant for others.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        message = f"{target}: {why(error)}"
        raise ExtractError(message) from None
    try:
        yield descriptor
        if complete():
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, stat.S_IMODE(os.stat(path).st_mode))  # noqa: PTH116
            os.fsync(descriptor)
            os.replace(temporary, path)  # noqa: PTH105
    except OSError as error:
        message = f"{target}: {why(error)}"
        raise ExtractError(message) from None
    finally:
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)  # noqa: PTH108

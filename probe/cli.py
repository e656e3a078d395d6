"""The command line: arguments in, an exit code out. Standard output is data, standard error is progress and warnings.

Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or unreadable input, 3 damaged input, 4 missing capture
rights, 130 interrupted; where several hold, 130 > 2 > 4 > 3 > 1 > 0.
"""

import atexit
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from probe import trust_options
from probe.arguments import Usage, parse
from probe.dns_options import DnsOptions, DnsOptionsError, read_state, write_state
from probe.dns_options import load as load_dns_options
from probe.engine import Engine, load_core
from probe.gateway.state import GatewayError, State
from probe.gateway.state import load as load_gateway
from probe.hash_key import HashKeyError, forbid_core_dumps
from probe.hash_key import read as read_hash_key
from probe.marks import BaselineError, Marks, baseline
from probe.model import SEVERITIES
from probe.policy import waivers
from probe.policy.load import DEFAULT, PolicyError, expect
from probe.policy.load import load as load_policies
from probe.replay import KeyLogError, Replay
from probe.selection import FilterError, Selection
from probe.trust.store import Store, TrustError
from probe.vpn import VpnError
from probe.vpn import load as load_vpns

if TYPE_CHECKING:
    import argparse

    from probe.extract import Extract
    from probe.report import Outcome
    from probe.reprobe.verifier import Verifier

CLEAN: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
DAMAGED: Final = 3
NO_RIGHTS: Final = 4
INTERRUPTED: Final = 130
GC_THRESHOLD: Final = (
    200_000  # what a replay makes has no cycles and lives until its end: looking for some costs a tenth
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code and never a traceback for what a user or an input did."""
    try:
        options = parse(sys.argv[1:] if arguments is None else list(arguments))
        commands = {
            "replay": _replay,
            "run": _run,
            "collect": _collect,
            "gateway": _gateway,
            "publish": _publish,
            "interfaces": _interfaces,
            "diff": _diff,
            "cert": _cert,
            "policies": _look_up,
            "explain": _look_up,
            "check-config": _look_up,
            "config": _look_up,
        }
        return commands[options.command](options)
    except Usage as stop:
        return stop.code
    except (
        PolicyError,
        TrustError,
        HashKeyError,
        DnsOptionsError,
        VpnError,
        GatewayError,
        KeyLogError,
        BaselineError,
    ) as error:
        _say(str(error))
        return USAGE
    except BrokenPipeError:
        _abandon_output()
        return CLEAN
    except KeyboardInterrupt:
        return INTERRUPTED


def _replay(options: "argparse.Namespace") -> int:
    forbid_core_dumps()
    form = options.format or ("table" if sys.stdout.isatty() else "jsonl")
    policies = [*load_policies(options.policy or DEFAULT), *map(expect, options.expect)]
    marks = _marks(options)
    store = trust_options.store(options)
    hash_key = None if options.hash_key is None else read_hash_key(options.hash_key)
    progress = _progress(options)
    selection = _selection(options)
    gc.set_threshold(GC_THRESHOLD)
    atexit.register(gc.freeze)  # nor is it looked for at the end, when all of it goes
    try:
        load_core().keep_memory()
        engine = Engine(policies, store, at=options.at, passes=options.passes, as_of=options.as_of, dns=_dns(options))
        if options.extract is not None:
            return _extract(options, engine, selection, hash_key, progress)
        run = Replay(
            options.files,
            engine,
            flows=form != "table",
            report=form == "table",
            selection=selection,
            progress=progress,
            hash_key=hash_key,
            why=options.why,
            workers=options.workers,
            dns_state=read_state(options.dns_state),
            key_logs=options.keylog,
            vpns=() if options.vpn is None else load_vpns(options.vpn),
            protect=options.protect,
            gateway=() if options.gateway is None else load_gateway(options.gateway),
            marks=marks,
            reprobe=_reprobe(options, store),
        )
    except ImportError as error:
        _say(f"the packet-parsing core is not installed ({error}); build it with: pip install .")
        return USAGE
    except FilterError as error:
        _say(f"--filter {error}")
        return USAGE
    with _interruptible(run):
        try:
            if form != "table":
                from probe.output import jsonl, ocsf

                jsonl.write(run.chunks() if form == "jsonl" else ocsf.lines(run.chunks()), sys.stdout.buffer)
            else:
                for _ in run.chunks():
                    pass
        finally:
            if progress is not None:
                progress.close()
    write_state(options.dns_state, run.core)
    if form == "table":
        _print_table(run, engine, options)
    _warn(run.outcome, options, form)
    return exit_code(run.outcome, options.fail_on)


def _dns(options: "argparse.Namespace") -> DnsOptions:
    return DnsOptions() if options.dns is None else load_dns_options(options.dns)


def _reprobe(options: "argparse.Namespace", store: Store) -> "Verifier | None":
    if not options.reprobe:
        return None
    from probe.reprobe.verifier import Verifier
    from probe.trust.chain import Chains

    return Verifier(options.reprobe, Chains(store, parsers=load_core()))


def _run(options: "argparse.Namespace") -> int:
    from probe import agent

    forbid_core_dumps()
    return agent.command(options, _say)


def _gateway(options: "argparse.Namespace") -> int:
    if options.no_kernel and options.vici is None:
        _say("--no-kernel leaves nobody to ask without --vici")
        return 2
    from probe.gateway import helper

    forbid_core_dumps()

    def ask() -> State:
        return helper.state(options.vici, kernel=not options.no_kernel)

    return helper.run(ask, options.every, options.output, _say)


def _collect(options: "argparse.Namespace") -> int:
    try:
        from collector.main import back_up, run
    except ModuleNotFoundError as missing:
        _say(f"the collector needs {missing.name}: pip install 'transitproof[collector]'")
        return USAGE
    return run(options.config, _say) if options.backup is None else back_up(options.config, options.backup, _say)


def _publish(options: "argparse.Namespace") -> int:
    from probe.publish import command

    return command.run(options, _say)


def _interfaces(_options: "argparse.Namespace") -> int:
    from probe import interfaces, rights

    sys.stdout.writelines(f"{line}\n" for line in interfaces.table())
    sys.stdout.flush()
    if interfaces.may_capture():
        return CLEAN
    _say(rights.REMEDY)
    return NO_RIGHTS


def _selection(options: "argparse.Namespace") -> Selection:
    begin, end = options.begin, options.end
    for name, moment in (("--from", begin), ("--to", end)):
        if moment is not None and moment.assumed and not options.quiet:
            _say(f"{name} {moment.text}: taken as UTC, because it names no time zone")
    return Selection(tuple(options.filter), begin and begin.begin, end and end.end)


def _extract(
    options: "argparse.Namespace",
    engine: Engine,
    selection: Selection,
    hash_key: bytes | None,
    progress: Any,  # noqa: ANN401
) -> int:
    from probe.extract import Extract, ExtractError
    from probe.output.terminal import counted

    try:
        run = Extract(
            options.files,
            options.extract,
            options.write,
            engine,
            selection=selection,
            hash_key=hash_key,
            key_logs=options.keylog,
            protect=options.protect,
            progress=progress,
        )
        with _interruptible(run):
            try:
                run.run()
            finally:
                if progress is not None:
                    progress.close()
    except ExtractError as error:
        _say(str(error))
        return USAGE
    _warn(run.outcome, options, "jsonl")
    if run.finding is not None and not options.quiet:
        what = "{title} at {endpoint}".format_map(run.finding)
        packets, flows = counted(run.packets, "packet"), counted(run.flows, "flow")
        _say(f"{packets} of {flows} written to {options.write}: {what}")
    return exit_code(run.outcome, options.fail_on)


def exit_code(outcome: "Outcome", fail_on: str | None) -> int:
    """The code of the strongest thing that holds."""
    if outcome.interrupted:
        return INTERRUPTED
    if outcome.problems:
        return USAGE
    if outcome.damaged:
        return DAMAGED
    if fail_on is None:
        return CLEAN
    least = SEVERITIES.index(fail_on)
    counted = outcome.by_severity if outcome.marks is None else outcome.marks.open
    return FINDINGS if any(severity in counted for severity in SEVERITIES[least:]) else CLEAN


def _marks(options: "argparse.Namespace") -> Marks | None:
    """None if nothing is to be marked."""
    given = [waiver for path in options.waivers for waiver in waivers.load(path)]
    known = None if options.baseline is None else baseline(options.baseline)
    return Marks(given, known, as_of=options.as_of) if given or known is not None else None


def _print_table(run: Replay, engine: Engine, options: "argparse.Namespace") -> None:
    from probe.model import rfc3339
    from probe.output.table import Context, render
    from probe.output.terminal import style_for

    at = "at packet time" if options.at is None else f"at {rfc3339(options.at)[:19]}Z"
    context = Context(tuple(policy.id for policy in engine.policies), at, engine.roots)
    style = style_for(sys.stdout, options.color)
    text = render(run.outcome, context, style)
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", errors="replace"))
    sys.stdout.flush()


def _cert(options: "argparse.Namespace") -> int:
    import json

    from probe.cert import TargetError, look
    from probe.output.terminal import clean

    store = Store(tuple(options.trust))
    alpn = [one for one in options.alpn.split(",") if one]
    form = options.format or ("table" if sys.stdout.isatty() else "jsonl")
    code = CLEAN
    worst = len(SEVERITIES) if options.fail_on is None else SEVERITIES.index(options.fail_on)
    for target in options.targets:
        try:
            records = list(
                look(target, store, sni=options.sni, alpn=alpn, starttls=options.starttls, timeout=options.timeout)
            )
        except TargetError as error:
            _say(str(error))
            code = USAGE
            continue
        for record in records:
            if form == "jsonl":
                line = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
            elif record["type"] == "certificate":
                subject = record.get("subject", record["sha256"])
                line = clean(f"{target}  certificate  {subject}  until {record.get('not_after', '')[:10]}")
            else:
                line = clean(f"{target}  {record['status']}  {record['severity']}  {record['title']}")
            sys.stdout.write(f"{line}\n")
            if record.get("status") in {"warn", "fail"} and SEVERITIES.index(record["severity"]) >= worst:
                code = max(code, FINDINGS)
    return code


def _look_up(options: "argparse.Namespace") -> int:
    from probe import lookups

    return lookups.run(options, _say)


def _diff(options: "argparse.Namespace") -> int:
    from probe import diff
    from probe.output import differences
    from probe.output.terminal import style_for

    sides = []
    for path in (options.before, options.after):
        try:
            if diff.is_report(path):
                with open(path, "rb") as file:  # noqa: PTH123
                    sides.append(diff.read(iter(file)))
                continue
        except OSError as error:
            _say(f"{path}: {(error.strerror or str(error)).lower()}; a capture or a report is wanted")
            return USAGE
        except (msgspec.DecodeError, KeyError) as error:
            _say(f"{path}: damaged report ({error}); make it again with --format jsonl")
            return USAGE
        engine = Engine(load_policies(options.policy or DEFAULT), Store(tuple(options.trust)))
        run = Replay([path], engine, flows=False)
        sides.append(diff.read(line for chunk in run.chunks() for line in chunk.splitlines()))
        if run.outcome.problems:
            _say(f"{path}: {run.outcome.problems[0].what}; a capture or a report is wanted")
            return USAGE
    records = diff.compare(*sides)
    if (options.format or ("table" if sys.stdout.isatty() else "jsonl")) == "jsonl":
        sys.stdout.buffer.write(msgspec.json.Encoder().encode_lines(records))
    else:
        sys.stdout.write(differences.render(records, style_for(sys.stdout, options.color)))
    sys.stdout.flush()
    return FINDINGS if options.fail_on and differences.reaches(records, options.fail_on) else CLEAN


@contextlib.contextmanager
def _interruptible(run: "Replay | Extract") -> Iterator[None]:
    """The first Ctrl-C ends the replay after the batch at hand, the second one the program."""

    def stop(_signal: int, _frame: Any) -> None:  # noqa: ANN401
        run.stop()
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    try:
        before = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread: whoever runs us there handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _progress(options: "argparse.Namespace") -> Any:  # noqa: ANN401
    if options.quiet or not sys.stderr.isatty():
        return None
    from probe.progress import Progress

    return Progress(sys.stderr)


def _warn(outcome: "Outcome", options: "argparse.Namespace", form: str) -> None:
    """What was wrong with the inputs, one line each."""
    if options.quiet:
        return
    for problem in outcome.problems:
        _say(f"{problem.file}: {problem.what}; {_remedy(problem.what)}")
    if form == "table":
        return  # the table says the rest
    for damage in outcome.damaged:
        _say(f"{damage.file}: damaged at byte {damage.offset}: {damage.what}; what could be read is reported")
    for reason, count in outcome.totals.get("drops", {}).items():
        if count:
            _say(f"{count} packets dropped: {reason}; an empty list of findings proves nothing here")
    for waiver in outcome.marks.expired if outcome.marks else ():
        _say(f"waiver of {waiver.owner} ({waiver.reason}) expired on {waiver.expires}: its findings count again")
    if outcome.interrupted:
        _say("interrupted: only what was read until then is reported")


def _remedy(what: str) -> str:
    if what.startswith("no such file"):
        return "check the path"
    if what.startswith("permission denied"):
        return "make it readable for this user"
    if what.startswith("is a directory"):
        return "name the files in it"
    return "a pcap or pcapng file is wanted, plain or in gzip, zstd or xz"


def _say(message: str) -> None:
    from probe.output.terminal import clean

    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"transitproof: {clean(message)}\n")


def _abandon_output() -> None:
    """The reader is gone: keep the interpreter from complaining about it when it flushes at exit."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

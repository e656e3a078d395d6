"""The service around the capture thread: configuration, signals, the service manager, metrics, exit codes.

SIGTERM and SIGINT end it with exit code 0, SIGHUP reads the configuration again, SIGUSR1 tells the counters.
"""

import asyncio
import contextlib
import ipaddress
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from probe import config as configuration
from probe import identity, journal, judging, metrics, notify, rights
from probe.config import Capture, Config, Judge, Output
from probe.dns_options import DnsOptionsError
from probe.hash_key import HashKeyError
from probe.journal import Journal
from probe.marks import BaselineError
from probe.policy.load import DEFAULT, PolicyError
from probe.publish import settings as publishing
from probe.publish.settings import ENDS, SettingsError
from probe.publish.spool import SpoolError
from probe.replay import KeyLogError
from probe.selection import FilterError
from probe.service import Change, Service
from probe.sink import JsonLines, Several, Sink
from probe.state import Folder
from probe.trust.store import TrustError
from probe.values import AbsolutePath
from probe.vpn import VpnError

if TYPE_CHECKING:
    import argparse

    from probe.reprobe.background import Background

RESTART: Final = 75
"""Exit code, EX_TEMPFAIL of sysexits.h: start again with the new configuration (RestartForceExitStatus in the unit)."""
STALLED: Final = 10.0  # seconds without a sign of the capture thread, after which the watchdog is no longer fed
WATCHDOG_DEFAULT: Final = 5.0  # seconds between STATUS lines without a watchdog
BASE_MEMORY: Final = 96 << 20  # bytes: interpreter, policies, roots, and what findings and DNS are allowed
FLOW_MEMORY: Final = 1024  # bytes: 160 of a settled flow, some 4 kB of one in its handshake, few of which are at a time
FLOWS: Final = (16_384, 1_048_576)
_CGROUP: Final = Path("/sys/fs/cgroup")
Wrong: Final = (PolicyError, TrustError, HashKeyError, DnsOptionsError, BaselineError, SettingsError, VpnError)
"""What a configuration can be refused for; each has one line for the operator."""
Ends = dict[str, Any]
"""Sections of the configuration that say where reports go, as they stand there (`configuration.publishing`)."""


class Agent:
    """One run: the loop's side of it."""

    def __init__(self, service: Service, path: str | None, ends: Ends, journal: Journal) -> None:
        """`path`: where the configuration is read again; `ends`: where reports go by now."""
        self._service, self._path, self._ends, self._journal = service, path, ends, journal
        self._failure: BaseException | None = None
        self._restart = False
        self._ended: asyncio.Event | None = None
        self._saving: asyncio.Future[None] | None = None
        self._reloading: asyncio.Task[None] | None = None

    def run(self) -> int:
        """Until a signal or a failure of the capture thread, which is raised. Gives the exit code."""
        asyncio.run(self._run())
        if self._failure is not None:
            raise self._failure
        return RESTART if self._restart else 0

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        service, self._ended = self._service, asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, service.stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self._tell)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        service.save_later = lambda save: self._from_thread(loop, lambda: self._save(save))
        thread = threading.Thread(target=self._capture, args=(loop,), name="capture")
        thread.start()
        server = await self._metrics()
        notify.notify("READY=1", f"STATUS={service.status()}")
        interval = notify.watchdog_interval() or WATCHDOG_DEFAULT
        while not self._ended.is_set():
            if time.monotonic() - service.moved < STALLED:
                notify.notify("WATCHDOG=1", f"STATUS={service.status()}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), interval)
        notify.notify("STOPPING=1")
        if server is not None:
            server.close()
        thread.join()

    @staticmethod
    def _from_thread(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(what)

    def _save(self, save: Callable[[], None]) -> None:
        """One at a time: a slow disk gets the next state, not all of them."""
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().run_in_executor(None, save)

    def _capture(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._service.run()
        except BrokenPipeError:
            self._journal.say(journal.NOTICE, "unread", "nobody reads the records any more: stopping")
        except BaseException as error:  # noqa: BLE001 - raised again by run()
            self._failure = error
        finally:
            assert self._ended is not None  # noqa: S101
            self._from_thread(loop, self._ended.set)

    async def _metrics(self) -> asyncio.Server | None:
        where = self._service.config.health.metrics
        if where is None:
            return None
        try:
            return await metrics.serve(where, lambda: self._service.counters)
        except OSError as error:
            self._journal.say(journal.ERROR, "no_metrics", f"{where}: {error.strerror or error}; the rest goes on")
            return None

    def _tell(self) -> None:
        now = self._service.counters
        totals = {name: now.totals[name] for name in ("packets", "bytes", "flows")}
        self._journal.say(journal.INFO, "counters", self._service.status(), **totals)

    def _hang_up(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.get_running_loop().create_task(self._reload())

    async def _reload(self) -> None:
        """The new configuration holds as a whole or not at all."""
        notify.notify(*notify.reloading())
        service = self._service
        if self._path is None:
            self._journal.say(journal.NOTICE, "reload", "there is no configuration file to read again; nothing changed")
            notify.notify("READY=1")
            return
        try:
            config, judgement, ends = await asyncio.to_thread(load, self._path)
            if ends != self._ends:
                await asyncio.to_thread(usable, config, ends)
        except Wrong as error:
            service.refused()
            self._journal.say(journal.ERROR, "reload_refused", f"{error}; the old configuration holds")
            notify.notify("READY=1", f"STATUS=reload refused: {error}")
            return
        changed = sorted(name for name in {*self._ends, *ends} if self._ends.get(name) != ends.get(name))
        if keys := judging.needs_restart(service.config, config) + changed:
            what = ", ".join(keys)
            self._restart = True
            self._journal.say(journal.NOTICE, "restart", f"{what}: applied by starting anew, since the rights are gone")
            service.stop.set()
            return
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        engine = judgement.engine()
        service.apply(Change(config, judgement, engine, lambda: self._from_thread(loop, done.set)))
        await done.wait()
        self._journal.say(journal.NOTICE, "reload", "the new configuration holds", policies=len(engine.policies))
        notify.notify("READY=1", f"STATUS={service.status()}")


def load(path: str) -> tuple[Config, judging.Judgement, Ends]:
    """A configuration and all that it names but for what only ends read. Raises one of `Wrong`."""
    config, ends = configuration.load(path), configuration.publishing(path)
    _settings(config.identity.id, config.identity.site, ends)
    return config, judging.load(config), ends


def usable(config: Config, ends: Ends) -> None:
    """Read the keys and certificates that ends name, as their next start will. Raises SettingsError."""
    from probe.publish.sink import check

    check(_settings(config.identity.id, config.identity.site, ends))


def _settings(probe: str | None, site: str, ends: Ends) -> publishing.Settings:
    return publishing.read({**ends, "identity": {"id": probe, "site": site}})


def without_file(options: "argparse.Namespace") -> Config:
    """What `run` does with options alone: everything to standard output."""
    capture = Capture(
        interfaces=tuple(options.interface) or ("any",),
        promiscuous=options.promiscuous,
        write=AbsolutePath(Path(options.write).absolute()) if options.write else None,
    )
    # As the store itself tells `NAME=PEM` from a path.
    named = [given.partition("=") for given in options.trust if "=" in given and not Path(given).exists()]
    plain = [given for given in options.trust if "=" not in given or Path(given).exists()]
    judge = Judge(
        policies=tuple(options.policy or DEFAULT),
        trust=tuple(AbsolutePath(Path(path).absolute()) for path in plain),
        stores={name: AbsolutePath(Path(path).absolute()) for name, _, path in named},
    )
    return Config(capture=capture, judge=judge, output=Output(stdout="records"))


def command(options: "argparse.Namespace", say: Callable[[str], None]) -> int:
    """`transitproof run`. Raises one of `Wrong`."""
    config = without_file(options) if options.config is None else configuration.load(options.config)
    return run(config, options.config, say)


def run(config: Config, path: str | None, say: Callable[[str], None]) -> int:
    """The whole command, once the configuration is read; `path` is where to read it again. Raises one of `Wrong`."""
    told = Journal()
    judgement = judging.load(config)
    ends = {} if path is None else configuration.publishing(path)
    who = identity.identify(config.identity.id, config.identity.site, config.identity.ec2)
    if who.problem is not None:
        told.say(journal.WARNING, "no_metadata", who.problem, source=who.source)
    stdout = JsonLines(sys.stdout.buffer)
    directory = state_directory(config)
    try:
        service = Service(
            config,
            judgement,
            sinks(config, ends, who, stdout, told),
            who,
            told,
            folder=None if directory is None else Folder(directory),
            records=stdout.lines if config.output.stdout == "records" else None,
            max_flows=config.capture.flows or affordable(memory_limit()),
            background=verifiers(config, judgement),
        )
    except rights.RightsError as error:
        say(str(error))
        return 4
    except OSError as error:
        if error.filename is None and isinstance(error, PermissionError):
            say(rights.REMEDY)
            return 4
        say(f"{error}" if error.filename else f"{error}; see: transitproof interfaces")
        return 2
    except (FilterError, KeyLogError, SettingsError, SpoolError) as error:
        say(str(error))
        return 2
    return Agent(service, path, ends, told).run()


def sinks(config: Config, ends: Ends, who: identity.Identity, stdout: JsonLines, told: Journal) -> Sink:
    """All ends that reports go to. Raises SettingsError and SpoolError."""
    found: list[Sink] = []
    if config.output.stdout != "nothing":
        found.append(stdout)
    if not ends.keys().isdisjoint(ENDS):
        # Loaded by those who publish: SQLite, MQTT and TLS take some 15 MB.
        from probe.publish.sink import Published

        settings = _settings(who.id, who.site, ends)
        found.append(
            Published(settings, lambda line: told.say(journal.WARNING, "publishing", line), boot_id=who.boot_id)
        )
    return found[0] if len(found) == 1 else Several(*found)


def verifiers(config: Config, judgement: judging.Judgement) -> "Background | None":
    """Who looks at endpoints whose certificates are hidden; nobody unless the configuration asks for it."""
    networks, named = config.reprobe.networks, config.host.certificates
    if not networks and not named:
        return None
    # Imported for those who ask: OpenSSL and X.509 take some 15 MB.
    from probe.engine import load_core
    from probe.reprobe.background import Background
    from probe.reprobe.host import HostCertificates
    from probe.reprobe.verifier import Verifier
    from probe.trust.chain import Chains

    chains, found = Chains(judgement.store, parsers=load_core()), []
    if named:
        host = HostCertificates(named)
        everywhere = [ipaddress.ip_network(network) for network in ("0.0.0.0/0", "::/0")]
        found.append(Verifier(everywhere, chains, evidence="host", look=host.look, sleep=lambda _seconds: None))
    if networks:
        found.append(Verifier([ipaddress.ip_network(network) for network in networks], chains))
    return Background(found)


def state_directory(config: Config) -> str | None:
    """Where state is kept; None if nowhere."""
    given = config.state.directory
    # systemd gives a list with a colon between; ours has one.
    return str(given) if given is not None else os.environ.get("STATE_DIRECTORY", "").split(":")[0] or None


def affordable(limit: int | None) -> int:
    """Flows that can be followed in so much memory; the most where there is no limit."""
    least, most = FLOWS
    return most if limit is None else min(max((limit - BASE_MEMORY) // FLOW_MEMORY, least), most)


def memory_limit(process: Path = Path("/proc/self/cgroup"), root: Path = _CGROUP) -> int | None:
    """MemoryMax of the unit, or of what it is in: the least on the way up (cgroup v2)."""
    limits = []
    with contextlib.suppress(OSError):
        lines = (line.split(":", 2) for line in process.read_text().splitlines())
        place = next((Path(path) for number, names, path in lines if number == "0" and not names), None)
        for group in (place, *place.parents) if place else ():
            with contextlib.suppress(OSError, ValueError):
                limits.append(int((root / str(group).lstrip("/") / "memory.max").read_text()))
    return min(limits, default=None)

"""`transitproof collect`: the broker's messages in, the pages out, in one process."""

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import uvicorn

from collector import broker, logs, settings, signers
from collector.alerts.service import Service as Alerting
from collector.fleet import exposure, renewals, rounds, shared_prime, sums
from collector.fleet.rounds import Paced
from collector.ingest import Ingest
from collector.messages import Fault
from collector.settings import Settings, SettingsError, StoreSettings
from collector.store.errors import RefusedError, StoreError
from collector.store.retention import Kept
from collector.store.store import Store
from collector.web import access
from collector.web.app import make
from collector.web.live import Bell
from probe.publish.signing import Signer, SigningError

_LOG: Final = logging.getLogger("collector")
USAGE: Final = 2
FAILED: Final = 70  # EX_SOFTWARE of sysexits.h
LOOK: Final = 10.0  # seconds between looks for suppressions that are over, and whether it is time to keep house
LINGER: Final = 5  # seconds for open requests at the end


def run(path: str | None, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit code."""
    try:
        configured = settings.check(Settings(), "defaults") if path is None else settings.load(path)
        store = Store(_made(configured.store.url))
        key = configured.export.signing_key
        signer = None if key is None else Signer.load(key)
        tokens = None if configured.web.tokens is None else access.load(configured.web.tokens)
        source = configured.broker or configured.nats
        fault = None if source is None or source.signers is None else signers.load(source.signers).fault
    except (SettingsError, StoreError, SigningError) as error:
        say(str(error))
        return USAGE
    logs.begin()
    try:
        return asyncio.run(_serve(configured, store, access.Access(tokens), fault=fault, signer=signer, say=say))
    finally:
        store.close()


def back_up(path: str | None, copy: str, say: Callable[[str], None]) -> int:
    """Copy the database while others use it; the exit code."""
    if Path(copy).exists():
        say(f"{copy}: is there already; name a new file")
        return USAGE
    try:
        configured = Settings() if path is None else settings.load(path)
        store = Store(configured.store.url)
        try:
            store.backup(Path(copy))
        finally:
            store.close()
    except (SettingsError, StoreError) as error:
        say(str(error))
        return USAGE
    return 0


def _made(url: str) -> str:
    """The folder of a SQLite file has to be there."""
    if url.startswith("sqlite:////"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"store.url: {folder}: {(error.strerror or str(error)).lower()}") from None
    return url


async def _serve(
    configured: Settings,
    store: Store,
    allowed: access.Access,
    *,
    fault: Fault | None,
    signer: Signer | None,
    say: Callable[[str], None],
) -> int:
    bell = Bell()
    ingest = Ingest(store, after=lambda _account: bell.ring(), fault=fault)
    alerts = Alerting(store, configured.alerts)
    host, port = configured.web.address
    web = uvicorn.Config(
        make(
            store,
            allowed,
            secure=configured.web.certificate is not None,
            bell=bell,
            counters=lambda: {**ingest.counters(), **alerts.counters},
            alerts=configured.alerts,
            signer=signer,
        ),
        host=host,
        port=port,
        ssl_certfile=configured.web.certificate,
        ssl_keyfile=configured.web.key,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=LINGER,
        limit_concurrency=1000,
    )
    server = _Server(web)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.end)
    tasks = [asyncio.create_task(ingest.run()), asyncio.create_task(_keep_house(store, configured.store))]
    tasks.append(asyncio.create_task(_compare(store)))
    if configured.alerts.rule:
        tasks.append(asyncio.create_task(alerts.run()))
    if configured.broker is not None:
        tasks.append(asyncio.create_task(broker.listen(configured.broker, ingest.queue)))
    if configured.nats is not None:
        from collector import nats  # for those who have a cluster

        tasks.append(asyncio.create_task(nats.listen(configured.nats, ingest.queue)))
    for task in tasks:  # none of them ends by itself
        task.add_done_callback(lambda ended: None if ended.cancelled() else _ended(ended, server))
    scheme = "https" if configured.web.certificate else "http"
    say(f"the pages are at {scheme}://{configured.web.listen}/ (Ctrl-C ends)")
    if configured.broker is None and configured.nats is None:
        say("no [broker] is configured: nothing new will come in")
    try:
        await server.serve()
    except SystemExit:  # uvicorn's way to say that the port is taken
        say(f"web.listen: {configured.web.listen} cannot be listened on; is it in use?")
        return USAGE
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    return FAILED if any(isinstance(end, Exception) for end in ends) else 0


def _ended(task: "asyncio.Task[None]", server: "_Server") -> None:
    """Without this part the pages would go on with nothing coming in, so the service is started anew."""
    error = task.exception()
    if isinstance(error, RefusedError):
        _LOG.critical(
            "%s; may its user still write, is its disk sound (docs/collector.md, “When the store refuses”)?", error
        )
    else:
        _LOG.critical("a part of the collector ended: %r", error)
    server.end()


async def _keep_house(store: Store, configured: StoreSettings) -> None:
    """What is old, for as long as the collector runs."""
    kept, ended = Kept(configured.keep_hours * 3600.0, configured.keep_days * 86_400.0), threading.Event()
    paced = [Paced(part.reckon, part.EVERY) for part in (sums, exposure, renewals)]
    paced.insert(0, Paced(rounds.judge, rounds.EVERY))
    try:
        while True:
            try:
                await asyncio.to_thread(store.reopen, time.time())
                if gone := await asyncio.to_thread(store.keep_house, time.time(), kept, ended.is_set):
                    _LOG.info("%d old rows were added up or taken away", gone)
                for one in paced:
                    await asyncio.to_thread(one.step, store, time.time(), ended.is_set)
            except StoreError as error:
                _LOG.warning("housekeeping waits: %s", error)
            await asyncio.sleep(LOOK)
    finally:
        ended.set()


async def _compare(store: Store) -> None:
    """Moduli, beside everything else: of a large fleet that takes minutes."""
    paced, ended = Paced(shared_prime.reckon, shared_prime.EVERY), threading.Event()
    try:
        while True:
            try:
                await asyncio.to_thread(paced.step, store, time.time(), ended.is_set)
            except StoreError as error:
                _LOG.warning("moduli wait to be compared: %s", error)
            await asyncio.sleep(LOOK)
    finally:
        ended.set()


class _Server(uvicorn.Server):
    """Without uvicorn's own handling of signals, which raises them again at the end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """Stop serving."""
        self.should_exit = True

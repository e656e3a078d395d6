"""The loop that makes messages and sends them, beside ingest and pages."""

import asyncio
import json
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from collector.alerts import ends, outbox
from collector.alerts.settings import Alerts
from collector.paging import Row
from collector.store.errors import StoreError
from collector.store.store import Store

STEP: Final = 5.0  # seconds between looks at what changed
TIDY: Final = 720  # steps between looks for what is old: an hour
_LOG: Final = logging.getLogger("collector")


class Service:
    """Until it is cancelled."""

    def __init__(self, store: Store, alerts: Alerts, clock: Callable[[], float] = time.time) -> None:
        self._store, self._alerts, self._clock = store, alerts, clock
        self._owner = secrets.token_hex(8)
        self.counters: Counter[str] = Counter()
        """alerts_made, alerts_sent, alerts_failed (attempts), alerts_given_up."""

    async def run(self, step: float = STEP) -> None:
        """Every few seconds. While the store does not answer nothing is lost: what changed is there afterwards."""
        turn = 0
        while True:
            try:
                await asyncio.to_thread(self.turn, tidy=turn % TIDY == 0)
            except StoreError as error:
                _LOG.error("alerts wait: %s", error)
            turn += 1
            await asyncio.sleep(step)

    def turn(self, *, tidy: bool = False) -> None:
        """One round. Raises StoreError."""
        now, more = self._clock(), True
        while more:  # each a transaction of its own, so that reports get in between
            with self._store.changing() as connection:
                if not outbox.lease(connection, self._owner, now):
                    return
                more = outbox.gather(connection, self._alerts.rule, now)
        with self._store.changing() as connection:
            self.counters["alerts_made"] += outbox.fill(connection, self._alerts, now)
            if tidy:
                outbox.tidy(connection, now)
        with self._store.reading() as connection:
            rows = outbox.due(connection, now)
        for row in rows:
            self._send(row)

    def _send(self, row: Row) -> None:
        now = self._clock()
        with self._store.changing() as connection:
            if not outbox.lease(connection, self._owner, now):  # another one took over while we waited for an end
                return
        failed = self._attempt(row, now)
        with self._store.changing() as connection:
            outbox.settle(connection, row, now, failed)
        if not failed:
            self.counters["alerts_sent"] += 1
        elif now - row["created"] > outbox.GIVE_UP:
            self.counters["alerts_given_up"] += 1
            _LOG.error("alert %s for %s was given up: %s", row["key"], row["target"], failed)
        else:
            self.counters["alerts_failed"] += 1
            _LOG.warning("alert %s was not taken by %s: %s; it will be tried again", row["key"], row["target"], failed)

    def _attempt(self, row: Row, now: float) -> str:
        """The reason why not; empty if it was taken."""
        end = self._alerts.end.get(row["target"])
        if end is None:
            return "this end is no longer configured"
        try:
            ends.send(end, json.loads(row["body"]), now)
        except ends.EndError as error:
            return str(error)
        return ""

"""Nobody writes lines of his own into the collector's log: names from packets, words of servers and statements in errors."""

import io
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fleet import NOW, finding, message
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from test_web import EVIL, fill

from collector.alerts.service import Service
from collector.alerts.settings import Alerts, Rule, Webhook
from collector.fleet import exposure, renewals, rounds, shared_prime, sums
from collector.logs import OneLine
from collector.store.errors import StoreError, meaning
from collector.store.store import Store
from probe.values import Duration

FORGED = "ok\r\nCRITICAL forged by a name\u2028CRITICAL forged\x1b[31m\u202e"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the collector's log would have."""
    told, logger = io.StringIO(), logging.getLogger("collector")
    handler = logging.StreamHandler(told)
    handler.setFormatter(OneLine("%(levelname)s %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield told
    logger.removeHandler(handler)
    logger.setLevel(before)


def is_ours(told: str) -> bool:
    """Each line begins as ours do, and nothing in them moves a terminal."""
    lines = told.splitlines()
    return all(line.split(" ")[0] in logging.getLevelNamesMapping() for line in lines) and all(
        line.isprintable() for line in lines
    )


def test_a_record_is_one_line(log: io.StringIO) -> None:
    for words in (FORGED, *EVIL):
        logging.getLogger("collector").error("%s", words)
    assert is_ours(log.getvalue())
    assert len(log.getvalue().splitlines()) == 1 + len(EVIL)
    assert "forged by a name" in log.getvalue(), "what was said is still there"


def test_what_a_receiver_of_alerts_answers(log: io.StringIO, tmp_path: Path) -> None:
    """A status line with a carriage return, out of which no line of ours is made."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            stream, _ = listening.accept()
            with stream:
                stream.recv(65536)
                stream.sendall(b"HTTP/1.1 999 \rCRITICAL forged\x1b[31m\x85CRITICAL\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        store = Store(f"sqlite:///{tmp_path}/c.db")
        hook = Webhook(url=f"http://127.0.0.1:{listening.getsockname()[1]}/")
        rule = Rule(name="r", to=("hook",), wait=Duration(0), again=Duration(0))
        clock = iter((NOW, NOW + 1, NOW + 2, NOW + 3))
        service = Service(store, Alerts(rule=(rule,), end={"hook": hook}), clock=lambda: next(clock))
        service.turn()
        store.write([message(finding("a", title=FORGED, name=FORGED, endpoint=FORGED))], NOW + 1)
        service.turn()
        service.turn()
        thread.join(10)
        store.close()
    assert "was not taken" in log.getvalue()
    assert is_ours(log.getvalue())


def test_errors_of_the_database_tell_no_names(log: io.StringIO, store: Store) -> None:
    with pytest.raises((SQLAlchemyError, StoreError)) as raised, store.reading() as connection:
        connection.execute(text("SELECT CAST(:name AS integer) FROM nowhere"), {"name": FORGED})
    told = meaning(raised.value, "a question") if isinstance(raised.value, SQLAlchemyError) else raised.value
    logging.getLogger("collector").warning("housekeeping waits: %s", told)
    assert "forged" not in log.getvalue()
    assert is_ours(log.getvalue())


def test_a_store_full_of_such_names_is_worked_on_without_a_word_of_them(log: io.StringIO, tmp_path: Path) -> None:
    for store in fill(tmp_path):
        rounds.judge(store, NOW)
        for part in (sums, exposure, renewals, shared_prime):
            part.reckon(store, NOW)
    assert is_ours(log.getvalue())
    assert not [evil for evil in EVIL if evil in log.getvalue()]

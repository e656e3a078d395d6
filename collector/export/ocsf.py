"""Findings as OCSF events (probe.output.ocsf), with the state that people gave them."""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from collector import places
from collector.paging import Row
from probe.output.ocsf import event

STATUS_IDS: Final = {"open": 1, "acknowledged": 2, "suppressed": 3, "resolved": 4}
"""New, In Progress, Suppressed, Resolved."""
PAGE: Final = 500
_LOG: Final = logging.getLogger("collector")

Ask = Callable[[Callable[[Connection], Any]], Any]


def made(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The event of a row with its record; None for a record that says too little for one."""
    try:
        told = event(row["record"], probe=f"{row['site']}/{row['probe']}")
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if told is not None:
        told["status_id"] = STATUS_IDS.get(row["workflow"], told["status_id"])
        if row["note"]:
            told["comment"] = row["note"]
    return told


def lines(ask: Ask) -> Iterator[bytes]:
    """All findings as JSON Lines, a page of the store at a time; those that have no event are counted in the log."""
    after, left_out = (0, ""), 0
    while rows := ask(_page(after)):
        after = rows[-1]["probe_id"], rows[-1]["uid"]
        events = [made(row) for row in rows]
        left_out += events.count(None)
        yield b"".join(msgspec.json.encode(one) + b"\n" for one in events if one is not None)
    if left_out:
        _LOG.warning("%d findings say too little for an OCSF event and were left out of an export", left_out)


def _page(after: tuple[int, str]) -> Callable[[Connection], list[Row]]:
    return lambda connection: list(places.every_finding(connection, after, PAGE))

"""Exports: the page that offers them, findings as OCSF, and the audit pack of a period."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from sqlalchemy import Connection
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from collector.export import evidence, ocsf, pack
from collector.web import asking, pages

DAYS: Final = 30  # of a period where none is asked for
MAX_DAYS: Final = 800
_TURN: Final = asyncio.Lock()
"""One pack at a time: each holds what it is made of in memory."""


def period(request: Request) -> evidence.Period:
    """The `days` up to `until` (included, UTC). Raises HTTPException(422)."""
    today = dt.datetime.fromtimestamp(request.app.state.now(), dt.UTC).date()
    until = asking.day(request, "until", today)
    days = asking.number(request, "days", DAYS, MAX_DAYS, least=1)
    after = min(until.toordinal() + 1, dt.date.max.toordinal())
    return evidence.Period(*(_start(dt.date.fromordinal(max(day, 1))) for day in (after - days, after)))


def _start(day: dt.date) -> float:
    return dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()


async def _page(request: Request) -> Response:
    until = dt.datetime.fromtimestamp(period(request).until - 1, dt.UTC).date()
    signer = request.app.state.signer
    kid = None if signer is None else signer.kid
    return pages.shown(request, "exports.html", until=until, days=DAYS, most=MAX_DAYS, kid=kid)


async def _pack(request: Request) -> Response:
    asked, now = period(request), request.app.state.now()
    if _TURN.locked():
        raise HTTPException(503, "another audit pack is being made; try again in a moment")
    async with _TURN:
        found = await asking.answer(request, evidence.collect, asked, now)
        made = await run_in_threadpool(pack.make, found, request.app.state.signer)
    name = f"transitproof-audit-{_name(asked.since)}-{_name(asked.until - 1)}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made, media_type="application/zip", headers=headers)


def _name(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()


async def _ocsf(request: Request) -> Response:
    store = request.app.state.store

    def ask(question: Callable[[Connection], Any]) -> Any:  # noqa: ANN401 - what the question gives
        with store.reading() as connection:
            return question(connection)

    events: AsyncIterator[bytes] = iterate_in_threadpool(ocsf.lines(ask))
    headers = {"Content-Disposition": 'attachment; filename="findings.ocsf.jsonl"'}
    return StreamingResponse(events, media_type="application/jsonl", headers=headers)


ROUTES: Final = [
    Route("/exports", _page),
    Route("/api/v1/audit-pack", _pack),
    Route("/api/v1/findings.ocsf.jsonl", _ocsf),
]

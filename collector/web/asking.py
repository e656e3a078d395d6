"""What a request asks for, read out of its query; shared by pages and API."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from collector.export.coverage import coverage
from collector.paging import MAX_CURSOR, MAX_PAGE, CursorError, Place
from collector.queries import FindingFilter
from collector.store.errors import StoreError

MAX_DAYS: Final = 800
MAX_TEXT: Final = 200
FRESH: Final = 3.0  # seconds for which what is known of coverage is told again
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def number(request: Request, name: str, default: int, most: int, least: int = 0) -> int:
    """A whole number. Raises HTTPException(422)."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not least <= int(text) <= most:
        raise HTTPException(422, f"{name} must be a whole number from {least} to {most}")
    return int(text)


def text(request: Request, name: str, most: int = MAX_TEXT) -> str:
    """A text of reasonable length. Raises HTTPException(422)."""
    value = request.query_params.get(name, "")
    if len(value) > most or "\0" in value:
        raise HTTPException(422, f"{name} must be a text of at most {most} characters")
    return value


def choice(request: Request, name: str, allowed: Sequence[str]) -> str:
    """One of a few words, the first if none is asked for. Raises HTTPException(422)."""
    value = request.query_params.get(name, "") or allowed[0]
    if value not in allowed:
        raise HTTPException(422, f"{name} must be one of {', '.join(allowed)}")
    return value


def days(request: Request) -> int:
    """How many. Raises HTTPException(422)."""
    return number(request, "days", 30, MAX_DAYS, 1)


def since(request: Request) -> float:
    """The start of a number of `days` (30 if left out) up to now, as whole days. Raises HTTPException(422)."""
    now: float = request.app.state.now()
    return now // 86_400 * 86_400 - (days(request) - 1) * 86_400.0


def place(request: Request) -> Place:
    """limit and after. Raises HTTPException(422)."""
    if "offset" in request.query_params:
        raise HTTPException(422, "offset is no more: give the `next` of the page before as `after`")
    return Place(number(request, "limit", 50, MAX_PAGE), text(request, "after", MAX_CURSOR))


def finding_filter(request: Request, workflow: str) -> FindingFilter:
    """`workflow`: what is meant where the query does not say."""
    named = {name: text(request, name) for name in ("severity", "check", "endpoint", "site", "policy")}
    asked = text(request, "workflow") or workflow
    return FindingFilter(workflow="" if asked == "all" else asked, text=text(request, "text"), **named)


async def answer(request: Request, question: Any, *arguments: Any) -> Any:  # noqa: ANN401 - what the question gives
    """A question to the store, in a thread of its own."""
    store = request.app.state.store

    def ask() -> Any:  # noqa: ANN401
        with store.reading() as connection:
            return question(connection, *arguments)

    try:
        return await run_in_threadpool(ask)
    except CursorError as error:
        raise HTTPException(422, f"after: {error}") from None


async def covering(request: Request) -> dict[str, Any]:
    """What was not seen, as of a moment ago: part of every answer. Empty while the store does not answer."""
    state = request.app.state
    at, known = state.covered
    now: float = state.now()
    if not 0 <= now - at < FRESH:
        try:
            known = await answer(request, coverage, now)
        except StoreError:
            known = {}
        state.covered = (now, known)
    found: dict[str, Any] = known
    return found


def day(request: Request, name: str, otherwise: dt.date) -> dt.date:
    """A date such as 2030-01-31. Raises HTTPException(422)."""
    asked = text(request, name)
    if not asked:
        return otherwise
    try:
        found = dt.date.fromisoformat(asked) if _DAY.fullmatch(asked) else None
    except ValueError:
        found = None
    if found is None:
        raise HTTPException(422, f"{name} must be a day such as 2030-01-31")
    return found


def together(**questions: Any) -> Any:  # noqa: ANN401
    """Several questions as one, answered from one state of the database."""

    def ask(connection: Connection) -> dict[str, Any]:
        return {name: question(connection, *arguments) for name, (question, *arguments) in questions.items()}

    return ask

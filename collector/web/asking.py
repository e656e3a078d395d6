"""What a request asks for, read out of its query; shared by pages and API."""

from typing import Any

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from collector.queries import MAX_PAGE, FindingFilter

MAX_TEXT = 200


def number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from 0. Raises HTTPException(422)."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10) or int(text) > most:
        raise HTTPException(422, f"{name} must be a whole number up to {most}")
    return int(text)


def text(request: Request, name: str) -> str:
    """A text of reasonable length. Raises HTTPException(422)."""
    value = request.query_params.get(name, "")
    if len(value) > MAX_TEXT or "\0" in value:
        raise HTTPException(422, f"{name} must be a text of at most {MAX_TEXT} characters")
    return value


def place(request: Request) -> tuple[int, int]:
    """limit and offset."""
    limit = number(request, "limit", 50, MAX_PAGE)
    return max(limit, 1), number(request, "offset", 0, 10_000_000)


def finding_filter(request: Request, workflow: str) -> FindingFilter:
    """`workflow`: what is meant where the query does not say."""
    named = {name: text(request, name) for name in ("severity", "check", "endpoint", "site", "policy")}
    asked = text(request, "workflow") or workflow
    return FindingFilter(
        workflow="" if asked == "all" else asked, text=text(request, "text"), now=request.app.state.now(), **named
    )


async def answer(request: Request, question: Any, *arguments: Any) -> Any:  # noqa: ANN401 - what the question gives
    """A question to the store, in a thread of its own."""
    store = request.app.state.store

    def ask() -> Any:  # noqa: ANN401
        with store.reading() as connection:
            return question(connection, *arguments)

    return await run_in_threadpool(ask)


def together(**questions: Any) -> Any:  # noqa: ANN401
    """Several questions as one, answered from one state of the database."""

    def ask(connection: Connection) -> dict[str, Any]:
        return {name: question(connection, *arguments) for name, (question, *arguments) in questions.items()}

    return ask

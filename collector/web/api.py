"""The read-only API: JSON, or CSV with `format=csv`; described by /api/v1/openapi.json."""

from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector import inventory, probe_states, queries, shares
from collector.export.tables import as_csv, plain
from collector.paging import MAX_PAGE, Page, Row
from collector.web import asking
from collector.web.openapi import document


def problem(status: int, detail: str) -> Response:
    """An error as RFC 9457 has it."""
    body = msgspec.json.encode({"status": status, "detail": detail})
    return Response(body, status, media_type="application/problem+json")


def _json(body: Any) -> Response:  # noqa: ANN401
    return Response(msgspec.json.encode(body), media_type="application/json")


def _page(request: Request, page: Page) -> Response:
    rows = [plain(row) for row in page.rows]
    form = asking.text(request, "format") or "json"
    if form not in {"json", "csv"}:
        raise HTTPException(422, "format must be json or csv")
    if form == "json":
        place = {"total": page.total, "more": page.more, "next": page.next}
        return _json({**place, "coverage": request.state.coverage, "items": rows})
    headers = {"Content-Disposition": f'attachment; filename="{request.url.path.rsplit("/", 1)[-1]}.csv"'}
    if page.next:
        following = request.url.include_query_params(after=page.next)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Response(as_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


async def _findings(request: Request) -> Response:
    wanted = asking.finding_filter(request, "open")
    return _page(request, await asking.answer(request, queries.finding_page, wanted, asking.place(request)))


async def _finding(request: Request) -> Response:
    rows = await asking.answer(request, queries.finding, request.path_params["uid"])
    if not rows:
        raise HTTPException(404, "no finding has this uid")
    return _json([plain(row) for row in rows])


async def _endpoints(request: Request) -> Response:
    arguments = (request.app.state.now(), asking.text(request, "text"), asking.place(request))
    return _page(request, await asking.answer(request, queries.endpoint_page, *arguments))


async def _certificates(request: Request) -> Response:
    arguments = (asking.text(request, "text"), asking.place(request), request.app.state.now())
    return _page(request, await asking.answer(request, shares.certificate_page, *arguments))


async def _shares(request: Request) -> Response:
    by, since = asking.choice(request, "by", shares.BY), asking.since(request)
    key = asking.text(request, "key", shares.MAX_KEY)
    question = (shares.by_day, by, key, since) if key else (shares.carried, by, since, MAX_PAGE)
    return _whole(request, await asking.answer(request, *question))


async def _exposures(request: Request) -> Response:
    by = asking.choice(request, "by", shares.BY)
    return _whole(request, await asking.answer(request, shares.exposed, by, MAX_PAGE))


def _whole(request: Request, rows: list[Row]) -> Response:
    """A list that has one page."""
    return _page(request, Page(rows, len(rows), more=len(rows) == MAX_PAGE, next=""))


async def _forecast(request: Request) -> Response:
    told = await asking.answer(request, shares.forecast)
    return _json({**plain(told), "weeks": [plain(week) for week in told["weeks"]]})


async def _certificate(request: Request) -> Response:
    row = await asking.answer(request, inventory.certificate, request.path_params["sha256"])
    if row is None:
        raise HTTPException(404, "no certificate has this SHA-256")
    return _json({**plain(row), "places": [plain(place) for place in row["places"]]})


async def _probes(request: Request) -> Response:
    found = await asking.answer(request, probe_states.probe_page, request.app.state.now(), asking.place(request))
    for row in found.rows:
        del row["id"]
    return _page(request, found)


async def _summary(request: Request) -> Response:
    now = request.app.state.now()
    found = await asking.answer(
        request,
        asking.together(
            findings=(queries.by_severity,),
            last_day=(queries.protected, now - queries.DAY, now),
        ),
    )
    share = queries.share(found["last_day"])
    body = {name: found[name] for name in ("findings", "last_day")} | {"coverage": request.state.coverage}
    body["probes"] = request.state.coverage.get("probes", {})
    return _json(body if share is None else {**body, "protected_share": share})


async def _openapi(_request: Request) -> Response:
    return _json(document())


ROUTES: Final = [
    Route("/summary", _summary),
    Route("/findings", _findings),
    Route("/findings/{uid}", _finding),
    Route("/endpoints", _endpoints),
    Route("/certificates", _certificates),
    Route("/certificates/forecast", _forecast),
    Route("/certificates/{sha256}", _certificate),
    Route("/shares", _shares),
    Route("/exposures", _exposures),
    Route("/probes", _probes),
    Route("/openapi.json", _openapi),
]

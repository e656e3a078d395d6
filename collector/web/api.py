"""The read-only API: JSON, or CSV with `format=csv`; described by /api/v1/openapi.json."""

import csv
import io
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector import queries
from collector.store.rows import SEVERITIES
from collector.times import rfc3339
from collector.web import asking
from collector.web.openapi import document

_TIMES: Final = frozenset(("first_seen", "last_seen", "changed", "until", "not_before", "not_after", "received"))


def problem(status: int, detail: str) -> Response:
    """An error as RFC 9457 has it."""
    body = msgspec.json.encode({"status": status, "detail": detail})
    return Response(body, status, media_type="application/problem+json")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Times as text, severities as words, nothing that is not there."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or name == "probe_id":
            continue
        if name in _TIMES and isinstance(value, (int, float)):
            shown[name] = rfc3339(value)
        elif name in {"severity", "worst"} and isinstance(value, int):
            shown[name] = SEVERITIES[value] if value >= 0 else "none"
        else:
            shown["check" if name == "check_id" else name] = value
    return shown


def _json(body: Any) -> Response:  # noqa: ANN401
    return Response(msgspec.json.encode(body), media_type="application/json")


def _defused(value: object) -> object:
    """Spreadsheets run cells that begin like formulas, and names come from attackers (CWE-1236)."""
    if isinstance(value, (dict, list)):
        value = msgspec.json.encode(value).decode()
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return "'" + value
    return value


def _page(request: Request, page: queries.Page) -> Response:
    rows = [_plain(row) for row in page.rows]
    form = asking.text(request, "format") or "json"
    if form not in {"json", "csv"}:
        raise HTTPException(422, "format must be json or csv")
    if form == "json":
        return _json({"total": page.total, "offset": page.offset, "limit": page.limit, "items": rows})
    out = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows({name: _defused(value) for name, value in row.items()} for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{request.url.path.rsplit("/", 1)[-1]}.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


async def _findings(request: Request) -> Response:
    wanted = asking.finding_filter(request, "open")
    return _page(request, await asking.answer(request, queries.finding_page, wanted, *asking.place(request)))


async def _finding(request: Request) -> Response:
    rows = await asking.answer(request, queries.finding, request.path_params["uid"])
    if not rows:
        raise HTTPException(404, "no finding has this uid")
    return _json([_plain(row) for row in rows])


async def _endpoints(request: Request) -> Response:
    arguments = (request.app.state.now(), asking.text(request, "text"), *asking.place(request))
    return _page(request, await asking.answer(request, queries.endpoint_page, *arguments))


async def _certificates(request: Request) -> Response:
    arguments = (asking.text(request, "text"), *asking.place(request))
    return _page(request, await asking.answer(request, queries.certificate_page, *arguments))


async def _certificate(request: Request) -> Response:
    row = await asking.answer(request, queries.certificate, request.path_params["sha256"])
    if row is None:
        raise HTTPException(404, "no certificate has this SHA-256")
    return _json({**_plain(row), "places": [_plain(place) for place in row["places"]]})


async def _probes(request: Request) -> Response:
    rows = await asking.answer(request, queries.probe_list, request.app.state.now())
    return _json([{**_plain({**row, "id": None})} for row in rows])


async def _summary(request: Request) -> Response:
    now = request.app.state.now()
    found = await asking.answer(
        request,
        asking.together(
            findings=(queries.by_severity, now),
            last_day=(queries.protected, now - queries.DAY, now),
            probes=(queries.probe_list, now),
        ),
    )
    share = queries.share(found["last_day"])
    body = {"findings": found["findings"], "last_day": found["last_day"]}
    words = [row["word"] for row in found["probes"]]
    body["probes"] = {word: words.count(word) for word in ("up", "silent", "gone")}
    body["coverage"] = {
        "missed_envelopes": sum(row["missed"] for row in found["probes"]),
        "probes_with_drops": sum(1 for row in found["probes"] if any(row["lost"].values())),
    }
    return _json(body if share is None else {**body, "protected_share": share})


async def _openapi(_request: Request) -> Response:
    return _json(document())


ROUTES: Final = [
    Route("/summary", _summary),
    Route("/findings", _findings),
    Route("/findings/{uid}", _finding),
    Route("/endpoints", _endpoints),
    Route("/certificates", _certificates),
    Route("/certificates/{sha256}", _certificate),
    Route("/probes", _probes),
    Route("/openapi.json", _openapi),
]

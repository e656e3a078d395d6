"""The pages: server-rendered, without scripts but for live updates; each says what to do where there is nothing."""

import datetime as dt
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from sqlalchemy import insert, update
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from collector import queries, tunnels
from collector.store.rows import SEVERITIES
from collector.store.tables import audit, findings
from collector.web import asking, charts

WORKFLOWS: Final = ("open", "acknowledged", "suppressed", "resolved")
MAX_NOTE: Final = 500
MAX_DAYS: Final = 366  # of a suppression
_COOKIE: Final = "transitproof"


def _when(seconds: float | None) -> str:
    return "" if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M")


def _day(seconds: float | None) -> str:
    return _when(seconds)[:10]


def _readable(value: Any) -> Any:  # noqa: ANN401 - what a template shows
    """Names from packets may not turn the text around them (bidirectional controls) or hide in it."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in value)


_environment: Final = Environment(
    loader=PackageLoader("collector.web"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    finalize=_readable,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters |= {"when": _when, "day": _day, "size": charts.size, "severity": lambda number: SEVERITIES[number]}
_environment.globals |= {
    "CLASSES": queries.CLASSES,
    "NAMES": charts.NAMES,
    "SEVERITIES": SEVERITIES,
    "WORKFLOWS": WORKFLOWS,
}


def _shown(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:  # noqa: ANN401
    session = request.cookies.get(_COOKIE, "")
    access = request.app.state.access
    values |= {
        "who": request.state.who,
        "is_open": access.is_open,
        "form_key": access.form_key(session),
        "path": request.url.path,
        "query": request.query_params,
    }
    return HTMLResponse(_environment.get_template(template).render(values), status)


def problem(request: Request, status: int, title: str, detail: str) -> Response:
    """An error as a page."""
    return _shown(request, "problem.html", status, title=title, detail=detail)


def _pager(request: Request, page: queries.Page) -> dict[str, str]:
    """Addresses of the pages before and after."""

    def at(offset: int) -> str:
        return "?" + str(request.url.include_query_params(offset=offset).query)

    before = at(max(0, page.offset - page.limit)) if page.offset else ""
    after = at(page.offset + page.limit) if page.offset + page.limit < page.total else ""
    return {"before": before, "after": after}


async def _overview(request: Request) -> Response:
    now = request.app.state.now()
    found = await asking.answer(
        request,
        asking.together(
            today=(queries.protected, now - queries.DAY, now),
            history=(queries.history, now - 30 * queries.DAY, now, 86_400),
            hours=(queries.history, now - queries.DAY, now, 3600),
            severity=(queries.by_severity, now),
            checks=(queries.by_check, now),
            changes=(queries.changes, now - queries.DAY),
            probes=(queries.probe_list, now),
        ),
    )
    return _shown(
        request,
        "overview.html",
        share=queries.share(found["today"]),
        bar=charts.bar(found["today"]),
        month=charts.bands(found["history"], 86_400),
        day=charts.bands(found["hours"], 3600),
        **found,
    )


async def _findings(request: Request) -> Response:
    wanted = asking.finding_filter(request, "open")
    page = await asking.answer(request, queries.finding_page, wanted, *asking.place(request))
    return _shown(request, "findings.html", page=page, pager=_pager(request, page), title="Findings")


async def _dns(request: Request) -> Response:
    checks = ("dns.tunnel", "dns.beacon", "dns.random_names")
    now = request.app.state.now()
    found = []
    for check in checks:
        wanted = queries.FindingFilter(workflow="open", check=check, now=now)
        found.append((check, await asking.answer(request, queries.finding_page, wanted, 50, 0)))
    return _shown(request, "dns.html", found=found)


async def _finding(request: Request) -> Response:
    rows = await asking.answer(request, queries.finding, request.path_params["uid"])
    if not rows:
        raise HTTPException(404, "No finding has this uid; it may have been resolved and forgotten since.")
    return _shown(request, "finding.html", rows=rows, first=rows[0])


async def _workflow(request: Request) -> Response:
    """Acknowledge, suppress, resolve, open again."""
    if not request.state.who.may_change:
        raise HTTPException(403, "Your token is that of a viewer; an operator's is needed for this.")
    form = await request.form()
    session = request.cookies.get(_COOKIE, "")
    if not request.app.state.access.is_ours(session, str(form.get("form_key", ""))):
        raise HTTPException(403, "This form did not come from a page of ours, or that page is too old: load it again.")
    workflow, note = str(form.get("workflow", "")), str(form.get("note", ""))[:MAX_NOTE].replace("\0", "")
    if workflow not in WORKFLOWS:
        raise HTTPException(422, f"workflow must be one of {', '.join(WORKFLOWS)}")
    now, until = request.app.state.now(), None
    if workflow == "suppressed":
        days = str(form.get("days", ""))
        if not (days.isascii() and days.isdigit() and 1 <= int(days[:9]) <= MAX_DAYS):
            raise HTTPException(422, f"A suppression needs a number of days from 1 to {MAX_DAYS}.")
        until = now + int(days) * queries.DAY
    uid, who = request.path_params["uid"], request.state.who.name
    store = request.app.state.store

    def change() -> bool:
        with store.changing() as connection:
            values = {"workflow": workflow, "until": until, "note": note, "changed": now}
            changed = connection.execute(update(findings).where(findings.c.uid == uid).values(**values)).rowcount
            if changed:
                connection.execute(insert(audit).values(at=now, who=who, what=f"{workflow} {uid} {note}"))
            return bool(changed)

    if not await run_in_threadpool(change):
        raise HTTPException(404, "No finding has this uid.")
    request.app.state.bell.ring()
    return RedirectResponse(f"/findings/{uid}", 303)


async def _endpoints(request: Request) -> Response:
    arguments = (request.app.state.now(), asking.text(request, "text"), *asking.place(request))
    page = await asking.answer(request, queries.endpoint_page, *arguments)
    return _shown(request, "endpoints.html", page=page, pager=_pager(request, page))


async def _endpoint(request: Request) -> Response:
    name, now = request.path_params["endpoint"], request.app.state.now()
    wanted = queries.FindingFilter(endpoint=name, now=now)
    found = await asking.answer(
        request,
        asking.together(
            page=(queries.finding_page, wanted, queries.MAX_PAGE, 0),
            traffic=(queries.protected, now - queries.DAY, now, name),
            certificates=(queries.certificates_at, name),
        ),
    )
    if not found["page"].total and not found["certificates"]:
        raise HTTPException(404, "Nothing is known of this endpoint.")
    return _shown(request, "endpoint.html", name=name, bar=charts.bar(found["traffic"]), **found)


async def _certificates(request: Request) -> Response:
    now = request.app.state.now()
    arguments = (asking.text(request, "text"), *asking.place(request))
    found = await asking.answer(
        request,
        asking.together(
            page=(queries.certificate_page, *arguments),
            soon=(queries.certificate_page, "", queries.MAX_PAGE, 0),
            shared=(queries.shared_keys,),
        ),
    )
    chart = charts.expiry(found["soon"].rows, now)
    return _shown(request, "certificates.html", chart=chart, now=now, pager=_pager(request, found["page"]), **found)


async def _certificate(request: Request) -> Response:
    row = await asking.answer(request, queries.certificate, request.path_params["sha256"])
    if row is None:
        raise HTTPException(404, "No certificate has this SHA-256.")
    return _shown(request, "certificate.html", row=row)


async def _tunnels(request: Request) -> Response:
    now = request.app.state.now()
    found = await asking.answer(request, asking.together(pairs=(tunnels.pairs, now), rows=(tunnels.places, now)))
    return _shown(request, "tunnels.html", **found)


async def _standards(request: Request) -> Response:
    now = request.app.state.now()
    policies, rows = await asking.answer(request, queries.matrix, now)
    return _shown(request, "standards.html", policies=policies, rows=rows)


async def _probes(request: Request) -> Response:
    now = request.app.state.now()
    found = await asking.answer(request, asking.together(probes=(queries.probe_list, now), aside=(queries.kept_aside,)))
    return _shown(request, "probes.html", now=now, **found)


async def _events(request: Request) -> Response:
    bell = request.app.state.bell
    if bell.is_full:
        raise HTTPException(503, "too many pages listen")
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(bell.events(), media_type="text/event-stream", headers=headers)


async def _login(request: Request) -> Response:
    access = request.app.state.access
    if access.is_open:
        return RedirectResponse("/", 303)
    if request.method == "GET":
        return _shown(request, "login.html", failed=False)
    form = await request.form()
    who = access.by_token(str(form.get("token", "")).strip())
    if who is None:
        return _shown(request, "login.html", 401, failed=True)
    response = RedirectResponse("/", 303)
    response.set_cookie(
        _COOKIE, access.begin(who), httponly=True, secure=request.app.state.secure, samesite="strict", path="/"
    )
    return response


async def _logout(request: Request) -> Response:
    session = request.cookies.get(_COOKIE, "")
    form = await request.form()
    if request.app.state.access.is_ours(session, str(form.get("form_key", ""))):
        request.app.state.access.end(session)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(_COOKIE)
    return response


ROUTES: Final = [
    Route("/", _overview),
    Route("/findings", _findings),
    Route("/findings/{uid}", _finding),
    Route("/findings/{uid}/workflow", _workflow, methods=["POST"]),
    Route("/endpoints", _endpoints),
    Route("/endpoints/{endpoint:path}", _endpoint),
    Route("/certificates", _certificates),
    Route("/certificates/{sha256}", _certificate),
    Route("/tunnels", _tunnels),
    Route("/dns", _dns),
    Route("/standards", _standards),
    Route("/probes", _probes),
    Route("/events", _events),
    Route("/login", _login, methods=["GET", "POST"]),
    Route("/logout", _logout, methods=["POST"]),
]

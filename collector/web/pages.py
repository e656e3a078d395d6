"""The pages: server-rendered, without scripts but for live updates; each says what to do where there is nothing."""

import datetime as dt
from typing import Any, Final

from sqlalchemy import insert, update
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from collector import charts, fleet, inventory, places, probe_states, queries, rendering, shares, standards, tunnels
from collector.alerts import outbox
from collector.export.coverage import flat
from collector.fleet import renewals
from collector.paging import MAX_PAGE, Page, Place
from collector.queries import WORKFLOWS
from collector.store.tables import FLEET, audit, findings
from collector.web import asking
from probe.checks import explain

MAX_NOTE: Final = 500
MAX_DAYS: Final = 366  # of a suppression
_COOKIE: Final = "transitproof"


def shown(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:  # noqa: ANN401
    """A template, with what every page has."""
    session = request.cookies.get(_COOKIE, "")
    access = request.app.state.access
    values |= {
        "who": request.state.who,
        "is_open": access.is_open,
        "form_key": access.form_key(session),
        "path": request.url.path,
        "query": request.query_params,
        "coverage": getattr(request.state, "coverage", {}),
    }
    return HTMLResponse(rendering.render(template, values), status)


def problem(request: Request, status: int, title: str, detail: str) -> Response:
    """An error as a page."""
    return shown(request, "problem.html", status, title=title, detail=detail)


def _pager(request: Request, page: Page) -> dict[str, str]:
    """Addresses of the first page, if this is another, and of the next one."""
    first = request.url.remove_query_params("after").query
    after = request.url.include_query_params(after=page.next).query
    return {"first": f"?{first}" if "after" in request.query_params else "", "after": f"?{after}" if page.next else ""}


async def _overview(request: Request) -> Response:
    now = request.app.state.now()
    found = await asking.answer(
        request,
        asking.together(
            today=(queries.protected, now - queries.DAY, now),
            history=(queries.history, now - 30 * queries.DAY, now, 86_400),
            hours=(queries.history, now - queries.DAY, now, 3600),
            severity=(queries.by_severity,),
            checks=(queries.by_check,),
            changes=(queries.changes, now - queries.DAY),
            words=(probe_states.probe_words, now),
            first=(probe_states.probe_page, now, Place(5)),
        ),
    )
    return shown(
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
    page = await asking.answer(request, queries.finding_page, wanted, asking.place(request))
    return shown(request, "findings.html", page=page, pager=_pager(request, page), title="Findings")


async def _dns(request: Request) -> Response:
    checks = ("dns.tunnel", "dns.beacon", "dns.random_names")
    found = []
    for check in checks:
        wanted = queries.FindingFilter(workflow="open", check=check)
        found.append((check, await asking.answer(request, queries.finding_page, wanted)))
    return shown(request, "dns.html", found=found)


async def _finding(request: Request) -> Response:
    uid = request.path_params["uid"]
    found = await asking.answer(
        request, asking.together(rows=(queries.finding, uid), decisions=(places.decisions, uid))
    )
    if not found["rows"]:
        raise HTTPException(404, "No finding has this uid; it may have been resolved and forgotten since.")
    first = found["rows"][0]
    return shown(request, "finding.html", first=first, explained=_explained(first["check_id"]), **found)


def _explained(check: str) -> list[tuple[str, str]]:
    """The page of a check, paragraph by paragraph: label and text."""
    parts = [part.partition(":") for part in (fleet.explain(check) or explain(check) or "").strip().split("\n\n")[1:]]
    return [(label.strip(), " ".join(text.split())) for label, _, text in parts if text and len(label) < 30]


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
                connection.execute(insert(audit).values(at=now, who=who, uid=uid, what=f"{workflow} {uid} {note}"))
            return bool(changed)

    if not await run_in_threadpool(change):
        raise HTTPException(404, "No finding has this uid.")
    request.app.state.bell.ring()
    return RedirectResponse(f"/findings/{uid}", 303)


async def _endpoints(request: Request) -> Response:
    arguments = (request.app.state.now(), asking.text(request, "text"), asking.place(request))
    page = await asking.answer(request, queries.endpoint_page, *arguments)
    return shown(request, "endpoints.html", page=page, pager=_pager(request, page))


async def _endpoint(request: Request) -> Response:
    name, now = request.path_params["endpoint"], request.app.state.now()
    wanted = queries.FindingFilter(endpoint=name)
    found = await asking.answer(
        request,
        asking.together(
            page=(queries.finding_page, wanted, Place(MAX_PAGE)),
            traffic=(queries.protected, now - queries.DAY, now, name),
            certificates=(inventory.certificates_at, name),
            postures=(places.postures_at, name),
            clients=(places.clients_of, name),
            history=(queries.history, now - 30 * queries.DAY, now, 86_400, name),
        ),
    )
    if not any((found["page"].total, found["certificates"], found["postures"], found["clients"])):
        raise HTTPException(404, "Nothing is known of this endpoint.")
    return shown(
        request,
        "endpoint.html",
        name=name,
        bar=charts.bar(found["traffic"]),
        chart=charts.bands(found["history"], 86_400),
        **found,
    )


async def _certificates(request: Request) -> Response:
    now = request.app.state.now()
    arguments = (asking.text(request, "text"), asking.place(request), now)
    found = await asking.answer(
        request,
        asking.together(
            page=(shares.certificate_page, *arguments),
            forecast=(shares.forecast,),
            soon=(inventory.certificate_page, "", Place(MAX_PAGE)),
            shared=(inventory.shared_keys,),
        ),
    )
    chart = charts.expiry(found["soon"].rows, now)
    return shown(request, "certificates.html", chart=chart, now=now, pager=_pager(request, found["page"]), **found)


async def _certificate(request: Request) -> Response:
    row = await asking.answer(request, inventory.certificate, request.path_params["sha256"])
    if row is None:
        raise HTTPException(404, "No certificate has this SHA-256.")
    now = request.app.state.now()
    found = await asking.answer(
        request,
        asking.together(
            chain=(places.chain, row),
            renewal=(renewals.described, [row], now),
            history=(renewals.rotation, row["sha256"]),
        ),
    )
    return shown(request, "certificate.html", row=row, now=now, **found)


async def _fleet(request: Request) -> Response:
    """Verdicts over all probes, and what was added up by site, host or service."""
    by, since = asking.choice(request, "by", shares.BY), asking.since(request)
    key = asking.text(request, "key", shares.MAX_KEY)
    found = await asking.answer(
        request,
        asking.together(
            page=(queries.finding_page, queries.FindingFilter(workflow="open", site=FLEET)),
            shares=(shares.carried, by, since),
            exposed=(shares.exposed, by),
            history=(shares.by_day, by, key, since),
        ),
    )
    values = {"by": by, "key": key, "BY": shares.BY, "site": FLEET, "days": asking.days(request)}
    return shown(request, "fleet.html", chart=charts.bands(found["history"], 86_400), **values, **found)


async def _tunnels(request: Request) -> Response:
    now = request.app.state.now()
    found = await asking.answer(request, asking.together(pairs=(tunnels.pairs,), rows=(tunnels.places, now)))
    return shown(request, "tunnels.html", **found)


async def _standards(request: Request) -> Response:
    """Open findings by standard; with `as_of` what the rules of that day say of what was seen."""
    now = request.app.state.now()
    today = dt.datetime.fromtimestamp(now, dt.UTC).date()
    if not asking.text(request, "as_of"):
        names, rows = await asking.answer(request, queries.matrix)
        return shown(
            request,
            "standards.html",
            policies=names,
            rows=rows,
            day=None,
            today=today,
            left_out=0,
            unjudged=0,
            more=False,
        )
    day = asking.day(request, "as_of", today)

    found = await asking.answer(request, standards.as_of, day)
    values = {name: getattr(found, name) for name in ("policies", "rows", "left_out", "unjudged", "more")}
    return shown(request, "standards.html", **values, day=day, today=today)


async def _probes(request: Request) -> Response:
    now = request.app.state.now()
    place = asking.place(request)
    found = await asking.answer(
        request, asking.together(page=(probe_states.probe_page, now, place), aside=(probe_states.kept_aside,))
    )
    for row in found["page"].rows:
        row["missed_packets"] = flat(row["health"].get("missed"))
    return shown(request, "probes.html", now=now, pager=_pager(request, found["page"]), **found)


async def _alerts(request: Request) -> Response:
    rows = await asking.answer(request, outbox.latest)
    return shown(request, "alerts.html", rows=rows, alerts=request.app.state.alerts)


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
        return shown(request, "login.html", failed=False)
    form = await request.form()
    who = access.by_token(str(form.get("token", "")).strip())
    if who is None:
        return shown(request, "login.html", 401, failed=True)
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
    Route("/fleet", _fleet),
    Route("/endpoints", _endpoints),
    Route("/endpoints/{endpoint:path}", _endpoint),
    Route("/certificates", _certificates),
    Route("/certificates/{sha256}", _certificate),
    Route("/tunnels", _tunnels),
    Route("/dns", _dns),
    Route("/standards", _standards),
    Route("/probes", _probes),
    Route("/alerts", _alerts),
    Route("/events", _events),
    Route("/login", _login, methods=["GET", "POST"]),
    Route("/logout", _logout, methods=["POST"]),
]

"""The web application: routes, who may use them, and headers that leave attackers nothing.

Server names, subjects and host names come from packets, so they are an attacker's. Templates escape everything, the
content policy allows no script and no style but our own files, and tables for spreadsheets are defused.
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from collector.alerts.settings import Alerts
from collector.store.errors import StoreError
from collector.store.store import Store
from collector.web import api, asking, exports, metrics, pages
from collector.web.access import LOCAL, Access, Who
from collector.web.live import Bell
from probe.publish.signing import Signer

COOKIE: Final = "transitproof"
MAX_BODY: Final = 64 * 1024
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OPEN: Final = ("/login", "/static/", "/healthz")
_UNCOVERED: Final = ("/static/", "/healthz", "/events")
_FOR_PROGRAMS: Final = ("/api/", "/metrics")

Next = Callable[[Request], Awaitable[Response]]


def make(
    store: Store,
    access: Access,
    *,
    secure: bool,
    now: Callable[[], float] = time.time,
    bell: Bell | None = None,
    counters: Callable[[], Mapping[str, int]] = dict,
    signer: Signer | None = None,
    alerts: Alerts | None = None,
) -> Starlette:
    """`secure`: served over TLS, so cookies and browsers are told; `bell`: rung after each batch that was kept.

    `counters`: of this process, for metrics; `signer`: signs audit packs; `alerts`: what is shown of
    their rules.
    """
    routes = [
        *pages.ROUTES,
        *exports.ROUTES,
        *metrics.ROUTES,
        Mount("/api/v1", routes=api.ROUTES),
        Route("/healthz", _healthz),
        Mount("/static", StaticFiles(directory=str(files("collector.web") / "static"))),
    ]
    middleware = [Middleware(_Guard, access=access, secure=secure, now=now)]
    app = Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={StoreError: _unavailable, HTTPException: _http_error},
    )
    app.state.store, app.state.access, app.state.now, app.state.secure = store, access, now, secure
    app.state.bell, app.state.counters, app.state.signer = bell or Bell(), counters, signer
    app.state.alerts = alerts or Alerts()
    app.state.covered = (float("-inf"), {})
    return app


class _Guard(BaseHTTPMiddleware):
    def __init__(self, app: Any, access: Access, *, secure: bool, now: Callable[[], float]) -> None:  # noqa: ANN401
        super().__init__(app)
        self._access, self._secure, self._now = access, secure, now

    async def dispatch(self, request: Request, call_next: Next) -> Response:
        response = await self._answer(request, call_next)
        response.headers.update(HEADERS)
        if not request.url.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        if self._secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    async def _answer(self, request: Request, call_next: Next) -> Response:
        client = request.client.host if request.client else ""
        if not self._access.may_ask(client, time.monotonic()):
            return PlainTextResponse("too many requests", 429, {"Retry-After": "1"})
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            return PlainTextResponse("the request is too large", 413)
        path = request.url.path
        who = self._who(request)
        request.state.who = who or Who("", "viewer")
        if who is None and not path.startswith(_OPEN):
            if path.startswith(_FOR_PROGRAMS):
                return PlainTextResponse(
                    "a token is needed: Authorization: Bearer …", 401, {"WWW-Authenticate": "Bearer"}
                )
            return RedirectResponse("/login", 303)
        covered = request.state.coverage = {} if path.startswith(_UNCOVERED) else await asking.covering(request)
        response = await call_next(request)
        if covered and path.startswith(_FOR_PROGRAMS):
            response.headers["Transitproof-Coverage"] = json.dumps(covered)
        return response

    def _who(self, request: Request) -> Who | None:
        if self._access.is_open:
            return LOCAL
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and request.url.path.startswith(_FOR_PROGRAMS):
            return self._access.by_token(token.strip())
        return self._access.by_session(request.cookies.get(COOKIE, ""))


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok")


def _unavailable(request: Request, error: Exception) -> Response:
    return pages.problem(request, 503, "The database does not answer", str(error))


def _http_error(request: Request, raised: Exception) -> Response:
    error = raised if isinstance(raised, HTTPException) else HTTPException(500)
    if request.url.path.startswith("/api/"):
        return api.problem(error.status_code, error.detail)
    titles = {404: "There is nothing here", 405: "That is not how this page is used", 403: "Not allowed"}
    return pages.problem(request, error.status_code, titles.get(error.status_code, "That did not work"), error.detail)

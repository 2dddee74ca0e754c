"""App: the dashboard, the metrics and the JSON over HTTP. It reads the newest view, and changes nothing but alerts."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from tattoo_data.clock import timestamp
from tattoo_data.errors import TattooDataError, UnknownName
from tattoo_data.monitoring.alert import Alert, Event
from tattoo_data.monitoring.document import alert_document
from tattoo_data.monitoring.sample import Health
from tattoo_data.monitoring.show import EVENTS
from tattoo_data.monitoring.view import View
from tattoo_data.web import page
from tattoo_data.web.live import Live
from tattoo_data.web.local import LocalOnly
from tattoo_data.web.metrics import exposition

_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_ASSETS = {"dashboard.css": "text/css", "dashboard.js": "text/javascript", "dashboard.svg": "image/svg+xml"}
_DOCUMENTS = ("status", "alerts", "events", "series")
_WHO = "dashboard"
#: SQLite knows no greater number.
_MOST_ID = 2**63 - 1
_Endpoint = Callable[[Request], Awaitable[Response]]


class Desk(Protocol):
    """Where alerts are kept: what the app needs of the ledger."""

    def acknowledge(self, ids: Sequence[int], who: str) -> list[Alert]:
        """Note that somebody knows of alerts. Raises `UnknownName` for one that is not there."""

    def alerts(self) -> list[Alert]:
        """The open alerts, the worst first."""

    def events(self, limit: int) -> list[Event]:
        """The last things that happened, the newest first."""


def up_to_date(view: View, desk: Desk) -> View:
    """The view with its alerts and events as they are now, so that one that was made before somebody acknowledged an
    alert, and is shown after it, does not take that back."""
    return replace(view, alerts=desk.alerts(), events=desk.events(EVENTS))


def make_app(live: Live, desk: Desk) -> Starlette:
    """The application that shows `live`."""
    shown = _Shown(live, desk)
    routes = [
        Route("/", shown.page),
        Route("/fragment", shown.fragment),
        Route("/events", shown.events),
        Route("/healthz", shown.health),
        Route("/metrics", shown.metrics),
        Route("/api/alerts/{id:int}/acknowledge", shown.acknowledge, methods=["POST"]),
        *(Route(f"/api/{name}", shown.document(name)) for name in _DOCUMENTS),
        *(Route(f"/{name}", _asset(page.asset(name), media_type)) for name, media_type in _ASSETS.items()),
    ]
    return Starlette(routes=routes, middleware=[Middleware(LocalOnly)])


class _Shown:
    """The endpoints of one dashboard."""

    def __init__(self, live: Live, desk: Desk) -> None:
        self._live = live
        self._desk = desk

    async def page(self, request: Request) -> Response:
        """The whole page, drawn once for a view."""
        old, drawn = self._live.old(), self._live.drawn
        body = drawn.page(old) if drawn.has_page(old) else await run_in_threadpool(drawn.page, old)
        return Response(body, media_type=_HTML)

    async def fragment(self, request: Request) -> Response:
        """The part of the page that changes."""
        body = await run_in_threadpool(self._live.drawn.fragment, self._live.old())
        return Response(body, media_type=_HTML)

    async def events(self, request: Request) -> Response:
        """Server-sent events, one whenever there is something newer."""
        return StreamingResponse(told(self._live), media_type="text/event-stream")

    async def health(self, request: Request) -> Response:
        """Whether all is well, in a status for programs that read nothing else."""
        view, old = self._live.drawn.view, self._live.old()
        health = None if old else view.health
        document = {
            "health": health.value if health else None,
            "at": timestamp(view.at) if view.sample else None,
            "checks": view.checks,
            "reason": old or (None if view.sample else "no check has been made yet"),
        }
        return JSONResponse(document, status_code=200 if health in (Health.HEALTHY, Health.DEGRADED) else 503)

    async def metrics(self, request: Request) -> Response:
        """The view for Prometheus."""
        body, content_type = exposition(self._live, request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    def document(self, name: str) -> _Endpoint:
        """The endpoint of one JSON document."""

        async def endpoint(request: Request) -> Response:
            return Response(await run_in_threadpool(self._live.drawn.document, name), media_type=_JSON)

        return endpoint

    async def acknowledge(self, request: Request) -> Response:
        """Note that somebody knows of an alert. A form is sent back to the page, everybody else gets the alert."""
        try:
            alert = await run_in_threadpool(self._acknowledged, request.path_params["id"])
        except UnknownName as error:
            return JSONResponse(error.document(), status_code=404)
        except TattooDataError as error:
            return JSONResponse(error.document(), status_code=500)
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/", status_code=303)
        return JSONResponse({"alert": alert_document(alert)})

    def _acknowledged(self, number: int) -> Alert:
        if number > _MOST_ID:
            raise UnknownName(kind="alert", name=str(number), known=())
        alert = self._desk.acknowledge([number], _WHO)[0]
        self._live.publish(lambda view: up_to_date(view, self._desk))
        return alert


async def told(live: Live) -> AsyncIterator[str]:
    """Server-sent events: the number of each view, and comments between, so that a dead connection is noticed."""
    async for number in live.changes():
        yield ": open\n\n" if number is None else f"event: view\ndata: {number}\n\n"


def _asset(body: bytes, media_type: str) -> _Endpoint:
    """A file of ours, which a browser keeps as long as it is the same."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}

    async def endpoint(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=media_type, headers=headers)

    return endpoint

"""Local: requests that were meant for this server, and by somebody at this machine.

A page of another site could reach a server on loopback through its reader's browser: by a name of its own that it lets
point here, or by a form. So the Host header must name this machine, and what changes something must come from our own
page or from no page at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_READING = ("GET", "HEAD")
_FOREIGN_SITES = ("cross-site", "same-site")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def refusal(method: str, hosts: Sequence[str], origin: str | None, site: str | None) -> tuple[int, str] | None:
    """Why a request is refused, with its status; None where it is not. `hosts` are all its Host headers, `origin` and
    `site` what the browser says of the page that it comes from."""
    if len(hosts) != 1 or not _LOCAL.fullmatch(hosts[0]):
        return 421, "This server answers to localhost, 127.0.0.1 and [::1] only."
    if method in _READING:
        return None
    if site in _FOREIGN_SITES or (origin is not None and origin.lower() != f"http://{hosts[0].lower()}"):
        return 403, "Only the dashboard's own page may do that."
    return None


class LocalOnly:
    """Refuses what is not local, and gives every answer the headers that keep other pages out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        refused = refusal(scope["method"], headers.getlist("host"), origin, site)
        app = PlainTextResponse(refused[1] + "\n", status_code=refused[0]) if refused else self._app
        await app(scope, receive, send_guarded)

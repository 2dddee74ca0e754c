"""A client that asks an application without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp

from tattoo_data.web.app import make_app
from tattoo_data.web.live import Live
from tests.web import examples

OURS = "http://localhost:8321"


class Client:
    """Sends one request after the other, as a program of this machine does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Read. A header's `_` stands for `-`."""
        return self.request("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, **headers: str) -> httpx.Response:
        """Change."""
        return self.request("POST", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Whatever is to be sent."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=OURS) as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())


def client_of(live: Live) -> Client:
    """A client of the dashboard that shows `live`, whose alerts can be acknowledged."""
    return Client(make_app(live, examples.Desk(live.drawn.view.alerts)))

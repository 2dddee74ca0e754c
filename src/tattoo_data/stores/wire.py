"""The wire: HTTP connections that go to the checked addresses only, and a trace of what they carried.

botocore and the client of OpenSearch both send through a `Wire`. It never follows a redirect, uses no proxy of the
environment, and refuses a URL whose host is not the one that the guard checked.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError
from urllib3.util.retry import Retry

from tattoo_data.clock import monotonic
from tattoo_data.errors import TargetNotAllowed
from tattoo_data.guard import Endpoint, connect, same_target

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
_IN_FLIGHT = 8

#: Which attempt at a call this is, from 1; set by what retries.
ATTEMPT: ContextVar[int] = ContextVar("attempt", default=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came of it, for the trace: no headers, no bodies, so no secrets."""

    store: str
    operation: str
    attempt: int
    sent_bytes: int
    received_bytes: int | None
    seconds: float
    status: int | None
    error: str | None = None


Trace = Callable[[Exchange], None]


class Wire:
    """A pool of connections to one endpoint; `store` is what the trace calls it."""

    def __init__(
        self, endpoint: Endpoint, store: str, trace: Trace | None = None, read_seconds: float = READ_SECONDS
    ) -> None:
        self.endpoint = endpoint
        self._store = store
        self._trace = trace
        self._pool = _pool(endpoint, read_seconds)

    def request(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        body: Any = None,
        headers: Mapping[str, Any] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request; `url` is absolute and must be of this endpoint. The body is read by the caller.

        Raises `TargetNotAllowed` for another host, and the exceptions of urllib3.
        """
        if not same_target(self.endpoint, url):
            raise TargetNotAllowed(host=urllib3.util.parse_url(url).host, reason="it is not the target's own host")
        start = monotonic()
        response, error = None, None
        try:
            response = self._pool.urlopen(
                method,
                _request_target(url),
                body=body,
                headers=dict(headers or {}),
                retries=Retry(False),
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
            return response
        except Exception as failure:
            error = type(failure).__name__
            raise
        finally:
            if self._trace:
                self._trace(
                    Exchange(
                        store=self._store,
                        operation=operation,
                        attempt=ATTEMPT.get(),
                        sent_bytes=_sent(headers, body),
                        received_bytes=_content_length(response) if response else None,
                        seconds=monotonic() - start,
                        status=response.status if response else None,
                        error=error,
                    )
                )

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()


def _request_target(url: str) -> str:
    """Path and query as they were signed: urllib3 would make `a/../b` of an object's key another object's."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _sent(headers: Mapping[str, Any] | None, body: Any) -> int:
    length = (headers or {}).get("Content-Length")
    if length:
        return int(length)
    return len(body) if isinstance(body, bytes | str) else 0


def _content_length(response: urllib3.BaseHTTPResponse) -> int | None:
    length = response.headers.get("Content-Length")
    return int(length) if length and length.isdigit() else None


def _pool(endpoint: Endpoint, read_seconds: float) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
    pool_class = urllib3.HTTPSConnectionPool if endpoint.scheme == "https" else urllib3.HTTPConnectionPool
    pool = pool_class(endpoint.host, endpoint.port, timeout=timeout, maxsize=_IN_FLIGHT, block=False)
    # The pool makes its connections by calling this class; ours differ in the address alone.
    pool.ConnectionCls = _pinned(endpoint)  # type: ignore[assignment]
    return pool


def _pinned(endpoint: Endpoint) -> Callable[..., HTTPConnection]:
    """A connection that dials the addresses the guard checked, whatever the name resolves to by now. The Host
    header, and a certificate's name, stay the host's."""
    base: Any = HTTPSConnection if endpoint.scheme == "https" else HTTPConnection

    class PinnedConnection(base):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            try:
                found = connect(endpoint, _seconds(self.timeout))
            except OSError as error:
                raise NewConnectionError(self, f"{error}") from error
            for option in self.socket_options or ():  # TCP_NODELAY: a body waits 40 ms for its header without
                found.setsockopt(*option)
            return found

    return PinnedConnection


def _seconds(timeout: object) -> float:
    return float(timeout) if isinstance(timeout, int | float) else CONNECT_SECONDS

"""HTTP/1.1, just as much of it as the clients of three services need, on one event loop without threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

_END = b"\r\n\r\n"


@dataclass(slots=True)
class Request:
    """One request, read whole. Names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; one without a value is empty."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(slots=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The length that a HEAD request is told, whose answer has no body.
    length: int | None = None


Handler = Callable[[Request], Reply]


async def serve(handler: Handler, content_type: str) -> tuple[asyncio.Server, str]:
    """A server on a free port of loopback, and its url."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(handler, content_type), "127.0.0.1", 0, backlog=64)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered before the next is looked at."""

    def __init__(self, handler: Handler, content_type: str) -> None:
        self._handler = handler
        self._content_type = content_type
        self._buffer = bytearray()
        self._request: Request | None = None
        self._length = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._read_head() and len(self._buffer) >= self._length:
            request = self._request
            assert request is not None
            request.body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._request = None
            self._transport.write(self._answer(request))

    def _read_head(self) -> bool:
        """Whether the head of a request is there; it is taken off the buffer."""
        if self._request is not None:
            return True
        end = self._buffer.find(_END)
        if end < 0:
            return False
        line, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + len(_END)]
        method, target, _ = line.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
        self._request = Request(method, target, headers, b"")
        self._length = int(headers.get("content-length", 0))
        if "expect" in headers:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _answer(self, request: Request) -> bytes:
        reply = self._handler(request)
        length = len(reply.body) if reply.length is None else reply.length
        headers = {"Content-Type": self._content_type, "Server": "stub", "Date": formatdate(usegmt=True)}
        headers |= reply.headers
        if reply.status != HTTPStatus.NO_CONTENT:
            headers["Content-Length"] = str(length)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{lines}\r\n"
        return head.encode("latin-1") + reply.body

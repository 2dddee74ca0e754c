"""The proxy's connection to the engine: one for each connection of a client."""

from __future__ import annotations

import select
import socket
from io import BufferedIOBase

from tests.faults.messages import Answer, Request, end_to_end
from tests.faults.wire import Broken, Head, in_chunks, read_body, read_head, send

_SECONDS = 120.0


class EngineSilent(Exception):
    """The engine broke the connection, or none could be made."""


class EngineConnection:
    """A connection that is made when it is needed. Its socket is in `sockets` while it is open, so that whoever
    ends the proxy can end it."""

    def __init__(self, address: tuple[str, int], sockets: set[socket.socket]) -> None:
        self._address = address
        self._sockets = sockets
        self._open: tuple[socket.socket, BufferedIOBase] | None = None

    def ask(self, request: Request) -> Answer:
        """The engine's answer. Raises EngineSilent."""
        try:
            connection, file = self._connected()
            framing = (("Transfer-Encoding", "chunked"),) if request.chunked else ()
            body = in_chunks(request.body) if request.chunked else request.body
            send(connection, f"{request.method} {request.path} HTTP/1.1", (*request.headers, *framing), body)
            return self._answer(file, request.method)
        except (OSError, Broken) as error:
            self.close()
            raise EngineSilent from error

    def close(self) -> None:
        """Close it. Idempotent."""
        if self._open is None:
            return
        connection, file = self._open
        self._open = None
        self._sockets.discard(connection)
        file.close()
        connection.close()

    def _connected(self) -> tuple[socket.socket, BufferedIOBase]:
        """An engine closes connections that were idle, which is no fault of the next request."""
        if self._open is not None and select.select([self._open[0]], [], [], 0)[0]:
            self.close()
        if self._open is None:
            connection = socket.create_connection(self._address, timeout=_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.add(connection)
            self._open = connection, connection.makefile("rb")
        return self._open

    def _answer(self, file: BufferedIOBase, method: str) -> Answer:
        head = _final_head(file)
        _, status, reason = (*head.start.split(" ", 2), "")[:3]
        bodiless = method == "HEAD" or status in ("204", "304")
        body = b"" if bodiless else read_body(file, head, to_end=True)
        answer = Answer(
            status=int(status),
            reason=reason,
            headers=end_to_end(head.headers),
            body=body,
            chunked=head.chunked,
        )
        if head.closing or not (
            bodiless or head.chunked or any(n.lower() == "content-length" for n, _ in head.headers)
        ):
            self.close()
        return answer


def _final_head(file: BufferedIOBase) -> Head:
    while True:
        head = read_head(file)
        if head is None:
            raise Broken
        if not head.start.partition(" ")[2].startswith("1"):  # 100 Continue and its like
            return head

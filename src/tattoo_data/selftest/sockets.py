"""Sockets: an address on this machine where nobody answers, and one that notices whether it was dialled."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

_HOST = "127.0.0.1"


@contextmanager
def nobody() -> Iterator[str]:
    """A URL whose port is taken, so that nobody else comes to listen there, and where nothing listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as held:
        held.bind((_HOST, 0))
        yield _url(held)


class Listener:
    """Somebody who listens, and never answers."""

    def __init__(self, server: socket.socket) -> None:
        self.url = _url(server)
        self._server = server

    def was_dialled(self) -> bool:
        """Whether anybody has connected since it was asked last."""
        try:
            connection, _ = self._server.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True


@contextmanager
def listener() -> Iterator[Listener]:
    """A listener, as long as the block lasts."""
    with socket.create_server((_HOST, 0)) as server:
        server.setblocking(False)
        yield Listener(server)


def _url(held: socket.socket) -> str:
    return f"http://{_HOST}:{held.getsockname()[1]}"

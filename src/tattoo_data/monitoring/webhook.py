"""The webhook: what happened to alerts, posted as JSON from a thread of its own, so that nobody waits for it."""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec
import tenacity

from tattoo_data import __version__, guard
from tattoo_data.clock import Clock
from tattoo_data.errors import TargetNotAllowed, TattooDataError

_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a document is posted: in how many attempts, each given up when nothing came for `timeout` seconds, with which
    waits between them; how many may wait; and for how many seconds the end waits for what is left."""

    attempts: int = 4
    timeout: float = 3.0
    first_wait: float = 0.5
    longest_wait: float = 4.0
    waiting: int = 1_000
    end: float = 5.0


class _Again(Exception):
    """An answer that another attempt may better."""


class Webhook:
    """Posts documents to one URL, in order. Nothing of the URL but its host is ever told.

    Every attempt passes the guard, and goes to the addresses that it checked; redirects are not followed, proxies not
    used. Raises `TargetNotAllowed` where the host is neither local nor allowed.
    """

    def __init__(self, url: str, allow: Sequence[str], clock: Clock, patience: Patience | None = None) -> None:
        self._url = url
        self._allow = allow
        self._clock = clock
        self._patience = patience or Patience()
        self._refuse_stranger()
        self._waiting: queue.Queue[dict[str, object] | None] = queue.Queue(self._patience.waiting)
        self._lost: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._done = threading.Condition()
        self._taken = self._ended = 0
        self._arrived: set[object] = set()
        self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """How it is told of: without path and query, which may be a secret."""
        parts = urlsplit(self._url)
        return f"the webhook at {parts.scheme}://{parts.netloc}"

    def post(self, document: dict[str, object]) -> None:
        """Have a document posted. Returns at once; where too many wait already, it is lost, and so told."""
        with self._done:
            try:
                self._waiting.put_nowait(document)
            except queue.Full:
                self._lost.put(f"{self._patience.waiting:,} wait already")
            else:
                self._taken += 1

    def lost(self) -> list[str]:
        """Why documents were lost since this was asked last, one reason for each."""
        found = []
        while not self._lost.empty():
            found.append(self._lost.get())
        return found

    def arrived(self, seconds: float) -> set[object]:
        """Wait until everything was posted or given up, though not longer than this. Returns the alerts, by id, of
        which a document was taken."""
        with self._done:
            self._done.wait_for(lambda: self._ended == self._taken, seconds)
            return set(self._arrived)

    def close(self) -> None:
        """Wait a moment for what is left, and tell as lost what is not posted then."""
        self.arrived(self._patience.end)
        with self._done:
            left = self._taken - self._ended
        for _ in range(left):
            self._lost.put(f"not posted within {self._patience.end:g} s")
        with suppress(queue.Full):  # then it hangs, and ends with the process
            self._waiting.put_nowait(None)

    def _refuse_stranger(self) -> None:
        try:
            guard.check(self._url.partition("?")[0], allow=self._allow)
        except TargetNotAllowed:
            raise
        except TattooDataError:
            pass  # a name that does not resolve now may later; until then each document is told as lost

    def _work(self) -> None:
        while (document := self._waiting.get()) is not None:
            try:
                self._post_patiently(document)
            except (OSError, http.client.HTTPException, TattooDataError, _Again) as error:
                self._lost.put(_reason(error))
            else:
                with self._done:
                    self._arrived.add(_alert_id(document))
            with self._done:
                self._ended += 1
                self._done.notify_all()

    def _post_patiently(self, document: dict[str, object]) -> None:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((OSError, http.client.HTTPException, _Again)),
            wait=tenacity.wait_exponential(multiplier=self._patience.first_wait, max=self._patience.longest_wait),
            stop=tenacity.stop_after_attempt(self._patience.attempts),
            sleep=self._clock.sleep,
            reraise=True,
        )
        retrying(self._post, msgspec.json.encode(document))

    def _post(self, body: bytes) -> None:
        parts = urlsplit(self._url)
        endpoint = guard.check(self._url.partition("?")[0], allow=self._allow)
        # The connection is made to what the guard checked; the name only goes into the Host header.
        connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=self._patience.timeout)
        connection.sock = _connected(endpoint, self._patience.timeout)
        try:
            connection.request(
                "POST",
                (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
                body,
                {"Content-Type": "application/json", "User-Agent": f"tattoo-data/{__version__}", "Host": parts.netloc},
            )
            answer = connection.getresponse()
            if answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == _TOO_MANY:
                raise _Again(f"it answers {answer.status}")
            if not http.HTTPStatus.OK <= answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
                raise TattooDataError(what=f"it answers {answer.status}", hint="Is it the right address?")
        finally:
            connection.close()


def _connected(endpoint: guard.Endpoint, timeout: float) -> socket.socket:
    found = guard.connect(endpoint, timeout)
    if endpoint.scheme == "http":
        return found
    try:
        return ssl.create_default_context().wrap_socket(found, server_hostname=endpoint.host)
    except OSError:
        found.close()
        raise


def _alert_id(document: dict[str, object]) -> object:
    alert = document["alert"]
    return alert["id"] if isinstance(alert, dict) else None


def _reason(error: Exception) -> str:
    """Why, in words that hold nothing of the URL."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, TattooDataError):
        return error.message
    return str(error) or type(error).__name__

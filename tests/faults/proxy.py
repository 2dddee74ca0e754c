"""The fault proxy: a server on loopback that hands every request to one engine, and injects faults on the way."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from socketserver import StreamRequestHandler, TCPServer
from typing import Any
from urllib.parse import urlsplit

from tests.faults import dynamodb, opensearch, s3
from tests.faults.damage import Damage
from tests.faults.engine import EngineConnection, EngineSilent
from tests.faults.errors import service_error
from tests.faults.messages import Answer, Request, Seen, Service, end_to_end, header
from tests.faults.rates import FaultRates, Moment, Verdict, judge
from tests.faults.wire import Broken, in_chunks, read_body, read_head, send

Hook = Callable[[int, Seen], None]

_KEPT = 10_000
_END_SECONDS = 10.0
_RESET = struct.pack("ii", 1, 0)


class FaultProxy:
    """A running proxy.

    `rates` may be changed while it runs. `requests` counts what came, `seen` keeps the last of it; `injected`
    counts the faults by the names of `FaultRates` (entries, where a fault hits entries), `dropped_at` the dropped
    connections by their moment, `unanswered` the requests that the engine itself broke.

    `on_request` is called with the running number (from 1) before anything happens to a request. It may end the
    client: a request whose client is gone when it returns is not forwarded. `on_answer` is called once the engine
    has answered and before the client hears of it. What a hook raises is raised where the proxy's block ends.
    """

    def __init__(self, engine_url: str, service: Service, rates: FaultRates) -> None:
        engine = urlsplit(engine_url)
        assert engine.hostname and engine.port, "an engine's URL names its port"
        self.engine = (engine.hostname, engine.port)
        self.service = service
        self.rates = rates
        self.url = ""
        self.requests = 0
        self.seen: deque[Seen] = deque(maxlen=_KEPT)
        self.injected: Counter[str] = Counter()
        self.dropped_at: Counter[Moment] = Counter()
        self.unanswered = 0
        self.on_request: Hook | None = None
        self.on_answer: Hook | None = None
        self.errors: list[Exception] = []
        self._lock = threading.Lock()

    def note(self, seen: Seen) -> int:
        """Count a request, and give its number."""
        with self._lock:
            self.requests += 1
            self.seen.append(seen)
            return self.requests

    def count(self, verdict: Verdict) -> None:
        """Count the fault of a whole request."""
        with self._lock:
            if verdict.delay:
                self.injected["delayed"] += 1
            if verdict.fault:
                self.injected[verdict.fault] += 1
            if verdict.fault == "dropped":
                self.dropped_at[verdict.moment] += 1

    def count_entries(self, damage: Damage) -> None:
        """Count the faults of a batch's entries."""
        with self._lock:
            self.injected.update(damage.counts)

    def count_unanswered(self) -> None:
        """Count a request that the engine did not answer."""
        with self._lock:
            self.unanswered += 1


@contextmanager
def fault_proxy(engine_url: str, service: Service, rates: FaultRates | None = None) -> Iterator[FaultProxy]:
    """Stand before an engine until the block ends; every thread and connection ends with it. Raises an
    ExceptionGroup where a hook, or the proxy itself, failed."""
    proxy = FaultProxy(engine_url, service, rates or FaultRates())
    server = _Server(proxy)
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.stop()
        if proxy.errors:
            raise ExceptionGroup("the fault proxy failed", proxy.errors)


class _Server(TCPServer):
    """Accepts connections, each served by a thread of its own."""

    request_queue_size = 128

    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy
        self.stopping = threading.Event()
        self.sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._accepting.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.sockets.add(request)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        # A daemon, as a hook that never returns must not keep the test run from ending.
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, connection: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(connection, client_address)
        except OSError:
            pass  # the client is gone
        except Exception as error:  # noqa: BLE001  the test shall see it, not the thread
            self.proxy.errors.append(error)
        finally:
            self.close_socket(connection)

    def close_socket(self, connection: socket.socket) -> None:
        """Close a socket of either side."""
        self.sockets.discard(connection)
        connection.close()

    def stop(self) -> None:
        """End all threads and connections. Raises RuntimeError where a hook does not return."""
        self.stopping.set()
        self.shutdown()
        self._accepting.join()
        for each in list(self.sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_END_SECONDS)
        self.server_close()
        if any(thread.is_alive() for thread in self._threads):
            raise RuntimeError("a request does not end: does a hook block?")


class _Dropped(Exception):
    """This connection ends here."""


class _Handler(StreamRequestHandler):
    """One client's connection, and its own to the engine."""

    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._engine = EngineConnection(self.server.proxy.engine, self.server.sockets)

    def finish(self) -> None:
        self._engine.close()
        super().finish()

    def handle(self) -> None:
        with suppress(_Dropped, Broken):  # a client that was killed leaves half a request: no engine gets it
            while request := self._read_request():
                self._exchange(request)
                if request.closing:
                    return

    def _read_request(self) -> Request | None:
        head = read_head(self.rfile)
        if head is None:
            return None
        method, _, rest = head.start.partition(" ")
        if header(head.headers, "expect").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Request(
            method=method,
            path=rest.rpartition(" ")[0],
            headers=end_to_end(head.headers),
            body=read_body(self.rfile, head),
            chunked=head.chunked,
            closing=head.closing,
        )

    def _exchange(self, request: Request) -> None:
        proxy = self.server.proxy
        seen = request.seen(proxy.service)
        number = proxy.note(seen)
        if proxy.on_request:
            self._call(proxy.on_request, number, seen)
            if self._client_is_gone():
                raise _Dropped
        rates = proxy.rates
        random = rates.random(number)
        verdict = judge(rates, random)
        proxy.count(verdict)
        if verdict.delay and self.server.stopping.wait(verdict.delay):
            raise _Dropped
        dropped = verdict.moment if verdict.fault == "dropped" else None
        if dropped is Moment.BEFORE:
            self._drop(reset=verdict.reset)
        if verdict.fault and not dropped:
            answer = service_error(proxy.service, verdict.fault, random)
        else:
            damage = _damage(proxy.service, request, seen.operation, rates, random)
            proxy.count_entries(damage)
            answer = damage.answer or damage.merged(self._ask(damage.forwarded or request, number, seen))
        if dropped is Moment.AFTER:
            self._drop(reset=verdict.reset)
        self._answer(request, answer.shifted(rates.clock_offset_seconds), cut=dropped is Moment.MIDDLE)

    def _client_is_gone(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _drop(self, *, reset: bool) -> None:
        if reset:  # closing then sends RST instead of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        raise _Dropped

    def _ask(self, request: Request, number: int, seen: Seen) -> Answer:
        try:
            answer = self._engine.ask(request)
        except EngineSilent:
            self.server.proxy.count_unanswered()
            raise _Dropped from None
        if self.server.proxy.on_answer:
            self._call(self.server.proxy.on_answer, number, seen)
        return answer

    def _call(self, hook: Hook, number: int, seen: Seen) -> None:
        try:
            hook(number, seen)
        except Exception as error:  # noqa: BLE001  the test shall see it, not the thread
            self.server.proxy.errors.append(error)
            raise _Dropped from None

    def _answer(self, request: Request, answer: Answer, *, cut: bool) -> None:
        """Send an answer; one that is cut ends in the middle of its body, or before any of it where it has none."""
        bodiless = request.method == "HEAD" or answer.status in (204, 304)
        body = b"" if bodiless else in_chunks(answer.body) if answer.chunked else answer.body
        if cut and not body:
            raise _Dropped
        headers = list(answer.headers)
        if answer.chunked and not bodiless:
            headers.append(("Transfer-Encoding", "chunked"))
        elif not bodiless and not header(answer.headers, "content-length"):
            headers.append(("Content-Length", str(len(body))))
        if request.closing:
            headers.append(("Connection", "close"))
        sent = body[: len(body) // 2] if cut else body
        send(self.connection, f"HTTP/1.1 {answer.status} {answer.reason}", tuple(headers), sent)
        if cut:
            raise _Dropped


_DAMAGES = {Service.DYNAMODB: dynamodb.damage, Service.OPENSEARCH: opensearch.damage, Service.S3: s3.damage}


def _damage(service: Service, request: Request, operation: str, rates: FaultRates, random: Random) -> Damage:
    """What no entry's fault hits, or cannot be read, goes on as it is: the engine shall judge it."""
    if not (rates.unprocessed or rates.partial or rates.refused) or header(request.headers, "content-encoding"):
        return Damage(forwarded=request)
    try:
        found = _DAMAGES[service](request, operation, rates, random)
    except (ValueError, KeyError):
        found = None
    return found or Damage(forwarded=request)

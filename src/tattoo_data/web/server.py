"""Server: checks in one thread and shows them in another, until it is stopped or the checks come to their end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from signal import SIGINT, SIGTERM, signal

import uvicorn

from tattoo_data.errors import PortTaken, TattooDataError
from tattoo_data.monitoring.view import View
from tattoo_data.stack.ports import holder, is_free
from tattoo_data.web.app import Desk, make_app, up_to_date
from tattoo_data.web.live import Live

HOST = "127.0.0.1"
#: So long an answer that is being sent may take when the server stops.
_GRACE_SECONDS = 5

#: Makes checks until it is told to stop, and gives a view after each.
Checks = Callable[[threading.Event], Iterator[View]]


def listen(port: int) -> socket.socket:
    """A socket of loopback; 0 takes any port that is free. Raises `PortTaken` with who holds it."""
    if port and not is_free(port):
        raise PortTaken(port=port, host=HOST, holder=holder(port))
    # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTaken(port=port, host=HOST, holder=holder(port)) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where the dashboard is."""
    return f"http://{HOST}:{listener.getsockname()[1]}/"


def serve(listener: socket.socket, live: Live, desk: Desk, checks: Checks) -> None:
    """Check and show until Ctrl-C or SIGTERM, or until the checks end. A check that is being made is waited for, unless
    there is a second Ctrl-C. Where the checks die, the page says so and is served on; their error is raised at the
    end."""
    server = _Server(live, desk)
    watcher = _Watcher(checks, live, desk, server.end)
    watcher.start()
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()
        watcher.stop.set()
        with suppress(KeyboardInterrupt):  # the second: the check is left alone
            watcher.join()
    if watcher.error is not None:
        raise watcher.error


class _Watcher(threading.Thread):
    """The thread that checks. It is a daemon, so that no check keeps the process from ending."""

    def __init__(self, checks: Checks, live: Live, desk: Desk, at_end: Callable[[], None]) -> None:
        super().__init__(name="monitor", daemon=True)
        self.stop = threading.Event()
        self.error: Exception | None = None
        self._checks = checks
        self._live = live
        self._desk = desk
        self._at_end = at_end

    def run(self) -> None:
        """Publish every view."""
        try:
            for view in self._checks(self.stop):
                self._show(view)
        except BrokenPipeError as error:  # nobody reads what is printed: that ends it, as it ends any command
            self.error = error
            self._at_end()
        except Exception as error:  # noqa: BLE001  whatever it is, the page must not look as if all were well
            self.error = error
            self._live.fail(error.message if isinstance(error, TattooDataError) else f"{type(error).__name__}: {error}")
        else:
            self._at_end()

    def _show(self, view: View) -> None:
        self._live.publish(lambda _: up_to_date(view, self._desk))


class _Server(uvicorn.Server):
    """uvicorn, whose listeners are let go when it stops, and which ends by a signal as by any other reason."""

    def __init__(self, live: Live, desk: Desk) -> None:
        options = uvicorn.Config(
            make_app(live, desk),
            lifespan="off",
            loop="asyncio",
            http="h11",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        super().__init__(options)
        self._live = live

    def end(self) -> None:
        """Stop soon. From any thread."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop now."""
        self._live.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end it; a second one ends it at once. Only the main thread can hear them."""
        heard = (SIGINT, SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        before = {each: signal(each, self.handle_exit) for each in heard}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal(each, handler)

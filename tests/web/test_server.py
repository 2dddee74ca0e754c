"""The server: its port, its end, and what becomes of it when the checks die."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tattoo_data.errors import PortTaken
from tattoo_data.monitoring.view import View
from tattoo_data.web.live import Live
from tattoo_data.web.server import listen, serve, url_of
from tests.web import examples

_ROOT = Path(__file__).parents[2]
_DYING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tattoo_data.clock import Clock
from tattoo_data.web.live import Live
from tattoo_data.web.server import listen, serve, url_of
from tests.web import examples

def checks(stop):
    yield examples.healthy(Clock().now())
    raise RuntimeError("it broke")

listener = listen(0)
print(url_of(listener), flush=True)
serve(listener, Live(examples.unseen(), 30.0, Clock()), examples.Desk([]), checks)
"""


class Served:
    """A dashboard that runs in a thread, whose checks wait until the test lets them go on."""

    def __init__(self, views: list[View]) -> None:
        self.live = Live(examples.unseen(), examples.INTERVAL, examples.clock_at(examples.NOW))
        self.go_on = threading.Semaphore(0)
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self._views = views
        self._listener = listen(0)
        self.url = url_of(self._listener)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Wait until it has ended."""
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            serve(self._listener, self.live, examples.Desk([]), self._checks)
        except Exception as error:  # noqa: BLE001  told to the test
            self.error = error

    def _checks(self, stop: threading.Event) -> Iterator[View]:
        for each in self._views:
            self.go_on.acquire()
            yield each
        self.go_on.acquire()


@contextmanager
def _next_view(url: str) -> Iterator[Iterator[str]]:
    """The lines of the event stream."""
    with httpx.stream("GET", f"{url}events", timeout=30) as answer:
        yield (line for line in answer.iter_lines() if line.startswith("data:"))


def test_views_arrive_without_asking_and_the_stream_ends_with_the_checks() -> None:
    served = Served([examples.healthy(), examples.unhealthy()])
    with _next_view(served.url) as numbers:
        assert next(numbers) == "data: 0"
        assert httpx.get(f"{served.url}healthz").status_code == 503
        served.go_on.release()
        assert next(numbers) == "data: 1"
        assert httpx.get(f"{served.url}healthz").status_code == 200
        served.go_on.release()
        assert next(numbers) == "data: 2"
        assert httpx.get(f"{served.url}healthz").json()["health"] == "unhealthy"
        served.go_on.release()
        assert list(numbers) == []
    served.end()
    assert served.error is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)


def test_a_monitor_that_dies_leaves_a_page_that_says_so_until_it_is_stopped() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _DYING], cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    with _next_view(url) as numbers:
        assert next(numbers)
        while httpx.get(f"{url}healthz").json()["checks"] == 0:
            assert next(numbers)
        while httpx.get(f"{url}healthz").status_code == 200:
            assert next(numbers)
        answer = httpx.get(f"{url}healthz")
        assert answer.status_code == 503 and "RuntimeError: it broke" in answer.json()["reason"]
        assert "The checks have stopped" in httpx.get(url).text
        process.send_signal(signal.SIGINT)
        assert list(numbers) == [], "the stream ends, too"
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1 and "RuntimeError: it broke" in said


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_taken_port_names_its_holder(host: str) -> None:
    with socket.socket() as other:
        other.bind((host, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            listen(port)
    assert str(port) in caught.value.message and "pid" in caught.value.message
    assert "--port" in caught.value.hint
    assert caught.value.exit_code == 2


def test_any_free_port_is_on_loopback_only() -> None:
    with listen(0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.proto == socket.IPPROTO_TCP, "else no answer is sent at once"
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}/"

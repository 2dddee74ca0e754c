"""Live: the newest view, shared between the thread that checks and the server that shows it.

What is drawn of a view is drawn once, when it is first asked for, and served as bytes from then on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import msgspec

from tattoo_data.clock import Clock
from tattoo_data.monitoring.document import view_document
from tattoo_data.monitoring.view import View
from tattoo_data.web import page
from tattoo_data.web.html import Html
from tattoo_data.web.totals import Totals
from tattoo_data.web.words import span

#: A view this many intervals old is not trusted any more; where a check takes longer than that, this many checks.
OLD_INTERVALS = 3
_BEAT_SECONDS = 5.0
_LISTS = ("alerts", "events", "series")


class Drawn:
    """A view, and what was drawn of it. May be asked by several threads."""

    def __init__(self, view: View, interval: float) -> None:
        self.view = view
        self._interval = interval
        self._lock = threading.RLock()
        self._body: Html | None = None
        self._pages: dict[str | None, tuple[bytes, bytes]] = {}
        self._documents: dict[str, bytes] = {}

    def has_page(self, old: str | None) -> bool:
        """Whether the page is drawn already."""
        return old in self._pages

    def fragment(self, old: str | None) -> bytes:
        """The part of the page that changes. `old` says why the view cannot be trusted any more."""
        return self._drawn(old)[0]

    def page(self, old: str | None) -> bytes:
        """The whole page."""
        return self._drawn(old)[1]

    def document(self, name: str) -> bytes:
        """The view as JSON, or one of its lists: `status`, `alerts`, `events`, `series`."""
        with self._lock:
            if not self._documents:
                whole = view_document(self.view)
                self._documents = {each: msgspec.json.encode({each: whole[each]}) for each in _LISTS}
                self._documents["status"] = msgspec.json.encode(whole)
            return self._documents[name]

    def _drawn(self, old: str | None) -> tuple[bytes, bytes]:
        with self._lock:
            if old not in self._pages:
                self._body = self._body or page.body(self.view)
                fragment = page.fragment(self.view, self._body, self._interval, old)
                self._pages[old] = fragment.encode(), page.page(fragment)
            return self._pages[old]


class Live:
    """The newest view and who waits for the next. `first` is shown until there is one."""

    def __init__(self, first: View, interval: float, clock: Clock) -> None:
        self.drawn = Drawn(first, interval)
        self.totals = Totals()
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._failed: str | None = None
        self._closed = False
        self._number = 0
        self._listeners: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def show(self, view: View) -> None:
        """Put a view in the place of the newest one. From any thread."""
        self.publish(lambda _: view)

    def publish(self, change: Callable[[View], View]) -> None:
        """Put what `change` makes of the newest view in its place, and tell who listens. From any thread."""
        with self._lock:
            before = self.drawn.view
            view = change(before)
            if view.sample is not None and view.sample is not before.sample:
                self.totals = self.totals.plus(view.sample)
            self.drawn = Drawn(view, self._interval)
            self._number += 1
            self._wake()

    def fail(self, reason: str) -> None:
        """Tell that no view will come any more, and why."""
        with self._lock:
            self._failed = reason
            self._wake()

    def close(self) -> None:
        """Let everybody who listens go."""
        with self._lock:
            self._closed = True
            self._wake()

    def old(self) -> str | None:
        """Why the newest view cannot be trusted any more, None where it can."""
        if self._failed is not None:
            return f"The checks have stopped: {self._failed}. What is shown below is from the last one."
        view = self.drawn.view
        if view.sample is None:
            return None
        age = (self._clock.now() - view.at).total_seconds()
        if age <= OLD_INTERVALS * max(self._interval, view.sample.seconds):
            return None
        return f"No check has ended since {view.at:%d %b %H:%M:%S} UTC, though one is due every {span(self._interval)}."

    async def changes(self) -> AsyncIterator[int | None]:
        """The number of the newest view, now and whenever there is a newer one or it became old; None in between, so
        that a connection nobody reads is noticed. Ends when it is closed."""
        listener = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._listeners.add(listener)
        try:
            told: object = None
            while not self._closed:
                listener[1].clear()
                known = self._number, self.old()
                yield known[0] if known != told else None
                told = known
                await _woken(listener[1])
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _wake(self) -> None:
        for loop, event in self._listeners:
            loop.call_soon_threadsafe(event.set)


async def _woken(event: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(event.wait(), _BEAT_SECONDS)
    except TimeoutError:
        return

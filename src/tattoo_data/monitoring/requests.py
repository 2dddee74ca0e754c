"""Requests: what a check asked of each store, and how long the answers took, gathered from the trace of the wire."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence

from tattoo_data.model.entry import StoreName
from tattoo_data.monitoring.sample import Requests
from tattoo_data.stores.wire import Exchange

_TOO_MANY = 429
_BAD_REQUEST = 400
_SERVER_ERROR = 500


class Recorder:
    """Gathers the requests to the three stores, from several threads. A `Trace`.

    DynamoDB says that it throttles with 400, as it says that a request is wrong, and the trace has no more than that.
    But only what was throttled is sent again, so a 400 that another attempt follows was one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gathered = {name: _Gathered() for name in StoreName}
        self._refused: set[tuple[int, str]] = set()

    def __call__(self, exchange: Exchange) -> None:
        """Take one request in; those to other services are left out."""
        if exchange.store not in self._gathered:
            return
        place = (threading.get_ident(), exchange.store)
        with self._lock:
            gathered = self._gathered[StoreName(exchange.store)]
            gathered.add(exchange)
            if exchange.attempt > 1 and place in self._refused:
                gathered.throttled += 1
            self._refused.discard(place)
            if exchange.status == _BAD_REQUEST:
                self._refused.add(place)

    def count(self, store: StoreName) -> int:
        """How many requests to a store were sent so far."""
        with self._lock:
            return self._gathered[store].count

    def take(self) -> Mapping[StoreName, Requests]:
        """What was gathered, and start anew."""
        with self._lock:
            gathered, self._gathered = self._gathered, {name: _Gathered() for name in StoreName}
            self._refused.clear()
        return {name: each.requests() for name, each in gathered.items()}


class _Gathered:
    """The requests to one store."""

    __slots__ = ("count", "errors", "seconds", "throttled")

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.throttled = 0
        self.seconds: list[float] = []

    def add(self, exchange: Exchange) -> None:
        self.count += 1
        if exchange.status is None:
            self.errors += 1
            return
        self.errors += exchange.status >= _SERVER_ERROR
        self.throttled += exchange.status == _TOO_MANY
        self.seconds.append(exchange.seconds)

    def requests(self) -> Requests:
        ordered = sorted(self.seconds)
        return Requests(
            count=self.count,
            errors=self.errors,
            throttled=self.throttled,
            p50=percentile(ordered, 50),
            p95=percentile(ordered, 95),
            p99=percentile(ordered, 99),
        )


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile of values in ascending order: the least of them that so many of a hundred do not
    exceed. None where there is no value."""
    if not ordered:
        return None
    return ordered[max(1, math.ceil(len(ordered) * percent / 100)) - 1]

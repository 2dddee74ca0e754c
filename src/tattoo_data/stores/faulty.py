"""Fault injection: any store, made to fail as engines do, at set rates and from a seed.

Every fault is one that a real engine was seen to give: a refused request, a connection that breaks before or after
the write was taken, a batch taken in part.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tattoo_data.clock import seeded
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import (
    NOT_ROUTED,
    Description,
    Exchange,
    Limits,
    Outcome,
    Page,
    Routing,
    Store,
    Target,
    TransientError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Probabilities of each fault, per request or (`unprocessed`, `refused`) per entry; and the seed."""

    throttled: float = 0.0
    dropped_before: float = 0.0
    dropped_after: float = 0.0
    unprocessed: float = 0.0
    refused: float = 0.0
    seed: int = 0


class FaultyStore:
    """A store that fails at set rates. A `Store`. `calls` counts the requests of each operation."""

    def __init__(self, inner: Store, rates: Rates) -> None:
        self.inner = inner
        self.calls: dict[str, int] = {}
        self._rates = rates
        self._random = seeded(rates.seed)
        self._lock = threading.Lock()

    @property
    def name(self) -> StoreName:
        return self.inner.name

    @property
    def limits(self) -> Limits:
        return self.inner.limits

    def describe(self) -> Description | None:
        self._begin("describe")
        return self.inner.describe()

    def ensure(self) -> None:
        self._begin("ensure")
        self.inner.ensure()

    def page(self, segment: int, segments: int, cursor: object) -> Page:
        self._begin("page")
        return self.inner.page(segment, segments, cursor)

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        self._begin("get")
        return self.inner.get(keys, routing)

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        self._begin("put")
        failed = self._failures([entry.key for entry in entries])
        done = {each.key: each for each in self.inner.put([each for each in entries if each.key not in failed])}
        self._end("put")
        return [failed.get(entry.key) or done[entry.key] for entry in entries]

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        self._begin("delete")
        failed = self._failures([target.key for target in targets])
        done = {e.key: e for e in self.inner.delete([each for each in targets if each.key not in failed])}
        self._end("delete")
        return [failed.get(target.key) or done[target.key] for target in targets]

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        self._begin("exchange")
        failed = self._failures([each.key for each in exchanges])
        done = {e.key: e for e in self.inner.exchange([each for each in exchanges if each.key not in failed])}
        self._end("exchange")
        return [failed.get(each.key) or done[each.key] for each in exchanges]

    def settle(self) -> None:
        self._begin("settle")
        self.inner.settle()

    def shaped(self, structure: Mapping[str, Any]) -> FaultyStore:
        other = copy.copy(self)
        other.inner = self.inner.shaped(structure)
        return other

    def close(self) -> None:
        self.inner.close()

    def _begin(self, operation: str) -> None:
        with self._lock:
            self.calls[operation] = self.calls.get(operation, 0) + 1
        if self._draw(self._rates.throttled):
            raise self._error(operation, "throttled")
        if self._draw(self._rates.dropped_before):
            raise self._broken(operation)

    def _end(self, operation: str) -> None:
        if self._draw(self._rates.dropped_after):
            raise self._broken(operation)

    def _failures(self, keys: Sequence[str]) -> dict[str, Outcome]:
        failed: dict[str, Outcome] = {}
        for key in keys:
            if self._draw(self._rates.refused):
                failed[key] = Outcome(key, "ValidationException", "injected")
            elif self._draw(self._rates.unprocessed):
                failed[key] = Outcome(key, "UnprocessedItems", "injected", transient=True)
        return failed

    def _draw(self, rate: float) -> bool:
        if not rate:
            return False
        with self._lock:
            return self._random.random() < rate

    def _broken(self, operation: str) -> TransientError:
        return self._error(operation, "the connection broke")

    def _error(self, operation: str, reason: str) -> TransientError:
        return TransientError(service=self.name, endpoint="injected", operation=operation, reason=reason)

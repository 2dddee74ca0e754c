"""Apply: carry a plan out, in an order that never shows a reader a link to what is not there yet.

Puts: images, table, index. Deletes: index, table, images. One outcome for every entry; a refused one keeps no
other back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from tattoo_data.engine.flow import Progress, ahead, batches, in_flight
from tattoo_data.engine.journal import Chunk, Journal, chunks
from tattoo_data.engine.plan import Plan, Step, StorePlan
from tattoo_data.engine.swap import swap_index
from tattoo_data.errors import TattooDataError, Unreachable
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import CHANGED, Exchange, Outcome, Store, Target
from tattoo_data.stores.live import LiveStores

_PUT_ORDER = (StoreName.IMAGES, StoreName.TABLE, StoreName.INDEX)
#: After so many batches of which nothing was taken in spite of all patience, a store takes nothing at all.
_GIVEN_UP = 2
B = TypeVar("B", Entry, Target, Exchange)


@dataclass(slots=True, kw_only=True)
class Applied:
    """What went wrong in one store, by key, and the keys that somebody else wrote after the scan."""

    failed: dict[str, Outcome] = field(default_factory=dict)
    drifted: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What applying needs: the stores, workers, the journal and whom to tell. With `compare`, a key is written only
    where it still is what the scan found; with `force` too, where it is what was read just before."""

    stores: LiveStores
    pool: Executor
    journal: Journal
    progress: Progress
    compare: bool = False
    force: bool = False


def mend_structure(plan: Plan, stores: LiveStores, pool: Executor) -> None:
    """Create and mend what the plan says. Raises `StructureRefused` before anything is changed in any store."""
    names = [name for name, each in plan.stores.items() if each.structure]
    list(pool.map(lambda name: stores[name].ensure(), names))


def apply(plan: Plan, tools: Tools) -> dict[StoreName, Applied]:
    """Carry the plan out and make it visible to every reader."""
    writers = {name: _Writer(tools, tools.stores[name]) for name in plan.stores}
    order = [name for name in _PUT_ORDER if name in plan.stores]
    for name in order:
        if plan.stores[name].swap:
            writers[name].swap(plan.stores[name])
        else:
            writers[name].put(plan.stores[name].puts())
    for name in reversed(order):
        if not plan.stores[name].swap:
            writers[name].delete(plan.stores[name].deletes())
    for name in order:
        tools.stores[name].settle()
    return {name: writer.applied for name, writer in writers.items()}


class _Writer:
    """Writes steps to one store, batch by batch on an executor. Once the store cannot be reached or takes nothing
    any more, what is left fails at once instead of waiting through all retries again for every batch."""

    def __init__(self, tools: Tools, store: Store) -> None:
        self.applied = Applied()
        self._tools = tools
        self._store = store
        self._lost: tuple[str, str] | None = None
        self._refused = 0
        self._done = 0

    def put(self, steps: Iterator[Step]) -> None:
        """Apply steps that put."""
        if self._tools.compare:
            self._exchange(steps)
        else:
            self._run(self._store.put, _entries(self._chunks(steps)), _entry_size)

    def delete(self, steps: Iterator[Step]) -> None:
        """Apply steps that delete."""
        if self._tools.compare:
            self._exchange(steps)
        else:
            changes = (change.step for chunk in self._chunks(steps) for change in chunk.changes)
            targets = (Target(step.key, step.routing) for step in changes)
            self._run(self._store.delete, targets, _target_size)

    def swap(self, plan: StorePlan) -> None:
        """Build the index anew with the plan's changes in it. The before-images of all are kept first; where they
        cannot be read, the error is raised and the index stays as it is."""
        door = self._tools.stores.index_door
        assert door is not None

        def fill(into: Store, entries: Iterable[Entry]) -> dict[str, Outcome]:
            writer = _Writer(self._tools, into)
            writer._run(into.put, entries, _entry_size)
            return writer.applied.failed

        self.applied.failed |= swap_index(door, plan, _entries(self._readable(plan.steps())), fill)

    def _exchange(self, steps: Iterator[Step]) -> None:
        self._run(self._store.exchange, self._exchanges(steps), _exchange_size)

    def _exchanges(self, steps: Iterator[Step]) -> Iterator[Exchange]:
        for chunk in self._chunks(steps):
            drifted = set() if self._tools.force else set(chunk.drifted)
            for each in chunk.changes:
                if each.step.key in drifted:
                    self.applied.failed[each.step.key] = Outcome(each.step.key, CHANGED, "it was changed meanwhile")
                else:
                    yield Exchange(each.found, each.step.put)

    def _chunks(self, steps: Iterator[Step]) -> Iterator[Chunk]:
        """The changes whose before-images are kept, chunk by chunk, the next being read while one is written."""
        for chunk in ahead(chunks(self._store, steps, self._tools.journal, compare=self._tools.compare)):
            self.applied.drifted += chunk.drifted
            if chunk.error:
                self._fail(chunk, chunk.error)
            else:
                yield chunk

    def _readable(self, steps: Iterator[Step]) -> Iterator[Chunk]:
        for chunk in ahead(chunks(self._store, steps, self._tools.journal, compare=False)):
            if chunk.error:
                raise chunk.error
            self.applied.drifted += chunk.drifted
            yield chunk

    def _run(
        self,
        write: Callable[[Sequence[B]], list[Outcome]],
        entries: Iterable[B],
        size: Callable[[B], int],
    ) -> None:
        def one_batch(batch: list[B]) -> list[Outcome]:
            return self._write(write, batch)

        for outcomes in in_flight(self._tools.pool, one_batch, batches(entries, self._store.limits, size)):
            self.applied.failed.update((outcome.key, outcome) for outcome in outcomes if outcome.error)
            self._done += len(outcomes)
            self._tools.progress(f"{self._store.name}", self._done, None)

    def _write(self, write: Callable[[Sequence[B]], list[Outcome]], batch: list[B]) -> list[Outcome]:
        if self._lost:
            error, message = self._lost
            return [Outcome(each.key, error, message) for each in batch]
        try:
            outcomes = write(batch)
        except TattooDataError as error:
            if isinstance(error, Unreachable):
                self._lost = error.id, error.message
            return [Outcome(each.key, error.id, error.message) for each in batch]
        if all(outcome.transient for outcome in outcomes):
            self._refused += 1
            if self._refused >= _GIVEN_UP:
                self._lost = str(outcomes[0].error), outcomes[0].message
        else:
            self._refused = 0
        return outcomes

    def _fail(self, chunk: Chunk, error: TattooDataError) -> None:
        for change in chunk.changes:
            key = change.step.key
            self.applied.failed[key] = Outcome(key, error.id, error.message)


def write_entries(store: Store, entries: Iterable[Entry], pool: Executor) -> Iterator[Outcome]:
    """Put entries into a store in batches; their outcomes, in order."""
    for outcomes in in_flight(pool, store.put, batches(entries, store.limits, _entry_size)):
        yield from outcomes


def _entries(prepared: Iterable[Chunk]) -> Iterator[Entry]:
    return (change.step.put for chunk in prepared for change in chunk.changes if change.step.put is not None)


def _entry_size(entry: Entry) -> int:
    return len(entry.body) + len(entry.key)


def _target_size(target: Target) -> int:
    return len(target.key)


def _exchange_size(exchange: Exchange) -> int:
    return sum(_entry_size(each) for each in (exchange.before, exchange.after) if each)

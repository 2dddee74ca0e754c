"""Apply: carry a plan out, in an order that never shows a reader a link to what is not there yet.

Puts: images, table, index. Deletes: index, table, images. One outcome for every entry; a refused one keeps no
other back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from tattoo_data.engine.flow import Progress, batches, in_flight
from tattoo_data.engine.plan import Plan, StorePlan
from tattoo_data.engine.swap import swap_index
from tattoo_data.errors import TattooDataError, Unreachable
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import Outcome, Store, Target
from tattoo_data.stores.live import LiveStores

_PUT_ORDER = (StoreName.IMAGES, StoreName.TABLE, StoreName.INDEX)
B = TypeVar("B", Entry, Target)


@dataclass(slots=True, kw_only=True)
class Applied:
    """The outcomes of one store, by key."""

    put: dict[str, Outcome] = field(default_factory=dict)
    deleted: dict[str, Outcome] = field(default_factory=dict)

    def failures(self) -> Iterator[Outcome]:
        """The outcomes that failed."""
        for outcomes in (self.put, self.deleted):
            yield from (outcome for outcome in outcomes.values() if outcome.error)


def mend_structure(plan: Plan, stores: LiveStores, pool: Executor) -> None:
    """Create and mend what the plan says. Raises `StructureRefused` before anything is changed in any store."""
    names = [name for name, each in plan.stores.items() if each.structure]
    list(pool.map(lambda name: stores[name].ensure(), names))


def apply(plan: Plan, stores: LiveStores, pool: Executor, progress: Progress) -> dict[StoreName, Applied]:
    """Carry the plan out and make it visible to every reader."""
    work = _Work(stores, pool, progress)
    done = {name: Applied() for name in plan.stores}
    swapped = plan.stores.get(StoreName.INDEX)
    for name in _PUT_ORDER:
        if each := plan.stores.get(name):
            if each.swap:
                continue
            done[name].put = work.run(name, stores[name].put, each.puts, _entry_size)
    if swapped and swapped.swap and stores.index_door:
        done[StoreName.INDEX] = _swap(swapped, stores, work)
    for name in reversed(_PUT_ORDER):
        if (each := plan.stores.get(name)) and not each.swap:
            done[name].deleted = work.run(name, stores[name].delete, each.delete, _target_size)
    for name in plan.stores:
        stores[name].settle()
    return done


class _Work:
    """Batches on an executor. Once a store cannot be reached after all retries, what is left for it fails at once
    instead of waiting through them again for every batch."""

    def __init__(self, stores: LiveStores, pool: Executor, progress: Progress) -> None:
        self._stores = stores
        self._pool = pool
        self._progress = progress
        self._lost: dict[StoreName, Unreachable] = {}

    def run(
        self,
        name: StoreName,
        write: Callable[[Sequence[B]], list[Outcome]],
        entries: Iterable[B],
        size: Callable[[B], int],
    ) -> dict[str, Outcome]:
        """Every entry's outcome, by key."""
        outcomes: dict[str, Outcome] = {}

        def one_batch(batch: list[B]) -> list[Outcome]:
            return self._write(name, write, batch)

        for done in in_flight(self._pool, one_batch, batches(entries, self._stores[name].limits, size)):
            outcomes.update((outcome.key, outcome) for outcome in done)
            self._progress(f"{name}", len(outcomes), None)
        return outcomes

    def _write(self, name: StoreName, write: Callable[[Sequence[B]], list[Outcome]], batch: list[B]) -> list[Outcome]:
        if lost := self._lost.get(name):
            return [Outcome(each.key, lost.id, lost.message) for each in batch]
        try:
            return write(batch)
        except Unreachable as error:
            self._lost[name] = error
            return [Outcome(each.key, error.id, error.message) for each in batch]
        except TattooDataError as error:
            return [Outcome(each.key, error.id, error.message) for each in batch]


def _swap(plan: StorePlan, stores: LiveStores, work: _Work) -> Applied:
    assert stores.index_door is not None
    changed = {entry.key for entry in plan.puts} | {target.key for target in plan.delete}

    def fill(door: Store, entries: Iterable[Entry]) -> dict[str, Outcome]:
        return work.run(StoreName.INDEX, door.put, entries, _entry_size)

    put = swap_index(stores.index_door, plan.puts, changed, fill)
    # What is not written to the new index is gone with the old one.
    return Applied(put=put, deleted={target.key: Outcome(target.key) for target in plan.delete})


def write_entries(store: Store, entries: Iterable[Entry], pool: Executor) -> Iterator[Outcome]:
    """Put entries into a store in batches; their outcomes, in order."""
    for outcomes in in_flight(pool, store.put, batches(entries, store.limits, _entry_size)):
        yield from outcomes


def _entry_size(entry: Entry) -> int:
    return len(entry.body) + len(entry.key)


def _target_size(target: Target) -> int:
    return len(target.key)

"""Apply: carry a plan out, in an order that never shows a reader a link to what is not there yet.

Puts: images, table, index. Deletes: index, table, images. One outcome for every entry; a refused one keeps no
other back.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

from tattoo_data.engine.flow import in_flight
from tattoo_data.engine.plan import Plan
from tattoo_data.engine.write import Applied, Tools, Writer, puts_of
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import Outcome, Store
from tattoo_data.stores.live import LiveStores

_PUT_ORDER = (StoreName.IMAGES, StoreName.TABLE, StoreName.INDEX)


def mend_structure(plan: Plan, stores: LiveStores, pool: Executor) -> None:
    """Create and mend what the plan says. Raises `StructureRefused` before anything is changed in any store."""
    names = [name for name, each in plan.stores.items() if each.structure]
    list(pool.map(lambda name: stores[name].ensure(), names))


def apply(plan: Plan, tools: Tools) -> dict[StoreName, Applied]:
    """Carry the plan out and make it visible to every reader."""
    writers = {name: Writer(tools, tools.stores[name]) for name in plan.stores}
    order = [name for name in _PUT_ORDER if name in plan.stores]
    for name in order:
        if plan.stores[name].swap:
            writers[name].swap(plan.stores[name])
        else:
            writers[name].write(plan.stores[name].puts())
    for name in reversed(order):
        if not plan.stores[name].swap:
            writers[name].write(plan.stores[name].deletes())
    for name in order:
        tools.stores[name].settle()
    return {name: writer.applied for name, writer in writers.items()}


def write_entries(store: Store, entries: Iterator[Entry], pool: Executor) -> Iterator[Outcome]:
    """Put entries into a store in batches; their outcomes, in order."""
    for outcomes in in_flight(pool, store.put, puts_of(store, entries)):
        yield from outcomes

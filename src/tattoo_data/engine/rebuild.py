"""Rebuild: the index from the table, after the local OpenSearch lost what it held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

from tattoo_data.engine.apply import write_entries
from tattoo_data.engine.scan import second_items
from tattoo_data.errors import StoreError
from tattoo_data.model.entry import Entry
from tattoo_data.model.project import documents_of
from tattoo_data.stores.base import pages
from tattoo_data.stores.index_door import IndexDoor
from tattoo_data.stores.live import LiveStores


def rebuild_index(stores: LiveStores, pool: Executor, index: IndexDoor) -> bool:
    """Create a missing index and fill it with the projections of the table. An index that is there, or a table that
    is not, is left alone. Returns whether it was rebuilt; raises `StoreError` naming the first document refused."""
    if stores.table.describe() is None or stores.index.describe() is not None:
        return False
    stores.index.ensure()

    def documents() -> Iterator[Entry]:
        for items in pages(stores.table, 0, 1):
            hidden = second_items(stores.table, [item.key for item in items])
            yield from documents_of(item for item in items if item.key not in hidden)

    outcomes = write_entries(stores.index, documents(), pool)
    stores.index.settle()
    refused = [outcome for outcome in outcomes if outcome.error]
    if refused:
        raise StoreError(
            service="opensearch",
            endpoint=index.index,
            operation="rebuild index",
            reason=f"{len(refused)} documents were refused, first {refused[0].key}: {refused[0].message}",
        )
    return True

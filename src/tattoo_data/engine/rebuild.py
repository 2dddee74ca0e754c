"""Rebuild: the index from the table, after the local OpenSearch lost what it held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

from tattoo_data.engine.apply import write_entries
from tattoo_data.engine.scan import second_items
from tattoo_data.model.entry import Entry
from tattoo_data.model.project import documents_of
from tattoo_data.stores.base import Outcome, TransientError, pages
from tattoo_data.stores.index_door import IndexDoor
from tattoo_data.stores.live import LiveStores


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """A rebuilt index: `refused` are the documents that it does not take, however often it is rebuilt."""

    refused: tuple[Outcome, ...] = ()

    def __str__(self) -> str:
        if not self.refused:
            return "The index was rebuilt from the table."
        count, first = len(self.refused), self.refused[0]
        documents = "1 document" if count == 1 else f"{count:,} documents"
        return (
            f"The index was rebuilt from the table but for {documents} it refused, first {first.key}: {first.message}"
        )


def rebuild_index(stores: LiveStores, pool: Executor, index: IndexDoor) -> Rebuilt | None:
    """Fill the index with the projections of the table; it is made where it is missing, and what a rebuild that was
    killed left in it is written over. Without a table of ours there is nothing to do, and None is returned. Raises
    `TransientError` where a document that may be taken later was not."""
    table = stores.table.describe()
    if table is None or table.refused:
        return None
    stores.index.ensure()

    def documents() -> Iterator[Entry]:
        for items in pages(stores.table, 0, 1):
            hidden = second_items(stores.table, [item.key for item in items])
            yield from documents_of(item for item in items if item.key not in hidden)

    refused = tuple(outcome for outcome in write_entries(stores.index, documents(), pool) if outcome.error)
    stores.index.settle()
    late = next((outcome for outcome in refused if outcome.transient), None)
    if late is not None:
        reason = f"{late.key} was not taken: {late.message}"
        raise TransientError(service="opensearch", endpoint=index.index, operation="rebuild index", reason=reason)
    return Rebuilt(refused=refused)

"""The three live stores of one target, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tattoo_data.model.entry import StoreName
from tattoo_data.stores.base import Store
from tattoo_data.stores.index_door import IndexDoor


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStores:
    """Each store as the engine writes to it. `index_door` is what can build an index beside and swap it in; without
    one, an index is always changed in place."""

    table: Store
    index: Store
    images: Store
    index_door: IndexDoor | None = None

    def __getitem__(self, name: StoreName) -> Store:
        store: Store = getattr(self, name.value)
        return store

    def __iter__(self) -> Iterator[Store]:
        return (self[name] for name in StoreName)

    def close(self) -> None:
        """Give all connections back."""
        for store in self:
            store.close()

"""The three live stores of one target, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

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

    def shaped(self, structures: Mapping[StoreName, Mapping[str, Any]]) -> LiveStores:
        """The same stores, to be made and mended like others whose structure these are."""
        if not structures:
            return self
        table, images = (self[name].shaped(structures.get(name, {})) for name in (StoreName.TABLE, StoreName.IMAGES))
        like = structures.get(StoreName.INDEX, {})
        if self.index_door is None:
            return replace(self, table=table, index=self.index.shaped(like), images=images)
        door = self.index_door.shaped(like)
        return replace(self, table=table, index=door, images=images, index_door=door)

    def close(self) -> None:
        """Give all connections back."""
        for store in self:
            store.close()

"""The index's wider door: what more than a store an index is, and the same with patience."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tattoo_data.clock import Clock
from tattoo_data.errors import StoreError, StoreUnreachable
from tattoo_data.stores.base import Store
from tattoo_data.stores.index import IndexStore
from tattoo_data.stores.retrying import Patience, RetryingStore


class IndexDoor(Store, Protocol):
    """An index that can be searched, built beside and swapped in (design 5)."""

    @property
    def index(self) -> str:
        """The index's name, or that of an alias."""

    def concrete(self) -> list[str]:
        """The indexes behind this name: itself, what the alias names, or none."""

    def is_built(self, concrete: str) -> bool:
        """Whether an index is one that `build` made, and may be removed once it is not used."""

    def block_writes(self, concrete: str) -> None:
        """Refuse writes to an index from now on. Idempotent."""

    def unblock_writes(self, concrete: str) -> None:
        """Take writes again. Idempotent."""

    def build(self, name: str | None = None) -> IndexDoor:
        """A new, empty index of ours beside this one, to be filled and then published; `name` is a `build_name`."""

    def publish(self, built: str, old: Sequence[str]) -> None:
        """Give this name to `built` in one step, and take it from `old`; a plain index of this name goes."""

    def remove(self, concrete: str) -> None:
        """Remove an index that is not used any more. Idempotent."""

    def orphans(self) -> list[str]:
        """Indexes that `build` made for this name and that no alias uses."""

    def shaped(self, structure: Mapping[str, Any]) -> IndexDoor:
        """As `Store.shaped`."""

    def at(self, concrete: str) -> IndexDoor:
        """The same door to one concrete index."""

    def search(self, body: dict[str, Any]) -> Any:
        """One search as the application sends it; the decoded answer. Raises `StoreMissing` without an index."""


class RetryingIndex(RetryingStore):
    """An index behind a patient wrapper. An `IndexDoor`."""

    def __init__(self, inner: IndexStore, clock: Clock, patience: Patience | None = None) -> None:
        super().__init__(inner, clock, patience)
        self._index = inner

    @property
    def index(self) -> str:
        return self._index.index

    def concrete(self) -> list[str]:
        return self._call(self._index.concrete)

    def is_built(self, concrete: str) -> bool:
        return self._call(lambda: self._index.is_built(concrete))

    def block_writes(self, concrete: str) -> None:
        self._call(lambda: self._index.block_writes(concrete))

    def unblock_writes(self, concrete: str) -> None:
        self._call(lambda: self._index.unblock_writes(concrete))

    def build(self, name: str | None = None) -> RetryingIndex:
        chosen = name or self._index.build_name()  # one name for all attempts, so that none is left over
        return self._with(self._call(lambda: self._index.build(chosen)))

    def publish(self, built: str, old: Sequence[str]) -> None:
        self._once(lambda: self._index.publish(built, old), lambda: self._index.concrete() == [built])

    def remove(self, concrete: str) -> None:
        self._call(lambda: self._index.remove(concrete))

    def orphans(self) -> list[str]:
        return self._call(self._index.orphans)

    def at(self, concrete: str) -> RetryingIndex:
        return self._with(self._index.at(concrete))

    def shaped(self, structure: Mapping[str, Any]) -> RetryingIndex:
        return self._with(self._index.shaped(structure))

    def search(self, body: dict[str, Any]) -> Any:
        return self._call(lambda: self._index.search(body))

    def _with(self, inner: IndexStore) -> RetryingIndex:
        return RetryingIndex(inner, self._clock, self._patience)

    def _once(self, request: Callable[[], None], is_done: Callable[[], bool]) -> None:
        """A request that is an error when it is made twice: the answer to the first may have been lost."""
        try:
            self._call(request)
        except (StoreError, StoreUnreachable):
            if not self._call(is_done):
                raise

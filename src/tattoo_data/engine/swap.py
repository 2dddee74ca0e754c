"""Swap: an index is built anew beside the old one and takes its name in one step (design 5).

The old one goes only after the new one is complete, and after one more look for what was written to it meanwhile:
a plain index takes no writes while it is copied, a built one is compared once more after it lost its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tattoo_data.errors import StoreError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import Outcome, Target, scan
from tattoo_data.stores.index import IndexStore

Fill = Callable[[IndexStore, Iterable[Entry]], dict[str, Outcome]]


def swap_index(door: IndexStore, puts: Iterable[Entry], changed: set[str], fill: Fill) -> dict[str, Outcome]:
    """Build the index of `puts` and of every old document whose key is not in `changed`, and give it the name.

    `fill` writes entries through a door and returns their outcomes. Returns those of `puts`. Where an old document
    cannot be taken over, the old index stays in place and `StoreError` is raised: nothing is lost.
    """
    old = door.concrete()
    plain = [name for name in old if not door.is_built(name)]
    for name in plain:
        door.block_writes(name)
    new = door.build()
    try:
        outcomes = fill(new, puts)
        copied: dict[str, bytes] = {}
        _require(door, fill(new, _copy(door, old, changed, copied)))
        new.settle()
        door.publish(new.index, old)
    except BaseException:
        door.remove(new.index)
        for name in plain:
            door.unblock_writes(name)
        raise
    for name in old:
        if name not in plain or name != door.index:
            _retire(door, name, new, changed, copied, fill)
    return outcomes


def _copy(door: IndexStore, old: list[str], changed: set[str], copied: dict[str, bytes]) -> Iterator[Entry]:
    for name in old:
        for entry in scan(door.at(name)):
            if entry.key not in changed:
                copied[entry.key] = digest(StoreName.INDEX, entry)
                yield entry


def _retire(
    door: IndexStore, name: str, new: IndexStore, changed: set[str], copied: dict[str, bytes], fill: Fill
) -> None:
    """Take over what reached the old index after it was copied, and remove it."""
    there: set[str] = set()

    def late() -> Iterator[Entry]:
        for entry in scan(door.at(name)):
            there.add(entry.key)
            if entry.key not in changed and copied.get(entry.key) != digest(StoreName.INDEX, entry):
                yield entry

    _require(door, fill(new, late()))
    if gone := [Target(key) for key in copied if key not in there]:
        new.delete(gone)
    door.remove(name)


def _require(door: IndexStore, outcomes: dict[str, Outcome]) -> None:
    refused = [outcome for outcome in outcomes.values() if outcome.error]
    if refused:
        first = refused[0]
        raise StoreError(
            service="opensearch",
            endpoint=door.index,
            operation="rebuild index",
            reason=f"{len(refused)} documents of the old index were not taken, first {first.key}: {first.message}",
        )

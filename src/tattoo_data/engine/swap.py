"""Swap: an index is built anew beside the old one and takes its name in one step (design 5).

The old one goes only after the new one is complete, and after one more look for what was written to it meanwhile:
a plain index takes no writes while it is copied, a built one is compared once more after it lost its name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from tattoo_data.engine.flow import slices
from tattoo_data.engine.plan import StorePlan
from tattoo_data.engine.scan import Held, read_held
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.errors import StoreError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import Outcome, Store, Target
from tattoo_data.stores.index import IndexStore

#: Writes entries through a door, and returns the outcomes of those that were refused.
Fill = Callable[[Store, Iterable[Entry]], dict[str, Outcome]]
_READ_KEYS = 1_000


def swap_index(door: IndexStore, plan: StorePlan, puts: Iterable[Entry], fill: Fill) -> dict[str, Outcome]:
    """Build the index of `puts`, which are those of `plan`, and of every old document that the plan does not change,
    and give it the name.

    Returns the outcomes of the puts that were refused; what was there under their keys stays. Where an old document
    cannot be taken over, the old index stays in place and `StoreError` is raised: nothing is lost.
    """
    old = door.concrete()
    plain = [name for name in old if not door.is_built(name)]
    for name in plain:
        door.block_writes(name)
    new = door.build()
    try:
        refused = fill(new, puts)
        copy = _Copy(door, new, plan, refused, fill)
        for name in old:
            copy.take_over(name)
        new.settle()
        door.publish(new.index, old)
    except BaseException:
        door.remove(new.index)
        for name in plain:
            door.unblock_writes(name)
        raise
    for name in old:
        if name not in plain or name != door.index:
            copy.take_late(name)
            door.remove(name)
    return refused


class _Copy:
    """Takes over the documents that a plan leaves alone, and knows what it took."""

    def __init__(
        self, door: IndexStore, new: IndexStore, plan: StorePlan, refused: Collection[str], fill: Fill
    ) -> None:
        self._door = door
        self._new = new
        self._plan = plan
        self._refused = refused
        self._fill = fill
        self._taken = Spool(Held, StoreName.INDEX)

    def take_over(self, name: str) -> None:
        """Copy what an old index holds now."""
        old = self._door.at(name)
        held = read_held(old)

        def kept() -> Iterator[Held]:
            for place in range(PLACES):
                changed = self._changed(place)
                yield from (each for each in held.part(place) if each.key not in changed)

        self._copy(old, kept())

    def take_late(self, name: str) -> None:
        """Take over what reached an old index after it was copied."""
        old = self._door.at(name)
        held = read_held(old)
        gone: list[Target] = []

        def late() -> Iterator[Held]:
            for place in range(PLACES):
                changed = self._changed(place)
                taken = {each.key: each for each in self._taken.part(place)}
                for each in held.part(place):
                    before = taken.pop(each.key, None)
                    if each.key not in changed and (before is None or before.digest != each.digest):
                        yield each
                gone.extend(Target(each.key, each.routing) for each in taken.values())

        self._copy(old, late())
        for targets in slices(gone, self._new.limits.entries):
            self._new.delete(targets)
        self._new.settle()

    def _changed(self, place: int) -> set[str]:
        return {step.key for step in self._plan.part(place).steps} - set(self._refused)

    def _copy(self, old: IndexStore, kept: Iterator[Held]) -> None:
        refused = self._fill(self._new, self._read(old, kept))
        for outcome in refused.values():
            raise StoreError(
                service="opensearch",
                endpoint=self._door.index,
                operation="rebuild index",
                reason=f"{len(refused)} documents of the old index were not taken, first {outcome.key}: "
                f"{outcome.message}",
            )

    def _read(self, old: IndexStore, kept: Iterator[Held]) -> Iterator[Entry]:
        """Documents by key: one that went meanwhile is not there to be taken."""
        for part in slices(kept, _READ_KEYS):
            routing = {each.key: each.routing for each in part if each.routing is not None}
            entries = old.get([each.key for each in part], routing)
            self._taken.add(Held(each.key, digest(StoreName.INDEX, each), each.routing) for each in entries)
            yield from entries

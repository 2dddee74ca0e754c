"""Swap: an index is built anew beside the old one and takes its name in one step (design 5).

The old one goes only after the new one is complete, and after one more look for what was written to it meanwhile:
a plain index takes no writes while it is copied, a built one is compared once more after it lost its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress

from tattoo_data.engine.flow import StillAtWork, slices
from tattoo_data.engine.journal import Chunk, Kept
from tattoo_data.engine.plan import Step, StorePlan
from tattoo_data.engine.scan import Held, read_held
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.errors import LockLost, StoreError, TattooDataError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import Outcome, Store, Target
from tattoo_data.stores.index_door import IndexDoor

#: Writes entries through a door, and returns the outcomes of those that were refused.
Fill = Callable[[Store, Iterable[Entry]], dict[str, Outcome]]
#: Keeps what somebody wrote under a key of the plan after its before-image was read.
KeepLate = Callable[[Sequence[Kept]], None]
_READ_KEYS = 1_000


class Swap:
    """One swap of the index behind a door, by a plan."""

    def __init__(
        self, door: IndexDoor, plan: StorePlan, fill: Fill, keep_late: KeepLate, may_go_on: Callable[[], None]
    ) -> None:
        self._door = door
        self._plan = plan
        self._fill = fill
        self._keep_late = keep_late
        self._may_go_on = may_go_on
        #: What the copy took over, and what lay under the plan's keys when it was kept.
        self._taken = Spool(Held, StoreName.INDEX)
        self._found = Spool(Held, StoreName.INDEX)
        self._refused: dict[str, Outcome] = {}

    def run(self, chunks: Iterable[Chunk]) -> dict[str, Outcome]:
        """Build the index of what `chunks` put, which are those of the plan, and of every old document that the plan
        does not change, and give it the name.

        Returns the outcomes of the puts that were refused; what was there under their keys stays. Where an old
        document cannot be taken over, the old index stays in place and `StoreError` is raised: nothing is lost. Raises
        `LockLost` where another command has taken over meanwhile: its index stays.
        """
        old = self._door.concrete()
        plain = [name for name in old if not self._door.is_built(name)]
        new = self._door.build()
        try:
            for name in plain:
                self._door.block_writes(name)
            self._refused = self._fill(new, self._puts(chunks))
            for name in old:
                self._take_over(new, name)
            new.settle()
            self._may_go_on()
            self._door.publish(new.index, old)
        except LockLost:
            raise  # whoever has it now mends what is left here, and may be at these very indexes
        except BaseException as error:
            self._give_up(new.index, plain, may_write=isinstance(error, StillAtWork))
            raise
        for name in old:
            if name not in plain or name != self._door.index:
                self._take_late(new, name)
                self._door.remove(name)
        return self._refused

    def _give_up(self, new: str, plain: Sequence[str], *, may_write: bool) -> None:
        """Remove the new index, unless it has the name by now: the answer of `publish` may not have come. Where that
        cannot be asked it stays, as an orphan for the next command; so it does where something `may_write` to it yet,
        which would make it anew."""
        with suppress(TattooDataError):  # what ended the swap is what counts
            if not may_write and new not in self._door.concrete():
                self._door.remove(new)
        for name in plain:
            with suppress(TattooDataError):
                self._door.unblock_writes(name)

    def _puts(self, chunks: Iterable[Chunk]) -> Iterator[Entry]:
        for chunk in chunks:
            found = (change.found for change in chunk.changes if change.found)
            self._found.add(Held(each.key, digest(StoreName.INDEX, each), each.routing) for each in found)
            yield from (change.step.put for change in chunk.changes if change.step.put)

    def _take_over(self, new: IndexDoor, name: str) -> None:
        """Copy what an old index holds now and the plan leaves alone."""
        old = self._door.at(name)
        held = read_held(old)

        def kept() -> Iterator[Held]:
            for place in range(PLACES):
                changed = self._changed(place)
                yield from (each for each in held.part(place) if each.key not in changed)

        self._copy(new, old, kept())

    def _take_late(self, new: IndexDoor, name: str) -> None:
        """Take over what reached an old index after it was copied; what reached it under a key of the plan is kept,
        and gone."""
        old = self._door.at(name)
        held = read_held(old)
        gone: list[Target] = []

        def late() -> Iterator[Held]:
            for place in range(PLACES):
                changed = self._changed(place)
                taken = {each.key: each for each in self._taken.part(place)}
                found = {each.key: each.digest for each in self._found.part(place)}
                self._note_overwritten(old, changed, found, held.part(place))
                for each in held.part(place):
                    before = taken.pop(each.key, None)
                    if each.key not in changed and (before is None or before.digest != each.digest):
                        yield each
                gone.extend(Target(each.key, each.routing) for each in taken.values())

        self._copy(new, old, late())
        for targets in slices(gone, new.limits.entries):
            new.delete(targets)
        new.settle()

    def _note_overwritten(
        self, old: IndexDoor, changed: dict[str, Step], found: dict[str, bytes], held: Sequence[Held]
    ) -> None:
        late = {each.key: each for each in held if each.key in changed and found.get(each.key) != each.digest}
        entries = old.get(list(late), _routing_of(late.values())) if late else []
        if entries:
            self._keep_late([Kept(changed[entry.key], entry) for entry in entries])

    def _changed(self, place: int) -> dict[str, Step]:
        steps = self._plan.part(place).steps
        return {step.key: step for step in steps if step.key not in self._refused}

    def _copy(self, new: IndexDoor, old: IndexDoor, kept: Iterator[Held]) -> None:
        refused = self._fill(new, self._read(old, kept))
        for outcome in refused.values():
            raise StoreError(
                service="opensearch",
                endpoint=self._door.index,
                operation="rebuild index",
                reason=f"{len(refused)} documents of the old index were not taken, first {outcome.key}: "
                f"{outcome.message}",
            )

    def _read(self, old: IndexDoor, kept: Iterator[Held]) -> Iterator[Entry]:
        """Documents by key: one that went meanwhile is not there to be taken."""
        for part in slices(kept, _READ_KEYS):
            entries = old.get([each.key for each in part], _routing_of(part))
            self._taken.add(Held(each.key, digest(StoreName.INDEX, each), each.routing) for each in entries)
            yield from entries


def _routing_of(held: Iterable[Held]) -> dict[str, str]:
    return {each.key: each.routing for each in held if each.routing is not None}

"""Write: the changes of one store, batch by batch on an executor, each with what its key held kept before.

What a key holds is read just before it is written, and a change of it is written only where that still stands. Where
somebody else came in between, a command that states absolute values reads again and keeps what it finds now, so
that nothing goes that is not kept; one whose desired state is made of what is there makes it again; one that takes
back leaves the key and names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from tattoo_data.engine.derive import Derive, remake
from tattoo_data.engine.flow import Progress, ahead, batches, beside, in_flight
from tattoo_data.engine.journal import Chunk, Journal, Kept, Reading, chunks
from tattoo_data.engine.plan import Step, StorePlan
from tattoo_data.engine.swap import Swap
from tattoo_data.errors import TattooDataError, Unreachable
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.stores.base import CHANGED, Exchange, Outcome, Store, Target
from tattoo_data.stores.live import LiveStores

#: After so many batches of which nothing was taken in spite of all patience, a store takes nothing at all.
_GIVEN_UP = 2
#: How often a change is tried whose key somebody else keeps writing.
_RACES = 8
_KEEPS_CHANGING = "KeepsChanging"


@dataclass(slots=True, kw_only=True)
class Applied:
    """What went wrong in one store, by key, and the keys that somebody else wrote after the scan. `remade` are those
    for which the desired entry was made again, with the digest of what was made last (None where nothing is to be), and
    `beside` those that were written although no plan has them."""

    failed: dict[str, Outcome] = field(default_factory=dict)
    drifted: dict[str, None] = field(default_factory=dict)
    remade: dict[str, bytes | None] = field(default_factory=dict)
    beside: dict[str, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What applying needs: the stores, workers, the journal and whom to tell. With `compare`, a key is written only
    where it still is what the scan found; with `force`, whatever it is by now; with `derive`, as that makes it of what
    it is by now."""

    stores: LiveStores
    pool: Executor
    journal: Journal
    progress: Progress
    compare: bool = False
    force: bool = False
    derive: Derive | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    """Entries, targets or exchanges, the method of the store that takes them, and the steps of those that may lose a
    race."""

    write: Callable[[Any], list[Outcome]]
    entries: Sequence[Any]
    steps: Mapping[str, Step] = field(default_factory=dict)
    done: Callable[[], None] = lambda: None


class Writer:
    """Writes steps to one store. Once the store cannot be reached or takes nothing any more, what is left fails at
    once instead of waiting through all retries again for every batch."""

    def __init__(self, tools: Tools, store: Store, *, was_empty: bool = False) -> None:
        self.applied = Applied()
        self._was_empty = was_empty
        self._tools = tools
        self._store = store
        self._lost: tuple[str, str] | None = None
        self._refused = 0
        self._done = 0

    @property
    def name(self) -> StoreName:
        """Which store it writes to."""
        return self._store.name

    def write(self, steps: Iterable[Step], reached: Callable[[Step], None] = lambda step: None) -> None:
        """Apply steps. What lost its race is read and tried again, unless it is to be left then. `reached` is called
        with a step once all before it have been sent and answered."""
        for race in range(_RACES):
            lost = self._write(steps, reached if not race else lambda step: None, again=race > 0)
            if not lost or self._leaves:
                break
            self.applied.drifted |= dict.fromkeys(step.key for step in lost)
            for step in lost:
                del self.applied.failed[step.key]
            steps = lost
        else:
            for step in lost:
                message = "somebody else keeps writing it; run the same command again once they have ended"
                self.applied.failed[step.key] = Outcome(step.key, _KEEPS_CHANGING, message)
            self._void(step.key for step in lost)

    def swap(self, plan: StorePlan) -> None:
        """Build the index anew with the plan's changes in it. The before-images of all are kept first; where they
        cannot be read, the error is raised and the index stays as it is."""
        door = self._tools.stores.index_door
        assert door is not None

        def fill(into: Store, entries: Iterable[Entry]) -> dict[str, Outcome]:
            writer = Writer(self._tools, into)
            writer._run(_Batch(into.put, batch) for batch in puts_of(into, entries))
            return writer.applied.failed

        def keep_late(changes: Sequence[Kept]) -> None:
            if self._reads:  # else nothing was read that could be late
                self._tools.journal.keep(StoreName.INDEX, changes, instead=True)
                self.applied.drifted |= dict.fromkeys(change.step.key for change in changes)

        swap = Swap(door, plan, fill, keep_late, may_go_on=lambda: self._tools.journal.keep(StoreName.INDEX, ()))
        with beside() as thread:
            self.applied.failed |= swap.run(self._readable(plan.steps(), thread))

    @property
    def _reads(self) -> bool:
        """Whether what is there is read before it is written."""
        return self._tools.compare or self._tools.journal.keeps_images

    @property
    def _leaves(self) -> bool:
        """Whether a key that somebody else wrote is left as it is."""
        return self._tools.compare and not self._tools.force and self._tools.derive is None

    def _write(self, steps: Iterable[Step], reached: Callable[[Step], None], *, again: bool) -> list[Step]:
        """Apply steps once; those that lost their race."""
        with beside() as thread:
            found = self._chunks(steps, thread, again=again)
            return self._run(batch for chunk in found for batch in self._marked(chunk, reached))

    def _marked(self, chunk: Chunk, reached: Callable[[Step], None]) -> Iterator[_Batch]:
        batches = list(self._batches(chunk))
        if batches:
            last = chunk.changes[-1].step
            batches[-1] = replace(batches[-1], done=lambda: reached(last))
        yield from batches

    def _chunks(self, steps: Iterable[Step], thread: Executor, *, again: bool) -> Iterator[Chunk]:
        """The changes whose before-images are kept, chunk by chunk, the next being read while one is written."""
        remade = partial(self._remade, again=again)
        how = Reading(compare=self._tools.compare, again=again, was_empty=self._was_empty, remade=remade)
        for chunk in ahead(chunks(self._store, steps, self._tools.journal, how), thread):
            if chunk.error:
                self._fail(chunk, chunk.error)
            else:
                self.applied.drifted |= dict.fromkeys(chunk.drifted)
                yield chunk

    def _readable(self, steps: Iterator[Step], thread: Executor) -> Iterator[Chunk]:
        how = Reading(compare=self._tools.compare)
        for chunk in ahead(chunks(self._store, steps, self._tools.journal, how), thread):
            if chunk.error:
                raise chunk.error
            self.applied.drifted |= dict.fromkeys(chunk.drifted)
            yield chunk

    def _remade(self, changes: Sequence[Kept], *, again: bool) -> Sequence[Kept]:
        """The changes, made again where somebody else wrote what they were made of."""
        if self._tools.derive is None:
            return changes
        made = remake(self._tools.derive, self.name, changes)
        self.applied.failed |= made.failed
        self.applied.drifted |= dict.fromkeys(key for key in made.steps if key not in made.asked)
        self.applied.remade |= {key: step.after if step else None for key, step in made.steps.items()}
        self.applied.beside |= dict.fromkeys(key for key in made.asked if made.steps.get(key) is not None)
        if again:
            left = [*made.failed, *(key for key, step in made.steps.items() if step is None)]
            self._void(key for key in left if key not in made.landed)
        return made.changes

    def _void(self, keys: Iterable[str]) -> None:
        """What was kept of keys that are not written after all stands no more: to undo there is nothing."""
        nothing = [Kept(Step(key, None, None, None), None) for key in keys]
        if nothing:
            self._tools.journal.keep(self.name, nothing, instead=True)

    def _batches(self, chunk: Chunk) -> Iterator[_Batch]:
        """What is sent for a chunk. An entry where nothing was is put as it is; what was read is written over only
        where it still stands."""
        store, limits = self._store, self._store.limits
        if not self._reads:
            entries = [change.step.put for change in chunk.changes if change.step.put]
            targets = [Target(change.step.key, change.step.routing) for change in chunk.changes if not change.step.put]
            yield from (_Batch(store.put, batch) for batch in batches(entries, limits, _entry_size))
            yield from (_Batch(store.delete, batch) for batch in batches(targets, limits, _target_size))
            return
        changes = self._leave_drifted(chunk) if self._leaves else chunk.changes
        new = [each.step.put for each in changes if each.found is None and each.step.put and not self._tools.compare]
        races = [each for each in changes if each.found or (each.step.put and self._tools.compare)]
        yield from (_Batch(store.put, batch) for batch in batches(new, limits, _entry_size))
        for batch in batches(races, limits, _race_size):
            exchanges = [Exchange(each.found, each.step.put) for each in batch]
            yield _Batch(store.exchange, exchanges, {each.step.key: each.step for each in batch})

    def _leave_drifted(self, chunk: Chunk) -> list[Kept]:
        drifted = set(chunk.drifted)
        for key in drifted:
            self.applied.failed[key] = Outcome(key, CHANGED, "it was changed meanwhile, and is left as it is")
        return [change for change in chunk.changes if change.step.key not in drifted]

    def _run(self, units: Iterable[_Batch]) -> list[Step]:
        """Send batches, and keep what failed; the steps that lost their race."""
        lost: list[Step] = []
        for batch, outcomes in in_flight(self._tools.pool, self._sent, units):
            self.applied.failed.update((outcome.key, outcome) for outcome in outcomes if outcome.error)
            lost += (batch.steps[outcome.key] for outcome in outcomes if outcome.error == CHANGED)
            self._done += len(outcomes)
            self._tools.progress(f"{self._store.name}", self._done, None)
            batch.done()
        return lost

    def _sent(self, batch: _Batch) -> tuple[_Batch, list[Outcome]]:
        return batch, self._send(batch)

    def _send(self, batch: _Batch) -> list[Outcome]:
        if self._lost:
            error, message = self._lost
            return [Outcome(each.key, error, message) for each in batch.entries]
        try:
            outcomes = batch.write(batch.entries)
        except TattooDataError as error:
            if isinstance(error, Unreachable):
                self._lost = error.id, error.message
            return [Outcome(each.key, error.id, error.message) for each in batch.entries]
        if all(outcome.transient for outcome in outcomes):
            self._refused += 1
            if self._refused >= _GIVEN_UP:
                self._lost = str(outcomes[0].error), outcomes[0].message
        else:
            self._refused = 0
        return outcomes

    def _fail(self, chunk: Chunk, error: TattooDataError) -> None:
        for change in chunk.changes:
            key = change.step.key
            self.applied.failed[key] = Outcome(key, error.id, error.message)


def puts_of(store: Store, entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Entries in batches that the store's `put` takes."""
    return batches(entries, store.limits, _entry_size)


def _entry_size(entry: Entry) -> int:
    return len(entry.body) + len(entry.key)


def _target_size(target: Target) -> int:
    return len(target.key)


def _race_size(change: Kept) -> int:
    return sum(_entry_size(each) for each in (change.found, change.step.put) if each)

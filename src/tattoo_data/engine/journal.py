"""Journal: what the engine asks of whoever keeps a command's run, and the chunks in which it works.

A chunk's before-images are kept before anything of it is written, so that a command killed at any moment can be taken
back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tattoo_data.engine.flow import slices
from tattoo_data.engine.plan import Plan, Step
from tattoo_data.errors import TattooDataError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import Store

#: How large a chunk grows: changes, and bytes of what is there and what is to be.
CHUNK_STEPS, CHUNK_BYTES = 1_000, 8 << 20
_READ_KEYS = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """One change with what its key held just before: `found` None is nothing."""

    step: Step
    found: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Changes that are applied together. `drifted` are the keys that somebody else wrote after the scan; `error` is
    why the chunk cannot be applied at all."""

    changes: Sequence[Kept]
    drifted: Sequence[str] = ()
    error: TattooDataError | None = None


class Journal(Protocol):
    """Keeps what a writing command does. It is begun before the first write, and closed by the command after the
    last."""

    @property
    def keeps_images(self) -> bool:
        """Whether before-images are wanted."""

    def begin(self, plan: Plan, fingerprint_before: str | None) -> str:
        """Keep that a command begins to write, and return the run's id. None is a fingerprint that is not known."""

    def keep(self, store: StoreName, changes: Sequence[Kept], *, instead: bool = False) -> None:
        """Called before a chunk is applied: keep its before-images, `instead` of those kept of the same keys before,
        which were not written over. Raises where the command may not write on."""


def _as_they_are(changes: Sequence[Kept]) -> Sequence[Kept]:
    return changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the steps of a store are read before they are written.

    `compare` wants what is there, whatever the journal keeps. `again` says that nothing was written of the same steps
    before, because somebody else wrote in between. A store that `was_empty` a moment ago is not asked for each key
    whether it still is. `remade` gives the changes as they are to be by what is there now.
    """

    compare: bool = False
    again: bool = False
    was_empty: bool = False
    remade: Callable[[Sequence[Kept]], Sequence[Kept]] = _as_they_are


def chunks(store: Store, steps: Iterable[Step], journal: Journal, how: Reading) -> Iterator[Chunk]:
    """The steps in chunks whose before-images the journal keeps. What is there is read just before, unless nobody
    wants it.

    Where the store cannot be read any more, what is left comes unread with the error."""
    if not (journal.keeps_images or how.compare):
        for part in slices(steps, CHUNK_STEPS):
            journal.keep(store.name, ())
            yield Chunk(changes=[Kept(step, None) for step in part])
        return
    asks = how.compare or how.again or not how.was_empty
    gathered: list[Kept] = []
    remaining = slices(steps, _READ_KEYS)
    for part in remaining:
        try:
            gathered += how.remade(_read(store, part) if asks else [Kept(step, None) for step in part])
        except TattooDataError as error:
            if gathered:
                yield _kept(store, gathered, journal, how.again)
            yield from _unread(part, remaining, error)
            return
        if len(gathered) >= CHUNK_STEPS or sum(map(_weight, gathered)) >= CHUNK_BYTES:
            yield _kept(store, gathered, journal, how.again)
            gathered = []
    if gathered:
        yield _kept(store, gathered, journal, how.again)


def _read(store: Store, steps: Sequence[Step]) -> list[Kept]:
    routing = {step.key: step.routing for step in steps if step.routing is not None}
    found = {entry.key: entry for entry in store.get([step.key for step in steps], routing)}
    return [Kept(step, found.get(step.key)) for step in steps]


def _unread(part: Sequence[Step], remaining: Iterable[Sequence[Step]], error: TattooDataError) -> Iterator[Chunk]:
    yield Chunk(changes=[Kept(step, None) for step in part], error=error)
    for rest in remaining:
        yield Chunk(changes=[Kept(step, None) for step in rest], error=error)


def _kept(store: Store, changes: list[Kept], journal: Journal, again: bool) -> Chunk:
    journal.keep(store.name, changes, instead=again)
    return Chunk(changes=changes, drifted=[each.step.key for each in changes if _drifted(store.name, each)])


def _drifted(name: StoreName, change: Kept) -> bool:
    now = digest(name, change.found) if change.found else None
    return now != change.step.before


def _weight(change: Kept) -> int:
    put = change.step.put
    return (len(change.found.body) if change.found else 0) + (len(put.body) if put else 0)

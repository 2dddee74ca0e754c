"""Plan: the changes that would make live stores equal a desired state. Pure: it reads and writes no store.

A plan is not a list: it compares one place of the spools after the other each time it is read, so that a million
changes take no more memory than a thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tattoo_data.engine.flow import Progress, no_progress
from tattoo_data.engine.scan import OTHER, Held, Live, kind_of_item
from tattoo_data.engine.spool import PLACES, Spool
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.model.fingerprint import digest, digest_canonical
from tattoo_data.model.project import moved_key
from tattoo_data.stores.base import Outcome

if TYPE_CHECKING:
    from tattoo_data.engine.derive import Derive

#: Over this many documents an index that changes by more than half is built anew and swapped in.
SWAP_DOCUMENTS = 10_000
_GATHERED = 1_000

Entries = Callable[[], Iterable[tuple[StoreName, Entry]]]
Blobs = Callable[[str], Blob]


class Wanted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry of a desired state, with its digest."""

    key: str
    digest: bytes
    body: bytes
    routing: str | None = None

    @property
    def size(self) -> int:
        """The bytes of its body."""
        return len(self.body)


#: Gives what is wanted of some stores as spools of its own, once it is known what is there.
Wanting = Callable[[Mapping[StoreName, Live], Collection[StoreName]], Mapping[StoreName, Spool[Wanted]]]
Scope = Callable[[StoreName, str], bool]
#: Gives what a derived state wants besides, once a scan has shown it everything.
Finish = Callable[[Mapping[StoreName, Live]], Iterable[tuple[StoreName, "Entry | Outcome"]]]


def _no_entries() -> Iterable[tuple[StoreName, Entry]]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What stores are to hold. A store that is not among `stores` is not looked at and not touched.

    `entries` gives all of it, in any order, each key of a store once; by itself, what is wanted is empty. A source that
    knows the digests of what it holds gives `wanted` instead, whose entries need no body where live holds the very
    digest; one that is made out of what is there gives `derive`, and `finish` where some of it is known only when all
    is read. `prune` says that whatever is not in it goes, and
    `scope` narrows that to some keys. `routed` says that it knows the routing of its documents, so that one of the same
    content under another is replaced; what is made of items knows none. `move` says that a record found under the Node
    tools' sort key is put under ours, and goes there. `canonical` says that bodies are canonical bytes already, and
    `blobs` gives the body of an image by its key. `structures` are those of the stores that the state comes from
    (`Description.structure`): stores are made and mended like them. `unmade` are keys of which nobody can say what they
    are to hold, and why: they are left.
    """

    stores: Collection[StoreName]
    entries: Entries = _no_entries
    wanted: Wanting | None = None
    derive: Derive | None = None
    finish: Finish | None = None
    prune: bool = False
    scope: Scope | None = None
    routed: bool = False
    move: bool = False
    canonical: bool = False
    blobs: Blobs | None = None
    structures: Mapping[StoreName, Mapping[str, Any]] = field(default_factory=dict)
    unmade: Mapping[StoreName, Mapping[str, Outcome]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one key: from the digest `before` to the entry `put`, whose digest is `after`; None is nothing.

    `routing` is that of the document that is there. `moved_to` is the key that a deleted record is put under.
    """

    key: str
    before: bytes | None
    after: bytes | None
    put: Entry | None
    routing: str | None = None
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The changes of one place, how many entries are right already, and the keys that are left as they are because
    somebody else changed them."""

    steps: list[Step]
    unchanged: int = 0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What becomes of the entries of one store."""

    created: int = 0
    replaced: int = 0
    deleted: int = 0
    moved: int = 0
    unchanged: int = 0
    failed: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


@dataclass(slots=True, kw_only=True)
class StorePlan:
    """The changes of one store: `part` gives those of one place. `structure` says in words what is made or mended
    first, `rebuild` that the index must be built anew, `swap` that it will be, `was_empty` that the scan found nothing.
    `size` is the number of steps."""

    store: StoreName
    part: Callable[[int], Part]
    counts: Counts = field(default_factory=Counts)
    removed: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)
    unmade: Mapping[str, Outcome] = field(default_factory=dict)
    size: int = 0
    structure: tuple[str, ...] = ()
    rebuild: bool = False
    swap: bool = False
    was_empty: bool = False

    def parts(self) -> Iterator[Part]:
        """The changes, one place after the other."""
        return map(self.part, range(PLACES))

    def steps(self) -> Iterator[Step]:
        """Every change."""
        return (step for part in self.parts() for step in part.steps)

    def puts(self, place: int) -> list[Step]:
        """The changes of one place that write an entry."""
        return [step for step in self.part(place).steps if step.put is not None]

    def deletes(self, place: int) -> list[Step]:
        """The changes of one place that take an entry away."""
        return [step for step in self.part(place).steps if step.put is None]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.size and not self.structure and not self.rebuild


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes of every store that is touched."""

    stores: Mapping[StoreName, StorePlan]

    @property
    def is_empty(self) -> bool:
        """Whether live equals desired already."""
        return all(plan.is_empty for plan in self.stores.values())


def make_plan(
    desired: Desired, live: Mapping[StoreName, Live], *, swap: bool = True, progress: Progress = no_progress
) -> Plan:
    """Compare by content, and say what has to change. `swap` allows that an index is built anew."""
    wanted = desired.wanted(live, desired.stores) if desired.wanted else gather(desired, progress)
    plans = {name: _plan_store(wanted[name], live[name], desired) for name in desired.stores}
    if index := plans.get(StoreName.INDEX):
        index.swap = swap and _is_swapped(index, live[StoreName.INDEX])
    return Plan(stores=plans)


def count(part: Part, failed: Collection[str] = ()) -> Counts:
    """Counts of one place of which the changes of `failed` keys were not made. A record that moved is counted once,
    as moved."""
    arrived = {step.moved_to for step in part.steps if step.moved_to and step.key not in failed} - set(failed)
    created = replaced = deleted = moved = 0
    for step in part.steps:
        if step.key in failed or step.key in arrived:
            continue
        if step.put is None:
            moved += step.moved_to in arrived
            deleted += step.moved_to not in arrived
        elif step.before is None:
            created += 1
        else:
            replaced += 1
    lost = sum(step.key in failed for step in part.steps) + len(part.left)
    return Counts(
        created=created, replaced=replaced, deleted=deleted, moved=moved, unchanged=part.unchanged, failed=lost
    )


def removed(store: StoreName, part: Part, failed: Collection[str] = ()) -> Counter[str]:
    """How many of which kind go from one place of which the changes of `failed` keys were not made; those that only
    move are left out."""
    gone = [step.key for step in part.steps if step.put is None and step.moved_to is None and step.key not in failed]
    if store is StoreName.TABLE:
        return Counter(map(kind_of_item, gone))
    return Counter({"documents" if store is StoreName.INDEX else "images": len(gone)})


def in_order(removed: Iterable[Counter[str]]) -> dict[str, int]:
    """How many of which kind go, over all stores; `other` are items that are no records."""
    total = sum(removed, Counter[str]())
    order = ("artists", "studios", "styles", OTHER, "documents", "images")
    return {kind: total[kind] for kind in order if total[kind]}


def plan_of(live: Live, part: Callable[[int], Part]) -> StorePlan:
    """A store's plan with all that is counted in it, from the changes of each place."""
    plan = StorePlan(
        store=live.store,
        part=part,
        structure=_structure(live),
        rebuild=_is_rebuilt(live),
        was_empty=not live.total.count,
    )
    for each in plan.parts():
        plan.size += len(each.steps)
        plan.left += each.left
        plan.counts += count(each)
        plan.removed += removed(live.store, each)
    return plan


def gather(
    desired: Desired, progress: Progress = no_progress, goes_on: Callable[[], bool] = lambda: True
) -> dict[StoreName, Spool[Wanted]]:
    """All entries of a desired state with their digests, spooled, as long as it `goes_on`."""
    wanted = {name: Spool(Wanted, name) for name in desired.stores}
    gathered: dict[StoreName, list[Wanted]] = {name: [] for name in desired.stores}
    for name, entry in desired.entries():
        body_digest = digest_canonical(entry.key, entry.body) if desired.canonical else digest(name, entry)
        gathered[name].append(Wanted(entry.key, body_digest, entry.body, entry.routing))
        if len(gathered[name]) == _GATHERED:
            wanted[name].add(gathered[name])
            gathered[name] = []
            if not goes_on():
                return wanted
            progress("prepared", sum(each.count for each in wanted.values()), None)
    for name, rest in gathered.items():
        wanted[name].add(rest)
    return wanted


def _plan_store(wanted: Spool[Wanted], live: Live, desired: Desired) -> StorePlan:
    plan = plan_of(live, partial(_compare, wanted, live, desired))
    plan.unmade = desired.unmade.get(live.store, {})
    plan.counts += Counts(failed=len(plan.unmade))
    return plan


def _compare(wanted: Spool[Wanted], live: Live, desired: Desired, place: int) -> Part:
    """The changes of one place."""
    there = {held.key: held for held in live.held.part(place)}
    here = {each.key: each for each in wanted.part(place)}
    steps: list[Step] = []
    unchanged = 0
    for key, each in here.items():
        held = there.pop(key, None)
        if held is not None and _is_same(each, held, routed=desired.routed):
            unchanged += 1
        else:
            steps.append(_put(each, held, desired.blobs if live.store is StoreName.IMAGES else None))
    moves = desired.move and live.store is StoreName.TABLE
    for key, held in there.items():
        moved = moved_key(key) if moves else None
        moved_to = moved if moved in here else None
        goes = desired.prune and (desired.scope is None or desired.scope(live.store, key))
        if goes or moved_to:
            steps.append(Step(key, held.digest, None, None, held.routing, moved_to))
    return Part(steps, unchanged)


def _is_same(each: Wanted, held: Held, *, routed: bool) -> bool:
    return held.digest == each.digest and (not routed or held.routing == each.routing)


def _put(each: Wanted, held: Held | None, blobs: Blobs | None) -> Step:
    load = partial(blobs, each.key) if blobs else None
    entry = Entry(each.key, each.body, each.routing, load)
    return Step(each.key, held.digest if held else None, each.digest, entry, held.routing if held else None)


def _structure(live: Live) -> tuple[str, ...]:
    if live.description is None:
        return (f"create the {live.store}",)
    return tuple(f"add {what}" for what in live.description.missing)


def _is_rebuilt(live: Live) -> bool:
    return bool(live.description and live.description.rebuild)


def _is_swapped(plan: StorePlan, live: Live) -> bool:
    if plan.rebuild:
        return True
    there = live.total.count
    largest = max(there, plan.counts.unchanged + plan.counts.created + plan.counts.replaced)
    # An index that holds nothing has no reader to keep from seeing it half done.
    return bool(there) and largest > SWAP_DOCUMENTS and plan.size * 2 > largest

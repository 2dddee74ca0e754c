"""Plan: the changes that would make live stores equal a desired state. Pure: it reads and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tattoo_data.engine.scan import OTHER, Live, kind_of_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.model.project import moved_key
from tattoo_data.stores.base import Target

#: Over this many documents an index that changes by more than half is built anew and swapped in.
SWAP_DOCUMENTS = 10_000

Source = Callable[[], Iterator[Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What stores are to hold. A store without a source is not looked at and not touched.

    `prune` says that whatever is not in it goes. `move` says that a record found under the Node tools' sort key is
    put under ours, and goes there.
    """

    sources: Mapping[StoreName, Source]
    prune: bool = False
    move: bool = False


@dataclass(slots=True, kw_only=True)
class StorePlan:
    """The changes of one store. `moved` are keys of `delete` whose record is put under another key in `create` or
    `replace`; `structure` says in words what is made or mended first."""

    store: StoreName
    create: list[Entry] = field(default_factory=list)
    replace: list[Entry] = field(default_factory=list)
    delete: list[Target] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    structure: tuple[str, ...] = ()
    rebuild: bool = False
    swap: bool = False

    @property
    def puts(self) -> Iterator[Entry]:
        """Everything that is written."""
        yield from self.create
        yield from self.replace

    @property
    def size(self) -> int:
        """How many entries change."""
        return len(self.create) + len(self.replace) + len(self.delete)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.size and not self.structure and not self.rebuild

    def removed(self) -> Counter[str]:
        """How many of which kind go, those that only move left out."""
        gone = (target.key for target in self.delete if target.key not in self.moved)
        if self.store is StoreName.TABLE:
            return Counter(map(kind_of_item, gone))
        return Counter({"documents" if self.store is StoreName.INDEX else "images": sum(1 for _ in gone)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The changes of every store that is touched."""

    stores: Mapping[StoreName, StorePlan]

    @property
    def is_empty(self) -> bool:
        """Whether live equals desired already."""
        return all(plan.is_empty for plan in self.stores.values())

    def removed(self) -> dict[str, int]:
        """How many of which kind go, over all stores; `other` are items that are no records."""
        total: Counter[str] = Counter()
        for plan in self.stores.values():
            total += plan.removed()
        order = ("artists", "studios", "styles", OTHER, "documents", "images")
        return {kind: total[kind] for kind in order if total[kind]}


def make_plan(desired: Desired, live: Mapping[StoreName, Live], *, swap: bool = True) -> Plan:
    """Compare by content, and say what has to change. `swap` allows that an index is built anew."""
    plans = {name: _plan_store(source, live[name], desired) for name, source in desired.sources.items()}
    if index := plans.get(StoreName.INDEX):
        index.swap = swap and _is_swapped(index, live[StoreName.INDEX])
    return Plan(stores=plans)


def _plan_store(source: Source, live: Live, desired: Desired) -> StorePlan:
    plan = StorePlan(store=live.store, structure=_structure(live), rebuild=_is_rebuilt(live))
    wanted: set[str] = set()
    for entry in source():
        wanted.add(entry.key)
        _compare(plan, entry, live)
    gone: dict[str, str] = _moved(live, wanted) if desired.move and live.store is StoreName.TABLE else {}
    plan.moved = gone
    doomed = [key for key in live.digests if key not in wanted] if desired.prune else list(gone)
    plan.delete = [Target(key, live.routing.get(key)) for key in doomed]
    return plan


def _compare(plan: StorePlan, entry: Entry, live: Live) -> None:
    there = live.digests.get(entry.key)
    if there is None:
        plan.create.append(entry)
    elif there != digest(live.store, entry):
        plan.replace.append(entry)
    else:
        plan.unchanged += 1


def _moved(live: Live, wanted: set[str]) -> dict[str, str]:
    """Old key -> new key of the wanted records that are there in the Node tools' form."""
    moves = ((key, moved_key(key)) for key in live.digests if key not in wanted)
    return {old: new for old, new in moves if new in wanted}


def _structure(live: Live) -> tuple[str, ...]:
    if live.description is None:
        return (f"create the {live.store}",)
    return tuple(f"add {what}" for what in live.description.missing)


def _is_rebuilt(live: Live) -> bool:
    return bool(live.description and live.description.rebuild)


def _is_swapped(plan: StorePlan, live: Live) -> bool:
    if plan.rebuild:
        return True
    count = live.total.count
    largest = max(count, plan.unchanged + len(plan.create) + len(plan.replace))
    # An index that holds nothing has no reader to keep from seeing it half done.
    return bool(count) and largest > SWAP_DOCUMENTS and plan.size * 2 > largest

"""Derived: stores that somebody else writes meanwhile, an index that can be swapped, and what derives from them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Any

from tattoo_data.engine.derive import Made
from tattoo_data.engine.make_equal import Change, How, make_equal, take_back
from tattoo_data.engine.plan import Desired, Scope
from tattoo_data.engine.scan import read_all
from tattoo_data.model.canonical import canonical_item
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import state_fingerprint
from tattoo_data.model.keys import record_key, record_of
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.stores.base import NOT_ROUTED, Description, Exchange, Limits, Outcome, Routing, Target
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tests.engine.test_back import Keeper, no_blob
from tests.engine.test_plan import held, memory

TABLE, INDEX, IMAGES = StoreName.TABLE, StoreName.INDEX, StoreName.IMAGES
Content = Mapping[int, str]
Act = Callable[[], object]
Edit = Entry | Target
#: An item of this name cannot be made; one of the other is to go.
BROKEN, GOES = "broken", "goes"


@dataclass
class Indexes:
    """The indexes of a cluster by name, and which of them are behind the alias. `before` and `after` are done when the
    name is given to another index."""

    held: dict[str, dict[str, Entry]] = field(default_factory=dict)
    behind: list[str] = field(default_factory=list)
    differs: tuple[str, ...] = ()
    built: int = 0
    before: list[Act] = field(default_factory=list)
    after: list[Act] = field(default_factory=list)


class Door(MemoryStore):
    """An index in memory that can be built beside and swapped in. An `IndexDoor`."""

    def __init__(self, indexes: Indexes, index: str = "index") -> None:
        self.name = INDEX
        self.index = index
        self.indexes = indexes

    @property
    def _entries(self) -> dict[str, Entry] | None:
        names = self.indexes.behind if self.index == "index" else [self.index]
        return self.indexes.held.get(names[0]) if names else None

    @_entries.setter
    def _entries(self, entries: dict[str, Entry] | None) -> None:
        self.indexes.held[self.index] = entries or {}
        self.indexes.behind = [self.index]

    def describe(self) -> Description | None:
        found = super().describe()
        plain = self.indexes.behind == ["index"]
        return replace(found, rebuild=self.indexes.differs) if found and plain else found

    def concrete(self) -> list[str]:
        return list(self.indexes.behind)

    def is_built(self, concrete: str) -> bool:
        return concrete != "index"

    def block_writes(self, concrete: str) -> None:
        """Nobody writes here but who is told to."""

    def unblock_writes(self, concrete: str) -> None:
        """Likewise."""

    def build(self, name: str | None = None) -> Door:
        self.indexes.built += 1
        self.indexes.held[built := name or f"index-{self.indexes.built}"] = {}
        return self.at(built)

    def publish(self, built: str, old: Sequence[str]) -> None:
        act(self.indexes.before)
        self.indexes.behind = [built]
        if "index" in old:
            del self.indexes.held["index"]
        act(self.indexes.after)

    def remove(self, concrete: str) -> None:
        self.indexes.held.pop(concrete, None)

    def orphans(self) -> list[str]:
        return []

    def shaped(self, structure: Mapping[str, Any]) -> Door:
        return self

    def at(self, concrete: str) -> Door:
        return Door(self.indexes, concrete)

    def search(self, body: dict[str, Any]) -> Any:
        raise AssertionError("nobody searches")


def act(acts: list[Act]) -> None:
    while acts:
        acts.pop(0)()


class Live(MemoryStore):
    """A store that somebody else writes: `at_get` before we read the first keys, `at_write` before we write the first,
    `after_write` after that. `often` is done before each write, and `refused` names keys that are never taken."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.at_get: list[Act] = []
        self.at_write: list[Act] = []
        self.after_write: list[Act] = []
        self.often: Act = lambda: None
        self.refused: set[str] = set()

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        act(self.at_get)
        return super().get(keys, routing)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        act(self.at_write)
        self.often()
        outcomes = [self._taken(each) for each in exchanges]
        act(self.after_write)
        return outcomes

    def _taken(self, exchange: Exchange) -> Outcome:
        if exchange.key in self.refused:
            return Outcome(exchange.key, "ValidationException", "no")
        return super().exchange([exchange])[0]


class Interleaved(Live):
    """A table that somebody else writes between our reads and writes, an edit before each; from `settle` on no more.
    `last` is what they wrote last of each key, and `ours` are the keys that we wrote after that."""

    limits = Limits(entries=2, size=1_000_000, segments=1)

    def __init__(self, edits: Sequence[Edit]) -> None:
        super().__init__(TABLE)
        self.edits = list(edits)
        self.last: dict[str, Entry | None] = {}
        self.ours: set[str] = set()
        self.written: set[str] = set()
        self._lock = threading.RLock()

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        with self._lock:
            self._edit()
            return super().get(keys, routing)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        with self._lock:
            self._edit()
            outcomes = super().exchange(exchanges)
            done = {outcome.key for outcome in outcomes if not outcome.error}
            self.ours |= done
            self.written |= done
            return outcomes

    def settle(self) -> None:
        self.edits.clear()

    def _edit(self) -> None:
        if not self.edits:
            return
        edit = self.edits.pop(0)
        self.ours.discard(edit.key)
        if isinstance(edit, Entry):
            self.last[edit.key] = edit
            super().put([edit])
        else:
            self.last[edit.key] = None
            super().delete([edit])


@dataclass
class Up:
    """Makes every artist's name upper case, and documents of that; without `every_document`, of no item that is right
    already."""

    table: MemoryStore
    every_document: bool = True

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        for item in entries if store is TABLE else ():
            made = up(item)
            if made is None:
                continue
            yield TABLE, made
            if isinstance(made, Outcome):
                yield INDEX, Outcome(key_of(item), made.error, made.message)
            elif self.every_document or made is not item:
                yield INDEX, document(made)

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        if store is TABLE:
            return {key: up(item) for key, item in found.items() if item is not None}
        keys = [record_key(Kind.ARTIST, key) for key in found]
        made: dict[str, Made] = dict.fromkeys(found)
        return made | {key_of(each): document(each) for each in MemoryStore.get(self.table, keys)}


def up(item: Entry) -> Made:
    body = json.loads(item.body)
    name = body["artistName"]["S"]
    if name.startswith(GOES):
        return None
    if name.startswith(BROKEN):
        return Outcome(item.key, "CannotBeMade", "it is broken")
    if name == name.upper():
        return item
    return Entry(item.key, canonical_item(json.dumps(body | {"artistName": {"S": name.upper()}}).encode()))


def key_of(item: Entry) -> str:
    record = record_of(item.key)
    assert record is not None
    return record.id


def document(item: Entry) -> Entry:
    made = document_of(item)
    assert made is not None
    return made


def item(number: int, text: str = "") -> Entry:
    return make_entry(TABLE, number, text)


def upper(number: int, text: str) -> Entry:
    made = up(item(number, text))
    assert isinstance(made, Entry)
    return made


def target(number: int) -> Target:
    return Target(item(number).key)


@dataclass
class Stage:
    """Stores that hold some artists with their documents, what derives, and the journal of the command."""

    stores: LiveStores
    table: Live
    index: MemoryStore
    derive: Up
    keeper: Keeper = field(default_factory=Keeper)
    indexes: Indexes = field(default_factory=Indexes)

    def run(self, pool: Executor, scope: Scope | None = None, **how: Any) -> Change:
        desired = Desired(stores=(TABLE, INDEX), derive=self.derive, prune=scope is not None, scope=scope)
        return make_equal(self.stores, desired, self.keeper, pool, How(**how))

    def back(self, pool: Executor) -> Change:
        return take_back(self.stores, self.keeper.images, no_blob, Keeper(), pool, How())

    def edit(self, number: int, text: str | None) -> None:
        """Somebody else's edit of an item; None deletes it."""
        MemoryStore.delete(self.table, [target(number)]) if text is None else self.table.put([item(number, text)])

    def state(self) -> Mapping[StoreName, Mapping[str, Any]]:
        """What table and index hold, as plain values."""
        return {
            name: {key: json.loads(body) for key, body in entries.items()}
            for name, entries in held(self.stores).items()
        }

    def fingerprint(self, pool: Executor) -> str:
        live = read_all(self.stores, pool, keep=False)
        return state_fingerprint({name: live[name].total.hex() for name in StoreName})

    def names(self) -> dict[int, str]:
        """The name in each item, by number."""
        return {
            number_of(key): body["artistName"]["S"].removesuffix(" é").removesuffix(" É")
            for key, body in self.state()[TABLE].items()
        }

    def agrees(self) -> bool:
        """Whether each document is what its item gives, and no item is without."""
        there = held(self.stores)
        wanted = {each.key: json.loads(each.body) for each in (document(Entry(*pair)) for pair in there[TABLE].items())}
        return wanted == self.state()[INDEX]


def number_of(key: str) -> int:
    """The number of an item's key."""
    return int(key_of(Entry(key, b"")).removeprefix("artist-"))


def stage(content: Content, *, index: MemoryStore | None = None, table: Live | None = None) -> Stage:
    table = table or Live(TABLE)
    index = index or Live(INDEX)
    door = index if isinstance(index, Door) else None
    stores = replace(memory(table=table, index=index), index_door=door)
    for store in stores:
        store.ensure()
    made = [item(number, text) for number, text in content.items()]
    table.put(made)
    index.put([document(each) for each in made])
    return Stage(stores, table, index, Up(table), indexes=door.indexes if door else Indexes())


def swapped(content: Content) -> Stage:
    """A stage whose index will be built anew."""
    place = stage(content, index=Door(Indexes()))
    place.indexes.differs = ("artistId: type is text, not keyword",)
    return place


class Silent:
    """Derives nothing."""

    def wanted(self, store: StoreName, entries: Sequence[Entry]) -> Iterator[tuple[StoreName, Entry | Outcome]]:
        return iter(())

    def again(self, store: StoreName, found: Mapping[str, Entry | None]) -> Mapping[str, Made]:
        return {}


class Always(Door):
    """An index that is built anew each time."""

    def describe(self) -> Description | None:
        found = super().describe()
        return replace(found, rebuild=("dynamic is true",)) if found else None

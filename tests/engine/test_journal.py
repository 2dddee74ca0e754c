"""Journals: nothing is written before what was there is kept, chunk by chunk, and no chunk is without bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import pytest

from tattoo_data.engine.journal import CHUNK_BYTES, CHUNK_STEPS, Chunk, Kept, Reading, chunks
from tattoo_data.engine.make_equal import How, make_equal, take_back
from tattoo_data.engine.plan import Desired, Step
from tattoo_data.engine.verify import Verify
from tattoo_data.errors import LockLost, Unreachable
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.fingerprint import digest
from tattoo_data.stores.base import NOT_ROUTED, Exchange, Outcome, Routing, Target
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tests.engine.test_back import Keeper, no_blob
from tests.engine.test_plan import Content, desired, held, memory

TABLE = StoreName.TABLE
UNREAD = How(verify=Verify.NONE)
Written = Callable[[StoreName, Sequence[str]], None]


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


class Watched(MemoryStore):
    """A store that tells which keys are written, just before they are, and counts what it is asked for."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.on_write: Written = lambda store, keys: None
        self.reads = 0
        self.readable = 1_000_000

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        self.reads += 1
        if self.reads > self.readable:
            raise Unreachable(what="it went away")
        return super().get(keys, routing)

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        self._tell(entries)
        return super().put(entries)

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        self._tell(targets)
        return super().delete(targets)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        self._tell(exchanges)
        return super().exchange(exchanges)

    def _tell(self, batch: Sequence[Any]) -> None:
        self.on_write(self.name, [each.key for each in batch])


def watched(on_write: Written = lambda store, keys: None) -> LiveStores:
    stores = {name.value: Watched(name) for name in StoreName}
    for store in stores.values():
        store.on_write = on_write
    return memory(**stores)


def table_of(stores: LiveStores) -> Watched:
    assert isinstance(stores.table, Watched)
    return stores.table


def table_only(content: Content) -> Desired:
    return desired(content, stores=[TABLE])


def test_what_is_written_was_kept_before_and_is_kept_whole(pool: Executor) -> None:
    kept: set[tuple[str, str]] = set()

    def keep(store: StoreName, changes: Sequence[Kept]) -> None:
        kept.update((store, each.step.key) for each in changes)

    def written(store: StoreName, keys: Sequence[str]) -> None:
        assert {(store, key) for key in keys} <= kept

    stores = watched(written)
    rows = [
        dict.fromkeys(range(1_500), "Ada"),
        dict.fromkeys(range(500, 2_600), "Mae"),
        dict.fromkeys(range(0, 2_600, 3), "Zora"),
        {},
    ]
    for row in rows:
        before = held(stores)
        kept.clear()
        keeper = Keeper(on_keep=keep)
        change = make_equal(stores, desired(row), keeper, pool, UNREAD)
        assert change.failures == ()
        after = held(stores)
        for store in StoreName:
            was, now, images = before[store], after[store], keeper.of(store)
            assert set(images) == {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)}
            assert all([image.body for image in each] == [was.get(key)] for key, each in images.items())


@pytest.mark.parametrize("going", ["out", "back"])
def test_chunks_have_bounds(pool: Executor, going: str) -> None:
    lengths: list[int] = []
    stores = watched()
    content = dict.fromkeys(range(2_345), "Ada")
    first = Keeper(on_keep=lambda store, changes: lengths.append(len(changes)) if going == "out" else None)
    make_equal(stores, table_only(content), first, pool, UNREAD)
    second = Keeper(on_keep=lambda store, changes: lengths.append(len(changes)))
    if going == "back":
        take_back(stores, first.images, no_blob, second, pool, UNREAD)
    assert lengths == [CHUNK_STEPS, CHUNK_STEPS, 345]


@pytest.mark.parametrize("there", [True, False], ids=["what is there", "what is to be"])
def test_a_chunk_of_large_entries_is_short(pool: Executor, there: bool) -> None:
    sizes: list[int] = []

    def keep(store: StoreName, changes: Sequence[Kept]) -> None:
        sizes.append(sum(len(each.found.body if there and each.found else b"") for each in changes))
        sizes[-1] += sum(len(each.step.put.body if not there and each.step.put else b"") for each in changes)

    stores = watched()
    content = dict.fromkeys(range(450), "A" * 60_000)
    make_equal(stores, table_only(content), Keeper(on_keep=keep), pool, UNREAD)
    if there:
        sizes.clear()
        make_equal(stores, table_only({}), Keeper(on_keep=keep), pool, UNREAD)
    assert len(sizes) == 3
    assert all(CHUNK_BYTES <= size < CHUNK_BYTES + 100 * 61_000 for size in sizes[:-1])


@pytest.mark.parametrize("going", ["out", "back"])
@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_where_the_journal_fails_writing_stops_before_that_chunk(pool: Executor, going: str, chunk: int) -> None:
    kept: list[set[str]] = []
    written: set[str] = set()

    def keep(store: StoreName, changes: Sequence[Kept]) -> None:
        if len(kept) == chunk - 1:
            raise LockLost(reason="another took it over")
        kept.append({each.step.key for each in changes})

    stores = watched(lambda store, keys: written.update(keys))
    content = dict.fromkeys(range(2_500), "Ada")
    first = Keeper(on_keep=keep if going == "out" else lambda store, changes: None)
    if going == "back":
        make_equal(stores, table_only(content), first, pool, UNREAD)
        written.clear()
    with pytest.raises(LockLost):
        if going == "out":
            make_equal(stores, table_only(content), first, pool, UNREAD)
        else:
            take_back(stores, first.images, no_blob, Keeper(on_keep=keep), pool, UNREAD)
    pool.submit(int).result()
    assert len(kept) == chunk - 1
    assert written <= set().union(*kept)


def test_a_journal_that_cannot_begin_keeps_everything_as_it_is(pool: Executor) -> None:
    class Refusing(Keeper):
        def begin(self, plan: object, fingerprint_before: str | None) -> str:
            raise LockLost(reason="another took it over")

    stores = watched()
    with pytest.raises(LockLost):
        make_equal(stores, desired({1: "Ada"}), Refusing(), pool, UNREAD)
    assert [store.describe() for store in stores] == [None, None, None]


def test_where_nobody_wants_before_images_nothing_is_read_for_them(pool: Executor) -> None:
    told: list[int] = []
    stores = watched()
    without = Keeper(keeps_images=False, on_keep=lambda store, changes: told.append(len(changes)))
    make_equal(stores, desired(dict.fromkeys(range(1_200), "Ada")), without, pool, UNREAD)
    make_equal(stores, desired(dict.fromkeys(range(600, 1_800), "Mae")), without, pool, UNREAD)
    assert table_of(stores).reads == 0
    assert without.images[TABLE].count == 0
    assert len(held(stores)[TABLE]) == 1_200
    assert set(told) == {0}
    assert len(told) > 3 * 4  # and yet it may stop the writing between two chunks


def test_taking_back_reads_what_is_there_even_if_nobody_wants_it_kept(pool: Executor) -> None:
    stores = watched()
    first = Keeper()
    make_equal(stores, desired({1: "Ada"}), first, pool, UNREAD)
    reads = table_of(stores).reads
    take_back(stores, first.images, no_blob, Keeper(keeps_images=False), pool, UNREAD)
    assert table_of(stores).reads == reads + 1
    assert held(stores)[TABLE] == {}


def test_a_store_that_cannot_be_read_any_more_fails_every_key_by_name(pool: Executor) -> None:
    stores = watched()
    make_equal(stores, table_only(dict.fromkeys(range(2_000), "Ada")), Keeper(), pool, UNREAD)
    table = table_of(stores)
    table.reads, table.readable = 0, 15
    change = make_equal(stores, table_only(dict.fromkeys(range(2_000), "Mae")), Keeper(), pool, UNREAD)
    assert table.reads == 16
    counts = change.counts[TABLE]
    assert (counts.replaced, counts.failed) == (1_500, 500)
    assert {each.error for each in change.failures} == {"Unreachable"}
    assert len({each.key for each in change.failures}) == 500
    mae = sum(b"Mae" in body for body in held(stores)[TABLE].values())
    assert mae == 1_500


# The chunks alone.


def step_of(number: int, text: str | None, before: str | None = None) -> Step:
    key = make_entry(TABLE, number).key
    put = make_entry(TABLE, number, text) if text else None
    was = digest(TABLE, make_entry(TABLE, number, before)) if before else None
    return Step(key, was, digest(TABLE, put) if put else None, put)


def chunks_of(store: MemoryStore, steps: Sequence[Step], journal: Keeper, *, compare: bool = False) -> list[Chunk]:
    return list(chunks(store, iter(steps), journal, Reading(compare=compare)))


def test_no_steps_are_no_chunks() -> None:
    for keeps in (True, False):
        assert chunks_of(MemoryStore(TABLE), [], Keeper(keeps_images=keeps)) == []


def test_a_chunk_says_what_is_there_and_what_drifted() -> None:
    store = MemoryStore(TABLE)
    store.ensure()
    store.put([make_entry(TABLE, 1, "Ada"), make_entry(TABLE, 2, "Edna"), make_entry(TABLE, 4, "Edna")])
    steps = [step_of(1, "Mae", "Ada"), step_of(2, "Mae", "Ada"), step_of(3, None, "Ada"), step_of(4, "Mae")]
    (chunk,) = chunks_of(store, steps, Keeper())
    assert [each.found.body if each.found else None for each in chunk.changes] == [
        make_entry(TABLE, 1, "Ada").body,
        make_entry(TABLE, 2, "Edna").body,
        None,
        make_entry(TABLE, 4, "Edna").body,
    ]
    assert list(chunk.drifted) == [step.key for step in steps[1:]]
    assert chunk.error is None


def test_a_document_is_read_with_the_routing_it_was_found_with() -> None:
    asked: list[Routing] = []

    class Routed(MemoryStore):
        def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
            asked.append(routing)
            return super().get(keys, routing)

    chunks_of(Routed(StoreName.INDEX), [Step("a", None, None, None, "r"), Step("b", None, None, None)], Keeper())
    assert asked == [{"a": "r"}]


@pytest.mark.parametrize("readable", [0, 1, 3])
def test_what_cannot_be_read_comes_with_the_error_and_what_was_read_is_kept(readable: int) -> None:
    store = Watched(TABLE)
    store.readable = readable
    keeper = Keeper()
    found = chunks_of(store, [step_of(number, "Ada") for number in range(450)], keeper)
    good, bad = [each for each in found if not each.error], [each for each in found if each.error]
    assert sum(len(each.changes) for each in good) == readable * 100
    assert sum(len(each.changes) for each in bad) == 450 - readable * 100
    assert all(isinstance(each.error, Unreachable) for each in bad)
    assert store.reads == readable + 1
    assert (keeper.images[TABLE].count if keeper.images else 0) == readable * 100

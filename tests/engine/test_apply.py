"""Apply: a store that takes nothing is given up, a record that moves is never lost, and threads end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tattoo_data.engine.flow import IN_FLIGHT, ahead, beside, in_flight
from tattoo_data.engine.make_equal import How, make_equal
from tattoo_data.engine.verify import Verify
from tattoo_data.errors import StoreError
from tattoo_data.model.entry import Entry, StoreName
from tattoo_data.model.keys import item_key
from tattoo_data.stores.base import Exchange, Outcome, Target
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tests.engine.test_back import Keeper, reach
from tests.engine.test_plan import desired, held, memory

TABLE, INDEX = StoreName.TABLE, StoreName.INDEX
#: After so many refused batches a store is given up; as many more may be on their way then.
GIVEN_UP = 2
Judge = Callable[[int], bool]


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


class Choosy(MemoryStore):
    """A store that takes only the batches whose number (from 1) `takes`; of the others nothing, for load."""

    def __init__(self, name: StoreName, takes: Judge) -> None:
        super().__init__(name)
        self.asked = 0
        self._takes = takes
        self._lock = threading.Lock()

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        return self._judged(entries) or super().put(entries)

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        return self._judged(targets) or super().delete(targets)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        return self._judged(exchanges) or super().exchange(exchanges)

    def _judged(self, batch: Sequence[Any]) -> list[Outcome]:
        with self._lock:
            self.asked += 1
            number = self.asked
        if self._takes(number):
            return []
        return [Outcome(each.key, "ThrottlingException", "slow down", transient=True) for each in batch]


@pytest.mark.parametrize("keeps_images", [True, False])
def test_a_store_that_takes_nothing_is_given_up(pool: Executor, keeps_images: bool) -> None:
    index = Choosy(INDEX, lambda number: False)
    stores = memory(index=index)
    content = desired(dict.fromkeys(range(1_000), "Ada"))
    change = make_equal(stores, content, Keeper(keeps_images=keeps_images), pool, How(verify=Verify.NONE))
    assert GIVEN_UP <= index.asked < GIVEN_UP + IN_FLIGHT
    assert change.counts[INDEX].failed == 1_000
    assert {each.error for each in change.failures} == {"ThrottlingException"}
    assert len({each.key for each in change.failures}) == 1_000
    assert change.counts[TABLE].created == 1_000


def test_what_a_store_that_is_given_up_held_is_not_deleted_either(pool: Executor) -> None:
    index = Choosy(INDEX, lambda number: number <= 4)
    stores = memory(index=index)
    reach(stores, dict.fromkeys(range(100), "Ada"), pool)
    make_equal(stores, desired(dict.fromkeys(range(100, 300), "Mae")), Keeper(), pool, How())
    assert index.asked < 4 + GIVEN_UP + IN_FLIGHT
    assert set(held(stores)[INDEX]) == {make_entry(INDEX, number).key for number in range(100)}


def test_a_store_that_takes_something_now_and_then_is_not_given_up(pool: Executor) -> None:
    index = Choosy(INDEX, lambda number: number % 2 == 0)
    stores = memory(index=index)
    with ThreadPoolExecutor(1) as one:
        change = make_equal(stores, desired(dict.fromkeys(range(1_000), "Ada")), Keeper(), one, How())
    assert index.asked == 40
    assert (change.counts[INDEX].created, change.counts[INDEX].failed) == (500, 500)


def test_a_batch_that_fails_for_another_reason_fails_alone(pool: Executor) -> None:
    class Odd(MemoryStore):
        def put(self, entries: Sequence[Entry]) -> list[Outcome]:
            if any("00003" in entry.key for entry in entries):
                raise StoreError(service="opensearch", endpoint="memory", operation="bulk", reason="odd")
            return super().put(entries)

    stores = memory(index=Odd(INDEX))
    change = make_equal(stores, desired(dict.fromkeys(range(200), "Ada")), Keeper(), pool, How())
    assert 1 <= change.counts[INDEX].failed <= 25
    assert {each.error for each in change.failures} == {"StoreError"}


def test_a_key_that_somebody_else_keeps_writing_is_named_in_the_end(pool: Executor) -> None:
    class Racing(MemoryStore):
        edits = 0

        def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
            for each in exchanges:
                if "00003" in each.key:
                    Racing.edits += 1
                    self.put([make_entry(TABLE, 3, f"edit {Racing.edits}")])
            return super().exchange(exchanges)

    stores = memory(table=Racing(TABLE))
    reach(stores, dict.fromkeys(range(10), "Ada"), pool)
    keeper = Keeper()
    change = make_equal(stores, desired(dict.fromkeys(range(10), "Mae")), keeper, pool, How())
    (failure,) = change.failures
    assert (failure.store, failure.key, failure.error) == (TABLE, make_entry(TABLE, 3).key, "KeepsChanging")
    assert not failure.is_conflict
    assert Racing.edits <= 8
    assert change.drifted == {TABLE: (failure.key,)}
    assert (change.counts[TABLE].replaced, change.counts[TABLE].failed) == (9, 1)
    assert f"edit {Racing.edits}".encode() in held(stores)[TABLE][failure.key]


# A record of the Node tools moves under our key.

NODE, OURS = item_key("ARTIST#artist-00001", "PROFILE"), make_entry(TABLE, 1).key


def moving(table: MemoryStore) -> LiveStores:
    stores = memory(table=table)
    stores.table.ensure()
    stores.table.put([Entry(NODE, f'{NODE[:-1]},"artistName":{{"S":"Ada"}}}}'.encode())])
    return stores


class Refusing(MemoryStore):
    """A store that refuses to put, or to delete, records of ours."""

    refuses = "put"

    def put(self, entries: Sequence[Entry]) -> list[Outcome]:
        if self.refuses == "put" and any(entry.key == OURS for entry in entries):
            return [Outcome(entry.key, "ValidationException", "no") for entry in entries]
        return super().put(entries)

    def delete(self, targets: Sequence[Target]) -> list[Outcome]:
        return self._refused([each.key for each in targets]) or super().delete(targets)

    def exchange(self, exchanges: Sequence[Exchange]) -> list[Outcome]:
        return self._refused([each.key for each in exchanges]) or super().exchange(exchanges)

    def _refused(self, keys: Sequence[str]) -> list[Outcome]:
        refused = self.refuses == "delete" and NODE in keys
        return [Outcome(key, "ValidationException", "no") for key in keys] if refused else []


@pytest.mark.parametrize("keeps_images", [True, False])
def test_a_record_whose_new_form_is_refused_keeps_the_old_one(pool: Executor, keeps_images: bool) -> None:
    stores = moving(Refusing(TABLE))
    journal = Keeper(keeps_images=keeps_images)
    change = make_equal(stores, desired({1: "Ada"}, prune=False, stores=[TABLE]), journal, pool, How())
    assert set(held(stores)[TABLE]) == {NODE}
    assert {each.key for each in change.failures} >= {OURS}
    assert change.counts[TABLE].moved == change.counts[TABLE].deleted == 0


def test_a_record_whose_old_form_stays_has_both_and_the_old_one_is_named(pool: Executor) -> None:
    table = Refusing(TABLE)
    table.refuses = "delete"
    stores = moving(table)
    change = make_equal(stores, desired({1: "Ada"}, prune=False, stores=[TABLE]), Keeper(), pool, How())
    assert set(held(stores)[TABLE]) == {NODE, OURS}
    assert [each.key for each in change.failures] == [NODE]
    counts = change.counts[TABLE]
    assert (counts.created, counts.moved, counts.deleted, counts.failed) == (1, 0, 0, 1)


def test_no_store_is_being_made_any_more_once_another_could_not_be(pool: Executor) -> None:
    begun, go = threading.Event(), threading.Event()

    class Refusing(MemoryStore):
        def ensure(self) -> None:
            assert begun.wait(60)
            threading.Timer(0.1, go.set).start()
            raise StoreError(service="dynamodb", endpoint="memory", operation="create_table", reason="no")

    class Slow(MemoryStore):
        is_being_made = False

        def ensure(self) -> None:
            self.is_being_made = True
            begun.set()
            assert go.wait(60)
            super().ensure()
            self.is_being_made = False

    index = Slow(INDEX)
    with pytest.raises(StoreError):
        make_equal(memory(table=Refusing(TABLE), index=index), desired({1: "Ada"}), Keeper(), pool, How())
    assert not index.is_being_made


# Work ahead and work in flight.


class Ended(Exception):
    pass


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def counted(made: list[int], length: int) -> Iterator[int]:
    for number in range(length):
        made.append(number)
        yield number


def test_ahead_gives_every_unit_in_its_order_and_ends_its_thread() -> None:
    before = threads()
    made: list[int] = []
    with beside() as thread:
        assert list(ahead(counted(made, 5), thread)) == [0, 1, 2, 3, 4]
        assert list(ahead(iter(()), thread)) == []
    assert threads() == before


def test_ahead_makes_one_unit_more_than_is_used() -> None:
    made: list[int] = []
    with beside() as thread, closing(ahead(counted(made, 100), thread)) as units:  # type: ignore[type-var]
        for number in units:
            assert len(made) <= number + 3
            if number == 10:
                break
    assert len(made) <= 13


def test_ahead_passes_an_exception_on_after_what_was_made_before_it() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise Ended

    before = threads()
    got: list[int] = []
    with beside() as thread:
        with pytest.raises(Ended):
            got.extend(ahead(failing(), thread))
        units = ahead(failing(), thread)
        assert [next(units), next(units)] == [1, 2]
        with pytest.raises(Ended):
            next(units)
    assert threads() == before


def test_ahead_ends_its_thread_when_its_reader_stops() -> None:
    before = threads()
    with beside() as thread:
        next(ahead(counted([], 100), thread))
        assert len(threads()) == len(before) + 1
    assert threads() == before


def test_ahead_works_beside_its_reader() -> None:
    used = threading.Event()

    def waiting() -> Iterator[int]:
        yield 1
        assert used.wait(10), "the next unit is not begun while the one before is used"
        yield 2

    with beside() as thread:
        units = ahead(waiting(), thread)
        assert next(units) == 1
        used.set()
        assert list(units) == [2]


def test_in_flight_keeps_a_bounded_number_begun_and_their_order() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return number

    with ThreadPoolExecutor(8) as executor:
        for taken, number in enumerate(in_flight(executor, work, range(50))):
            assert number == taken
            assert len(begun) <= taken + IN_FLIGHT + 1


def test_in_flight_raises_the_first_error_and_begins_no_more(pool: Executor) -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise Ended
        return number

    got: list[int] = []
    with pytest.raises(Ended):
        got.extend(in_flight(pool, work, range(100)))
    assert len(begun) <= 3 + IN_FLIGHT + 1

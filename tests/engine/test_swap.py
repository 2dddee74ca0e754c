"""Swap: whatever interrupts it, one of the two indexes is there with all its documents, and takes writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

import pytest

from tattoo_data.engine.flow import StillAtWork
from tattoo_data.engine.plan import Part, StorePlan
from tattoo_data.engine.swap import Swap
from tattoo_data.errors import LockLost, StoreUnreachable
from tattoo_data.model.entry import Entry
from tattoo_data.stores.base import Outcome, Store, scan
from tests.engine.derived import INDEX, Door, Indexes

DOWN = StoreUnreachable(service="opensearch", endpoint="memory", reason="refused", variable="OPENSEARCH_ENDPOINT")
DOCUMENTS = [Entry("a", b'{"x":1}'), Entry("b", b'{"x":2}')]


class Watched(Door):
    """A door that says what is blocked, and of which some requests can be made to fail."""

    def __init__(self, indexes: Indexes, index: str = "index") -> None:
        super().__init__(indexes, index)
        self.blocked: set[str] = set()
        self.fails: set[str] = set()

    def block_writes(self, concrete: str) -> None:
        self.blocked.add(concrete)

    def unblock_writes(self, concrete: str) -> None:
        self.blocked.discard(concrete)

    def concrete(self) -> list[str]:
        if "concrete" in self.fails:
            raise DOWN
        return super().concrete()

    def remove(self, concrete: str) -> None:
        if "remove" in self.fails:
            raise DOWN
        super().remove(concrete)


@pytest.fixture
def door() -> Watched:
    made = Watched(Indexes())
    made.ensure()
    made.put(DOCUMENTS)
    return made


def fill(into: Store, entries: Iterable[Entry]) -> dict[str, Outcome]:
    into.put(list(entries))
    return {}


def swap(
    door: Watched,
    fill: Callable[[Store, Iterable[Entry]], dict[str, Outcome]] = fill,
    may_go_on: Callable[[], None] = lambda: None,
) -> None:
    plan = StorePlan(store=INDEX, part=lambda place: Part([], 0))
    Swap(door, plan, fill, lambda changes: None, may_go_on).run([])


def raises(error: BaseException) -> Callable[[], NoReturn]:
    def act() -> NoReturn:
        raise error

    return act


def documents(door: Watched) -> set[str]:
    """The documents that a search finds."""
    return {entry.key for entry in scan(door)}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DOWN])
def test_an_error_before_the_name_was_given_leaves_the_old_index_alone(door: Watched, error: BaseException) -> None:
    door.indexes.before.append(raises(error))
    with pytest.raises(type(error)):
        swap(door)
    assert set(door.indexes.held) == {"index"}
    assert (documents(door), door.blocked) == ({"a", "b"}, set())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DOWN])
def test_an_error_after_the_name_was_given_leaves_the_new_index(door: Watched, error: BaseException) -> None:
    door.indexes.after.append(raises(error))
    with pytest.raises(type(error)):
        swap(door)
    assert set(door.indexes.held) == {"index-1"}
    assert (documents(door), door.blocked) == ({"a", "b"}, set())


@pytest.mark.parametrize("taken", [True, False])
def test_where_nobody_says_who_has_the_name_both_stay(door: Watched, taken: bool) -> None:
    acts = door.indexes.after if taken else door.indexes.before
    acts += [lambda: door.fails.add("concrete"), raises(DOWN)]
    with pytest.raises(StoreUnreachable):
        swap(door)
    assert "index-1" in door.indexes.held
    door.fails.clear()
    assert (documents(door), door.blocked) == ({"a", "b"}, set())


def test_the_old_index_takes_writes_again_though_the_new_one_cannot_be_removed(door: Watched) -> None:
    door.indexes.before += [lambda: door.fails.add("remove"), raises(KeyboardInterrupt())]
    with pytest.raises(KeyboardInterrupt):
        swap(door)
    assert door.blocked == set()


def test_an_index_that_may_still_be_written_is_not_removed(door: Watched) -> None:
    with pytest.raises(StillAtWork):
        swap(door, lambda into, entries: raises(StillAtWork())())
    assert set(door.indexes.held) == {"index", "index-1"}
    assert (documents(door), door.blocked) == ({"a", "b"}, set())


def test_who_lost_the_lock_while_it_copied_publishes_nothing_and_touches_nothing(door: Watched) -> None:
    asked: list[set[str]] = []

    def may_go_on() -> None:
        asked.append(set(door.indexes.held))
        raise LockLost(reason="another command has it")

    with pytest.raises(LockLost):
        swap(door, may_go_on=may_go_on)
    (built,) = asked[0] - {"index"}
    assert documents(door) == {"a", "b"}
    # The other command removes what was being built, and lets the old index be written.
    assert (set(door.indexes.held), door.blocked) == ({"index", built}, {"index"})

"""Timelines: which run undo and redo take, against a stack; which day counts, and what the stores come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.repository.runs import Run
from tattoo_data.runs.timeline import Timeline, timeline
from tests.runs import make_run

DAY = date(2026, 11, 24)


def line_of(*oldest_first: Run) -> Timeline:
    return timeline(reversed(oldest_first))


def ids(runs: Iterable[Run]) -> list[str]:
    return [run.id for run in runs]


def write(number: int, **changes: Any) -> Run:
    return make_run(number, **changes)


def undo(number: int, of: Run, **changes: Any) -> Run:
    return make_run(number, kind="undo", command="undo", arguments=(), of=of.id, **changes)


def redo(number: int, of: Run, **changes: Any) -> Run:
    return make_run(number, kind="redo", command="redo", arguments=(), of=of.id, **changes)


@dataclass(slots=True)
class Stack:
    """What undo and redo promise, as plain lists: the writes that stand, and the undos that can be redone."""

    runs: list[Run] = field(default_factory=list)
    standing: list[Run] = field(default_factory=list)
    undos: list[tuple[Run, Run]] = field(default_factory=list)

    def write(self, pick: int, whole: bool) -> None:
        number = len(self.runs)
        command = ("seed", "reset", "clear")[pick % 3]
        as_of = None if command == "clear" else DAY + timedelta(days=number)
        self._add(write(number, command=command, as_of=as_of, status="done" if whole else "partial"))
        self.standing.append(self.runs[-1])
        self.undos.clear()

    def undo(self, pick: int, whole: bool) -> None:
        """Of the newest, or of any: an undo out of order."""
        if not self.standing:
            return
        taken = self.standing[-1 if pick < 3 else pick % len(self.standing)]
        self._add(undo(len(self.runs), taken, status="done" if whole else "partial"))
        self.undos.append((self.runs[-1], taken))
        if whole:
            self.standing.remove(taken)

    def redo(self, pick: int, whole: bool) -> None:
        if not self.undos:
            return
        undone, taken = self.undos[-1]
        self._add(redo(len(self.runs), undone, status="done" if whole else "partial"))
        if whole:
            self.undos.pop()
            back = {*ids(self.standing), taken.id}
            self.standing = [run for run in self.runs if run.id in back]

    def _add(self, run: Run) -> None:
        self.runs.append(run)


names = st.sampled_from(["write", "write", "undo", "undo", "redo"])
steps = st.lists(st.tuples(names, st.integers(0, 9), st.booleans()))


@given(steps)
def test_undo_and_redo_walk_up_and_down_a_stack(moves: list[tuple[str, int, bool]]) -> None:
    stack = Stack()
    for move, pick, whole in moves:
        getattr(stack, move)(pick, whole)
    line = line_of(*stack.runs)
    writes = [run for run in stack.runs if run.kind == "write"]
    dated = [run.as_of for run in stack.standing if run.as_of]
    assert ids(line.undoable) == ids(reversed(stack.standing))
    assert ids(line.redoable) == [undone.id for undone, _ in reversed(stack.undos)]
    assert line.undone == {run.id for run in writes} - {run.id for run in stack.standing}
    assert line.as_of == (dated[-1] if dated else None)
    assert line.newest == (stack.runs[-1] if stack.runs else None)
    assert line.interrupted is None
    assert [line.of(run) for run in writes] == writes
    for undone, taken in stack.undos:
        assert line.of(undone) == taken


def test_nothing_was_written_yet() -> None:
    line = line_of()
    assert (line.newest, line.interrupted, line.as_of, line.dated) == (None, None, None, None)
    assert (line.undoable, line.redoable, line.undone) == ((), (), frozenset())
    assert line.find("2026") is None


def test_an_undo_out_of_order_leaves_the_newest_next() -> None:
    first, second, third = (write(number) for number in range(3))
    line = line_of(first, second, third, undo(3, second))
    assert ids(line.undoable) == [third.id, first.id]
    assert line.undone == {second.id}


def test_redo_takes_the_undos_back_the_last_one_first_until_something_new_is_written() -> None:
    first, second = write(0), write(1)
    one, other = undo(2, second), undo(3, first)
    assert ids(line_of(first, second, one, other).redoable) == [other.id, one.id]
    again = redo(4, other)
    assert ids(line_of(first, second, one, other, again).redoable) == [one.id]
    assert ids(line_of(first, second, one, other, again).undoable) == [first.id]
    assert line_of(first, second, one, other, again, write(5)).redoable == ()


def test_an_undo_of_a_part_stays_next_for_both() -> None:
    first, second = write(0), write(1)
    line = line_of(first, second, part := undo(2, second, status="partial"))
    assert ids(line.undoable) == [second.id, first.id]
    assert ids(line.redoable) == [part.id]
    assert (set(line.undone), set(line.undone_in_part)) == (set(), {second.id})
    rest = undo(3, second)
    line = line_of(first, second, part, rest)
    assert (set(line.undone), set(line.undone_in_part)) == ({second.id}, set())
    assert ids(line.redoable) == [rest.id, part.id]


def test_a_redo_of_a_part_leaves_the_undo_next() -> None:
    first = write(0)
    taken = undo(1, first)
    line = line_of(first, taken, redo(2, taken, status="partial"))
    assert ids(line.redoable) == [taken.id]
    assert line.undone == {first.id}


def test_what_another_undo_took_back_in_part_is_so_still_after_a_redo() -> None:
    first = write(0)
    part, rest = undo(1, first, status="partial"), undo(2, first)
    assert line_of(first, part, rest, redo(3, rest)).undone_in_part == {first.id}


def test_what_two_undos_took_back_is_undone_after_one_redo() -> None:
    first = write(0)
    one, other = undo(1, first), undo(2, first)
    assert line_of(first, one, other, redo(3, other)).undone == {first.id}


@pytest.mark.parametrize("status", ["done", "partial"])
def test_a_run_that_ended_is_not_interrupted(status: str) -> None:
    assert line_of(write(0), write(1, status=status)).interrupted is None


def test_the_newest_run_that_did_not_end_is_interrupted() -> None:
    line = line_of(write(0), killed := write(1, status="running"))
    assert line.interrupted == killed
    assert ids(line.undoable)[0] == killed.id


def test_only_the_newest_run_is_interrupted() -> None:
    assert line_of(write(0, status="running"), write(1)).interrupted is None


def test_an_interrupted_undo_has_undone_a_part() -> None:
    first = write(0)
    killed = undo(1, first, status="running")
    line = line_of(first, killed)
    assert line.interrupted == killed
    assert line.undone_in_part == {first.id}
    assert (ids(line.undoable), ids(line.redoable)) == ([first.id], [killed.id])


def test_an_interrupted_redo_has_redone_nothing_yet() -> None:
    first = write(0)
    taken = undo(1, first)
    line = line_of(first, taken, redo(2, taken, status="running"))
    assert line.undone == {first.id}
    assert ids(line.redoable) == [taken.id]


def test_the_day_is_that_of_the_newest_seed_or_reset_that_is_not_undone() -> None:
    first = write(0, command="reset", as_of=DAY)
    second = write(1, command="seed", as_of=DAY + timedelta(1))
    cleared = write(2, command="clear")
    assert line_of(first, second, cleared).as_of == DAY + timedelta(1)
    back = undo(3, second)
    assert line_of(first, second, cleared, back).as_of == DAY
    assert line_of(first, second, cleared, back, redo(4, back)).as_of == DAY + timedelta(1)
    assert line_of(first, second, cleared, back, undo(4, first)).as_of is None


def test_a_seed_that_is_undone_in_part_still_has_the_day() -> None:
    first, second = write(0, as_of=DAY), write(1, as_of=DAY + timedelta(1))
    assert line_of(first, second, undo(2, second, status="partial")).as_of == DAY + timedelta(1)


def test_a_migration_has_no_day() -> None:
    assert line_of(write(0, as_of=DAY), write(1, command="migrate", as_of=DAY + timedelta(1))).as_of == DAY


def test_a_run_is_found_by_its_id_or_the_beginning_of_just_one() -> None:
    first, second = replace(write(0), id="20261122T-a"), replace(write(1), id="20261122T-ab")
    third = replace(write(2), id="20271122T-c")
    line = line_of(first, second, third)
    assert line.find("20261122T-ab") == second
    assert line.find("20261122T-a") == first
    assert line.find("20271122") == third
    assert line.find("20261122") is None
    assert line.find("20261122T-abc") is None
    assert line.find("1122T-a") is None


def test_less_than_the_day_of_a_run_is_no_beginning_of_it() -> None:
    line = line_of(replace(write(0), id="20261122T-a"))
    assert [line.find(each) for each in ("2", "2026", "2026112")] == [None, None, None]


def restore(number: int, to: int, **changes: Any) -> Run:
    return make_run(number, command="restore", restored=make_run(to).began, **changes)


def counting(line: Timeline, *numbers: int) -> list[int]:
    """Those of some moments from which the stores come; each is that of the run of the same number."""
    return [number for number in numbers if line.descends_from(make_run(number).began)]


def test_what_was_taken_after_a_run_counts_unless_it_is_undone() -> None:
    run = write(10)
    taken = undo(20, run)
    again = redo(30, taken)
    moments = (5, 15, 25, 35, 45)
    assert counting(line_of(run), *moments) == [5, 15, 25, 35, 45]
    assert counting(line_of(run, taken), *moments) == [5, 25, 35, 45]
    assert counting(line_of(run, taken, again), *moments) == [5, 15, 35, 45]
    assert counting(line_of(run, taken, again, undo(40, run)), *moments) == [5, 45]
    assert counting(line_of(run, undo(20, run, status="partial")), *moments) == [5, 25, 35, 45]


def test_what_was_taken_between_a_snapshot_and_its_restore_counts_once_that_is_undone() -> None:
    back = restore(20, to=10)
    moments = (10, 15, 25, 35)
    assert counting(line_of(write(12), back), *moments) == [10, 25, 35]
    assert counting(line_of(write(12), back, undo(30, back)), *moments) == [10, 15, 35]
    assert counting(line_of(write(12), write(20, command="restore")), *moments) == [10, 15, 25, 35]


def test_what_counted_for_a_snapshot_that_an_undo_left_behind_counts_once_it_is_restored() -> None:
    run = write(10)
    line = line_of(run, undo(20, run), restore(30, to=15))
    assert counting(line, 5, 12, 17, 25, 35) == [5, 12, 35]
    assert [each.run.id for each in line.returns] == [make_run(30).id]


def test_an_undo_whose_run_is_forgotten_goes_by_its_id() -> None:
    assert counting(line_of(undo(20, write(10))), 5, 15, 25) == [5, 25]
    assert counting(line_of(undo(20, replace(write(10), id="odd"))), 5, 15, 25) == [5, 15, 25]


class States:
    """The moments from which the stores come: taking a snapshot adds one, and whatever puts the stores back puts back
    what was there at that time."""

    def __init__(self) -> None:
        self.origins: dict[int, frozenset[int]] = {0: frozenset()}
        self.runs: list[Run] = []
        self.moments: list[int] = []

    @property
    def now(self) -> int:
        return max(self.origins)

    def step(self, move: str, pick: int) -> None:
        number = self.now + 10
        before = self.origins[self.now]
        undos = [run for run in self.runs if run.kind == "undo"]
        writes = [run for run in self.runs if run.kind == "write"]
        if move == "take":
            self.moments.append(number)
            self.origins[number] = before | {number}
        elif move == "write":
            self.runs.append(write(number))
            self.origins[number] = before
        elif move == "restore" and self.moments:
            to = self.moments[pick % len(self.moments)]
            self.runs.append(restore(number, to=to))
            self.origins[number] = self.origins[to]
        elif move == "undo" and writes:
            self._back(number, undo(number, writes[-1]), writes[-1])
        elif move == "redo" and undos and self.runs[-1] is undos[-1]:
            self._back(number, redo(number, undos[-1]), undos[-1])

    def _back(self, number: int, run: Run, about: Run) -> None:
        began = round((about.began - make_run(0).began) / timedelta(milliseconds=1))
        self.runs.append(run)
        self.origins[number] = self.origins[max(each for each in self.origins if each < began)]


@given(st.lists(st.tuples(st.sampled_from(["take", "write", "restore", "undo", "redo"]), st.integers(0, 9))))
def test_only_what_led_to_what_the_stores_hold_counts(moves: list[tuple[str, int]]) -> None:
    states = States()
    for move, pick in moves:
        states.step(move, pick)
    assert counting(line_of(*states.runs), *states.moments) == sorted(states.origins[states.now])


def test_no_name_finds_no_run() -> None:
    assert line_of(write(0)).find("") is None


def test_what_an_undo_and_a_redo_are_about_in_the_end() -> None:
    first = write(0)
    taken = undo(1, first)
    again = redo(2, taken)
    line = line_of(first, taken, again)
    assert [line.of(run) for run in (first, taken, again)] == [first, first, first]


def test_what_an_undo_is_about_may_be_forgotten() -> None:
    gone = write(0)
    taken = undo(1, gone)
    line = line_of(taken, again := redo(2, taken))
    assert line.of(taken) is None
    assert line.of(again) is None
    assert (line.undoable, line.redoable) == ((), ())


def test_a_redo_whose_undo_is_forgotten_says_nothing() -> None:
    first = write(2)
    line = line_of(redo(1, undo(0, first)), first)
    assert ids(line.undoable) == [first.id]

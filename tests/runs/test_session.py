"""Sessions: one writing command from its lock to the end of its run, on a target in memory."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tattoo_data.engine.flow import StillAtWork
from tattoo_data.engine.verify import Verify
from tattoo_data.errors import (
    CannotUndo,
    IntegrityFailed,
    Locked,
    LockLost,
    NothingToUndo,
    StoreError,
    UnknownName,
    UsageError,
)
from tattoo_data.model.entry import Blob, Entry, StoreName
from tattoo_data.repository.locks import look
from tattoo_data.repository.runs import Run
from tattoo_data.runs.history import history, interrupted
from tattoo_data.runs.session import Command, Session, WriteOptions, read_timeline
from tattoo_data.stores.base import NOT_ROUTED, Exchange, Outcome, Routing, Store
from tattoo_data.stores.bucket import Stored
from tattoo_data.stores.memory import MemoryStore
from tattoo_data.testing.contract import make_entry
from tests.engine.test_back import put
from tests.engine.test_plan import Content, held
from tests.repository.test_locks import other_host
from tests.runs import TARGET, Deadly, Desk, Killed, Shelf, desk, make_run, wanted

DAY = date(2026, 11, 24)
LOCK = f"locks/{TARGET.id}.json"
ADA: Content = dict.fromkeys(range(60), "Ada")
MAE: Content = dict.fromkeys(range(30, 90), "Mae")
Held = Mapping[StoreName, Mapping[str, bytes]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Desk]:
    """A target whose stores can be made to kill a command."""
    stores: dict[str, Store] = {name.value: Deadly(name) for name in StoreName}
    with ThreadPoolExecutor(1) as pool:
        yield desk(tmp_path, pool, stores)


def live(place: Desk) -> Held:
    return held(place.env.stores)


def state(content: Content) -> Held:
    """What stores hold that hold just this content."""
    return {
        name: {entry.key: entry.body for entry in (make_entry(name, *each) for each in content.items())}
        for name in StoreName
    }


def killed(place: Desk, store: StoreName, write: int, content: Content, *words: str, **options: Any) -> Run:
    """The run of a command that was killed at a write to a store."""
    dying = place.env.stores[store]
    assert isinstance(dying, Deadly)
    dying.dies_at = write
    with pytest.raises(Killed):
        place.write(content, *words, options=WriteOptions(**options))
    return place.newest()


def damage(place: Desk, run: Run) -> None:
    """Change a byte of a run's first before-images."""
    key = place.env.before_images.files(run.id)[0]
    body = place.shelf.held[key][0].body
    place.shelf.put(key, Blob(bytes([body[0] ^ 1]) + body[1:], "application/zstd"))


# A command that ends.


def test_what_a_command_did_is_a_run(place: Desk) -> None:
    change = place.write(ADA, "seed", "minimal", "--only")
    run = place.newest()
    assert run.id == change.run
    assert (run.words, run.kind, run.of, run.status) == ("seed minimal --only", "write", None, "done")
    assert (run.fingerprint_before, run.fingerprint_after) == (change.fingerprint_before, change.fingerprint)
    assert run.counts["table"]["created"] == 60
    assert run.undoable
    assert run.ended_at is not None
    assert place.shelf.keys("locks/") == []


def test_a_command_that_changes_nothing_leaves_no_run(place: Desk) -> None:
    place.write(ADA)
    again = place.write(ADA)
    assert again.run is None
    assert len(place.runs()) == 1


def test_a_dry_run_holds_no_lock_and_writes_nothing(place: Desk) -> None:
    place.write(ADA)
    there = dict(place.shelf.held)
    place.shelf.asked.clear()
    with place.session("seed", dry_run=True) as session:
        assert look(place.env.repository, TARGET.id) is None
        assert session.as_of == place.env.clock.today()
    assert place.write(MAE, options=WriteOptions(dry_run=True)).run is None
    assert place.undo(dry_run=True).change.run is None
    assert place.shelf.held == there
    assert "put_if" not in place.shelf.asked
    assert live(place) == state(ADA)


def test_another_command_is_kept_out(place: Desk) -> None:
    with place.session("reset", "fresh") as session:
        assert session.made is None
        with pytest.raises(Locked, match="locked by `reset fresh`"):
            place.write(ADA)
        with pytest.raises(Locked):
            place.undo()
    assert place.runs() == []


def test_a_store_without_conditions_is_told_of(place: Desk) -> None:
    place.shelf.honest = False
    place.write(ADA)
    assert any("two writers are not fully kept apart" in each for each in place.said)


def test_a_command_that_lost_its_lock_writes_no_more_and_is_interrupted(place: Desk) -> None:
    with (
        pytest.raises(LockLost, match="`seed`"),
        place.session("reset", "fresh") as session,
    ):
        place.shelf.held[LOCK] = Blob(other_host(), "application/json"), place.shelf.now
        assert session._lock is not None
        session._lock.renew()
        session.carry_out(wanted(ADA))
    assert live(place) == state({})
    assert place.newest().status == "running"
    assert place.shelf.keys("locks/") == [LOCK]


@pytest.mark.parametrize("error", [KeyboardInterrupt, StillAtWork])
def test_an_interrupted_command_leaves_its_lock_only_while_it_may_still_write(
    place: Desk, error: type[KeyboardInterrupt]
) -> None:
    with pytest.raises(error), place.session("reset", "fresh"):
        raise error
    left = [LOCK] if error is StillAtWork else []
    assert place.shelf.keys("locks/") == left
    assert not any(each.name == "tattoo-data-lock" for each in threading.enumerate()), "nobody renews it"
    if left:
        with pytest.raises(Locked):
            place.write(ADA)
    place.machine.passes(61)
    place.write(ADA)
    assert live(place) == state(ADA)


# Undo and redo.


def test_undo_and_redo_go_there_and_back(place: Desk) -> None:
    rows = [ADA, MAE, {1: "Zora"}, {}]
    for row in rows:
        place.write(row)
    for row in [*reversed(rows[:-1]), {}]:
        assert place.undo().change.failures == ()
        assert live(place) == state(row)
    with pytest.raises(NothingToUndo, match="nothing to undo"):
        place.undo()
    for row in rows:
        assert place.redo().change.failures == ()
        assert live(place) == state(row)
    with pytest.raises(NothingToUndo, match="nothing to redo"):
        place.redo()


def test_an_undo_says_what_it_took_back_and_is_a_run_of_its_own(place: Desk) -> None:
    first = place.write(ADA, "seed", "minimal").run
    undone = place.undo()
    assert undone.run.id == first
    run = place.newest()
    assert (run.words, run.kind, run.of, run.id) == ("undo", "undo", first, undone.change.run)
    redone = place.redo()
    assert redone.run.id == first
    assert (place.newest().kind, place.newest().of) == ("redo", run.id)


def test_undo_of_a_run_by_its_id_or_its_beginning(place: Desk) -> None:
    place.write({1: "Ada"})
    other = place.write({1: "Ada", 2: "Ada"}).run
    place.write({1: "Ada", 2: "Ada", 3: "Ada"})
    assert other is not None
    assert place.undo(other[:-2]).run.id == other
    assert live(place) == state({1: "Ada", 3: "Ada"})
    assert place.newest().words == f"undo {other[:-2]}"
    with pytest.raises(UnknownName, match="no run is called 'nobody'"):
        place.undo("nobody")
    with pytest.raises(UsageError, match="is an undo, which undo does not take back"):
        place.undo(place.newest().id)
    with pytest.raises(UsageError, match="is a redo"):
        place.undo(place.redo().change.run)


def test_undo_twice_of_one_run_does_nothing_the_second_time(place: Desk) -> None:
    run = place.write(ADA).run
    place.undo(run)
    again = place.undo(run)
    assert (again.change.run, again.change.failures) == (None, ())
    assert len(place.runs()) == 2
    place.redo()
    assert live(place) == state(ADA)


def test_what_is_left_stays_next_and_force_takes_it(place: Desk) -> None:
    place.write({1: "Ada", 2: "Ada"})
    place.write({1: "Mae", 2: "Mae"})
    put(place.env.stores, 1, "Edna")
    left = place.undo().change
    assert {each.error for each in left.failures} == {"ChangedSince"}
    assert len(left.failures) == 3
    assert (place.newest().status, live(place)) == ("partial", state({1: "Edna", 2: "Ada"}))
    assert place.undo(force=True).change.failures == ()
    assert live(place) == state({1: "Ada", 2: "Ada"})


def test_undo_goes_further_back_past_a_run_that_changed_no_entry(place: Desk) -> None:
    place.write(ADA)
    index = place.env.stores.index
    assert isinstance(index, Deadly)
    place.write({})
    index.lose()
    with place.session("clear", "opensearch") as session:
        session.carry_out(wanted({}, [StoreName.INDEX]))
    assert place.undo().run.words == "clear opensearch"
    place.undo()
    assert live(place) == state(ADA)


def test_undo_goes_further_back_past_a_run_that_somebody_else_took_back(place: Desk) -> None:
    place.write({1: "Ada"})
    place.write({1: "Mae"})
    put(place.env.stores, 1, "Ada")
    place.undo()
    place.undo()
    assert live(place) == state({})


def test_without_before_images_there_is_no_way_back(place: Desk) -> None:
    place.write(ADA, options=WriteOptions(undo=False))
    run = place.newest()
    assert not run.undoable
    assert place.env.before_images.files(run.id) == []
    with pytest.raises(CannotUndo, match="no before-images of it are kept") as caught:
        place.undo()
    assert caught.value.exit_code == 13
    assert live(place) == state(ADA)


def test_an_undo_that_keeps_nothing_cannot_be_redone(place: Desk) -> None:
    place.write(ADA)
    place.undo(undo=False)
    assert live(place) == state({})
    with pytest.raises(CannotUndo):
        place.redo()


def test_a_damaged_before_image_changes_nothing(place: Desk) -> None:
    place.write(ADA)
    place.write(MAE)
    damage(place, place.newest())
    with pytest.raises(IntegrityFailed):
        place.undo()
    assert live(place) == state(MAE)
    assert len(place.runs()) == 2
    assert place.shelf.keys("locks/") == []


def test_before_images_that_are_missing_at_the_end_change_nothing(place: Desk) -> None:
    place.write(ADA)
    place.shelf.delete(place.env.before_images.files(place.newest().id)[-1:])
    with pytest.raises(IntegrityFailed):
        place.undo()
    assert live(place) == state(ADA)


@pytest.mark.parametrize("verify", list(Verify))
def test_the_fingerprint_comes_back_too(place: Desk, verify: Verify) -> None:
    first = place.write(ADA).fingerprint
    place.write(MAE)
    assert place.undo(verify=verify).change.fingerprint == first


# Objects, whose bodies are kept beside.


class Pictures(MemoryStore):
    """Objects in memory with their bodies. `shown` is what is read of one."""

    def __init__(self, name: StoreName) -> None:
        super().__init__(name)
        self.shown: Callable[[Entry], Entry] = lambda entry: entry

    def get(self, keys: Sequence[str], routing: Routing = NOT_ROUTED) -> list[Entry]:
        return [self.shown(entry) for entry in super().get(keys, routing)]

    def _put(self, entry: Entry) -> Outcome:
        outcome = super()._put(entry)
        assert self._entries is not None
        assert entry.load is not None
        blob = entry.load()
        self._entries[entry.key] = replace(entry, load=lambda: blob)
        return outcome


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Desk]:
    """A target whose objects have bodies."""
    with ThreadPoolExecutor(4) as pool:
        yield desk(tmp_path, pool, {"images": Pictures(StoreName.IMAGES)})


def pictures(place: Desk) -> dict[str, Blob]:
    found = place.env.stores.images.get(list(live(place)[StoreName.IMAGES]))
    return {entry.key: entry.load() for entry in found if entry.load}


def test_objects_come_back_with_their_bodies(gallery: Desk) -> None:
    gallery.write({1: "Ada", 2: "Ada"})
    there = pictures(gallery)
    gallery.write({2: "Mae"})
    gallery.undo()
    assert pictures(gallery) == there
    assert len(gallery.shelf.keys("objects/")) == 3  # those of the write, and the one that the undo replaced


@pytest.mark.parametrize("gone", [True, False])
def test_an_object_that_cannot_be_put_back_changes_nothing(gallery: Desk, gone: bool) -> None:
    gallery.write({1: "Ada", 2: "Ada"})
    gallery.write({})
    key = gallery.shelf.keys("objects/")[0]
    if gone:
        gallery.shelf.delete([key])
    else:
        gallery.shelf.put(key, Blob(b"other bytes", "image/png"))
    with pytest.raises(IntegrityFailed, match=key):
        gallery.undo()
    assert live(gallery) == state({})


def test_an_object_that_never_stands_still_is_named_and_not_written_over(gallery: Desk) -> None:
    gallery.write({1: "Ada"})
    before = live(gallery)
    images = gallery.env.stores.images
    assert isinstance(images, Pictures)
    versions = itertools.count()

    def changed() -> NoReturn:
        raise StoreError(service="s3", endpoint="memory", operation="get_object", reason="changed")

    images.shown = lambda entry: replace(entry, version=next(versions), load=changed)
    with pytest.raises(StoreError, match=f"{min(before[StoreName.IMAGES])} was written 8 times"):
        gallery.write({1: "Mae"})
    images.shown = lambda entry: entry
    assert live(gallery)[StoreName.IMAGES] == before[StoreName.IMAGES]


# A command that was killed.


@pytest.mark.parametrize("store", list(StoreName))
@pytest.mark.parametrize("write", [1, 3])
def test_the_same_command_goes_on_as_the_same_run(place: Desk, store: StoreName, write: int) -> None:
    place.write(ADA)
    begun = killed(place, store, write, MAE, "reset", "fresh")
    assert begun.status == "running"
    done = place.write(MAE, "reset", "fresh")
    assert live(place) == state(MAE)
    assert done.run == begun.id
    assert (place.newest().id, place.newest().status, len(place.runs())) == (begun.id, "done", 2)
    assert place.newest().fingerprint_before == begun.fingerprint_before
    place.undo()
    assert live(place) == state(ADA)


def test_a_command_that_goes_on_keeps_what_was_there_first(place: Desk) -> None:
    place.write({1: "Ada", 2: "Ada"})
    killed(place, StoreName.INDEX, 1, {1: "Mae", 2: "Mae"}, "reset", "fresh")
    put(place.env.stores, 1, "Edna")
    place.write({1: "Mae", 2: "Mae"}, "reset", "fresh")
    place.undo()
    assert live(place)[StoreName.TABLE] == state({1: "Ada", 2: "Ada"})[StoreName.TABLE]


def test_another_command_closes_what_was_killed_and_both_are_undone_on_their_own(place: Desk) -> None:
    place.write(ADA)
    begun = killed(place, StoreName.TABLE, 2, MAE, "reset", "fresh")
    half = live(place)
    place.write({7: "Zora"}, "seed", "minimal")
    assert [run.status for run in place.runs()] == ["done", "partial", "done"]
    assert place.undo().run.words == "seed minimal"
    assert live(place) == half
    assert place.undo().run.id == begun.id
    assert live(place) == state(ADA)


@pytest.mark.parametrize("other", [("reset", "clean"), ("reset", "fresh", "--scale", "2"), ("seed", "fresh")])
def test_other_words_are_another_command(place: Desk, other: tuple[str, ...]) -> None:
    begun = killed(place, StoreName.TABLE, 1, ADA, "reset", "fresh")
    assert place.write(ADA, *other).run != begun.id


def test_another_day_is_another_command_and_no_day_is_the_day_of_the_run(place: Desk) -> None:
    begun = make_run(1, command="reset", arguments=("fresh",), status="running", as_of=DAY)
    place.env.runs.write(begun)
    for day, same in ((None, True), (DAY, True), (DAY.replace(day=25), False)):
        command = Command(name="reset", arguments=("fresh",), as_of=day)
        session = Session(place.env, command, WriteOptions(dry_run=True), None)
        assert (session.continued is not None) is same
        assert session.as_of == (DAY if same else day)


def test_a_command_that_was_killed_after_its_last_write_just_says_so(place: Desk) -> None:
    place.write(ADA)
    place.env.runs.write(replace(place.newest(), status="running", ended_at=None, counts={}))
    begun = place.newest()
    done = place.write(ADA)
    assert done.run == begun.id
    assert place.newest().status == "done"
    assert place.undo().run.id == begun.id


def killed_undo(place: Desk) -> Run:
    """An undo of the newest of two writes, killed in the middle."""
    place.write(ADA)
    place.write(MAE)
    table = place.env.stores.table
    assert isinstance(table, Deadly)
    table.dies_at = 2
    with pytest.raises(Killed):
        place.undo()
    return place.newest()


def test_an_interrupted_undo_goes_on_with_the_same_words(place: Desk) -> None:
    begun = killed_undo(place)
    assert place.undo().change.run == begun.id
    assert live(place) == state(ADA)
    place.undo()
    assert live(place) == state({})


def test_another_command_finishes_an_interrupted_undo_first_and_says_so(place: Desk) -> None:
    begun = killed_undo(place)
    place.write({7: "Zora"}, "seed", "minimal")
    assert place.said == ["Finishing the undo that was interrupted."]
    assert [(run.words, run.status) for run in place.runs()[:2]] == [("seed minimal", "done"), ("undo", "done")]
    assert place.runs()[1].id == begun.id
    place.undo()
    assert live(place) == state(ADA)


def test_a_redo_finishes_an_interrupted_undo_and_takes_it_back(place: Desk) -> None:
    killed_undo(place)
    place.redo()
    assert live(place) == state(MAE)


def test_an_interrupted_redo_is_finished_first_too(place: Desk) -> None:
    place.write(ADA)
    place.undo()
    table = place.env.stores.table
    assert isinstance(table, Deadly)
    table.dies_at = 2
    with pytest.raises(Killed):
        place.redo()
    place.write({**ADA, 7: "Zora"}, "seed", "minimal")
    assert place.said == ["Finishing the redo that was interrupted."]
    place.undo()
    assert live(place) == state(ADA)


def test_an_interrupted_undo_that_cannot_be_finished_keeps_nobody_out(place: Desk) -> None:
    begun = killed_undo(place)
    damage(place, place.runs()[1])
    place.write(MAE, "reset", "fresh")
    assert live(place) == state(MAE)
    assert [run.status for run in place.runs() if run.id == begun.id] == ["partial"]
    assert any("could not be finished" in each for each in place.said)


def test_what_the_end_of_an_interrupted_undo_leaves_is_told(place: Desk) -> None:
    killed_undo(place)
    put(place.env.stores, 80, "Edna")
    place.write({80: "Zora"}, "seed", "minimal")
    assert place.runs()[1].status == "partial"
    assert any("left" in each for each in place.said)


def test_an_undo_that_was_killed_before_it_could_say_it_is_done_takes_no_other_back(place: Desk) -> None:
    place.write(ADA)
    place.write(MAE)
    undone = place.undo()
    place.outlive(place.newest(), "undo")
    again = place.undo()
    assert again.run.id == undone.run.id
    assert again.change.run == undone.change.run
    assert again.change.counts == undone.change.counts
    assert live(place) == state(ADA)
    place.undo()
    assert live(place) == state({})


def test_a_redo_that_was_killed_before_it_could_say_it_is_done_takes_no_other_back(place: Desk) -> None:
    place.write(ADA)
    place.write(MAE)
    place.undo()
    place.undo()
    redone = place.redo()
    place.outlive(place.newest(), "redo")
    assert place.redo().change.run == redone.change.run
    assert live(place) == state(ADA)


def test_an_undo_that_was_killed_twice_takes_no_other_back(place: Desk) -> None:
    place.write(ADA)
    place.write(MAE)
    place.undo()
    place.env.runs.write(replace(place.newest(), status="running", lock="of the first process"))
    with place.session("undo") as session:
        assert session.continued
        session.take_back(place.runs()[1], session.continued.kind)  # type: ignore[arg-type]
        assert session._lock is not None
        token = session._lock.token
    place.outlive(replace(place.newest(), lock=token), "undo")
    place.undo()
    assert live(place) == state(ADA)


class Clinging(Shelf):
    """A bucket that deletes nothing."""

    def delete(self, keys: Sequence[str]) -> list[Outcome]:
        raise StoreError(service="s3", endpoint="memory", operation="delete_objects", reason="AccessDenied")


def test_old_runs_that_do_not_go_fail_no_command(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        made = desk(tmp_path, pool, shelf=Clinging())
        assert made.write(ADA).run is not None
        assert any("AccessDenied" in each for each in made.said)


# How runs stand.


def stands(place: Desk) -> list[str]:
    return [each.stands for each in history(place.env)]


def test_how_runs_stand(place: Desk) -> None:
    place.write({1: "Ada", 2: "Ada"})
    place.write({1: "Mae", 2: "Mae"})
    place.undo()
    assert stands(place) == ["done", "undone", "done"]
    place.redo()
    assert stands(place) == ["done", "done", "done", "done"]
    put(place.env.stores, 1, "Edna")
    place.undo()
    assert stands(place)[:1] == ["partial"]
    assert stands(place)[3:] == ["undone in part", "done"]


def test_a_run_is_running_while_its_lock_is_held_and_interrupted_afterwards(place: Desk) -> None:
    begun = killed(place, StoreName.TABLE, 1, ADA, "reset", "fresh")
    assert stands(place) == ["interrupted"]
    with place.session("reset", "fresh"):
        assert stands(place) == ["running"]
        assert interrupted(read_timeline(place.env), look(place.env.repository, TARGET.id)) is None
    place.shelf.held[LOCK] = Blob(other_host(), "application/json"), place.shelf.now
    assert stands(place) == ["running"]
    place.machine.passes(61)
    assert stands(place) == ["interrupted"]
    assert interrupted(read_timeline(place.env), look(place.env.repository, TARGET.id)) == begun


def test_a_command_that_ends_while_one_looks_is_not_interrupted(tmp_path: Path) -> None:
    class Ending(Shelf):
        def read(self, key: str) -> Stored | None:
            made.env.runs.write(replace(made.newest(), status="done"))
            return Shelf.read(self, key)

    with ThreadPoolExecutor(1) as pool:
        made = desk(tmp_path, pool)
        made.env.runs.write(make_run(1, status="running"))
        ending = Ending(held=made.shelf.held)
        env = replace(made.env, repository=ending)  # type: ignore[arg-type]
        assert [each.stands for each in history(env)] == ["done"]


def test_what_a_bucket_without_runs_says(place: Desk) -> None:
    assert stands(place) == []
    line = read_timeline(place.env)
    assert (line.newest, line.as_of) == (None, None)


class Counting(MemoryStore):
    """A store that counts its conditional writes."""

    exchanges = 0

    def exchange(self, exchanges: Any) -> list[Outcome]:
        Counting.exchanges += sum(isinstance(each, Exchange) for each in exchanges)
        return super().exchange(exchanges)


def test_an_undo_writes_only_what_the_run_changed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        place = desk(tmp_path, pool, {"table": Counting(StoreName.TABLE)})
        place.write(ADA)
        place.write({**ADA, 7: "Zora", 70: "Zora"})
        Counting.exchanges = 0
        place.undo()
        assert Counting.exchanges == 2


def spoil(place: Desk, run: Run, body: bytes = b"{") -> str:
    """Leave nothing of a run that can be read."""
    place.shelf.put(f"runs/{run.id}/run.json", Blob(body, "application/json"))
    return run.id


@pytest.mark.parametrize("body", [b"", b"{", b'{"format": 1}'])
def test_no_older_run_is_taken_back_instead_of_a_damaged_one(place: Desk, body: bytes) -> None:
    place.write(ADA)
    older = place.newest()
    place.write(MAE)
    damaged = spoil(place, place.newest(), body)
    takes: list[Callable[[], object]] = [place.undo, lambda: place.undo(damaged), place.redo]
    for take in takes:
        with pytest.raises(IntegrityFailed, match=damaged) as refused:
            take()
        assert f"runs/{damaged}/run.json in backups" in str(refused.value)
        assert "undo RUN" in refused.value.hint
    assert live(place) == state(MAE)
    place.undo(older.id, force=True)
    assert place.runs()[0].of == older.id


def test_a_damaged_run_before_the_newest_is_no_matter_until_its_turn_comes(place: Desk) -> None:
    place.write(ADA)
    damaged = spoil(place, place.newest())
    place.said.clear()
    place.write(MAE)
    assert sum(damaged in said for said in place.said) == 1
    place.write(ADA)
    assert sum(damaged in said for said in place.said) == 1, "it is said again when a newer one is there"
    place.undo()
    place.redo()
    place.undo()
    place.undo()
    assert live(place) == state(ADA)
    with pytest.raises(IntegrityFailed, match=damaged):
        place.undo()
    place.shelf.delete([f"runs/{damaged}/run.json"])
    with pytest.raises(NothingToUndo):
        place.undo()


def test_history_has_a_damaged_run_in_its_place_and_says_so(place: Desk) -> None:
    place.write(ADA)
    place.write(MAE)
    damaged = spoil(place, place.newest())
    place.write(ADA)
    place.said.clear()
    found = history(place.env)
    assert [each.stands for each in found] == ["done", "damaged", "done"]
    assert (found[1].run.id, found[1].run.undoable) == (damaged, False)
    assert found[0].run.id > found[1].run.id > found[2].run.id
    assert [damaged in said for said in place.said] == [True]

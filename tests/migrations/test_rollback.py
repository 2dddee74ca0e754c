"""Rollback: what a step's runs changed is put back attribute by attribute, and nothing that anybody else wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tattoo_data.engine.verify import Verify
from tattoo_data.errors import CannotRollBack, IntegrityFailed, Locked, NothingToUndo, StoreMissing
from tattoo_data.migrations.step import Fields
from tattoo_data.model.entry import Blob, Entry
from tattoo_data.model.keys import record_key, shard
from tattoo_data.model.project import document_of
from tattoo_data.model.records import Kind
from tattoo_data.stores.memory import MemoryStore
from tests.migrations.stand import INDEX, ODD, TABLE, Stand, artist, setting, stand, step_of
from tests.runs import Killed

PAINT = setting("example", "painted")
#: Sets one field, changes another, and takes a third away.
THREE = step_of(
    lambda record: {
        **{name: value for name, value in record.items() if name != "avatar"},
        "example": {"deep": [1, None]},
        "bio": record["bio"].upper(),
    },
    ("example", "bio", "avatar"),
    "three",
    "2.1.0",
)
RESTYLE = setting("styles", ["gothic"], "restyle", "2.2.0")
COUNT = 12


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stand]:
    """A target with 12 artists."""
    with ThreadPoolExecutor(2) as pool:
        made = stand(tmp_path, pool)
        made.fill(*(artist(number) for number in range(COUNT)))
        yield made


def key(number: int) -> str:
    return record_key(Kind.ARTIST, f"a{number}")


def named(found: Any) -> dict[str, str]:
    """What a rollback left, with its reason."""
    assert all(each.is_conflict for each in found.change.failures)
    assert sum(counts.failed for counts in found.change.counts.values()) == len(found.change.failures)
    return {each.key: each.message for each in found.change.failures}


# There and back.


def test_what_a_step_did_is_put_back_to_the_byte(place: Stand) -> None:
    before = place.held()
    for step in (PAINT, THREE, RESTYLE):
        place.migrate(step)
        done = place.roll_back(step)
        assert (place.held(), done.change.failures) == (before, ())
        assert (done.change.counts[TABLE].replaced, done.change.counts[INDEX].replaced) == (COUNT, COUNT)
        assert len(done.runs) == 1
        assert place.desk.newest().words == f"migrate rollback {step.id}"
        assert place.applied(step) == []


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_in_any_order_all_is_as_it_was(place: Stand, order: tuple[int, ...]) -> None:
    before = place.held()
    steps = [PAINT, THREE, setting("rating", 1, "rate", "2.3.0")]
    steps[1] = step_of(lambda record: {**record, "bio": record["bio"].upper()}, ("bio",), "shout", "2.1.0")
    place.steps = steps
    for step in steps:
        place.migrate(step)
    for number in order:
        assert place.roll_back(steps[number]).change.failures == ()
        assert place.is_consistent()
    assert place.held() == before


@pytest.mark.parametrize("first", [True, False])
def test_of_two_items_of_one_artist_ours_gives_the_document(place: Stand, first: bool) -> None:
    place.add_second(3, first=first, artistName="Second")
    before = place.held()
    place.migrate(PAINT)
    place.edit(3, bio="edited")
    assert place.roll_back(PAINT).change.failures == ()
    assert place.document(3) == {**json.loads(before[INDEX]["a3"]), "bio": "edited"}


@pytest.mark.parametrize("first", [True, False])
def test_an_item_that_does_not_count_and_was_edited_gives_no_document(place: Stand, first: bool) -> None:
    place.add_second(3, first=first, artistName="Second")
    before = place.held()
    place.migrate(PAINT)
    place.add_second(3, first=first, artistName="Second", bio="edited")
    assert place.roll_back(PAINT).change.failures == ()
    assert (place.fields(3), place.held()[INDEX]) == ({**artist(3)}, before[INDEX])


def test_a_dry_run_plans_just_what_is_done(place: Stand) -> None:
    place.migrate(THREE)
    place.edit(3, bio="edited")
    there, runs = place.held(), len(place.desk.runs())
    planned = place.roll_back(THREE, dry_run=True)
    assert (place.held(), len(place.desk.runs())) == (there, runs)
    done = place.roll_back(THREE)
    assert (planned.change.counts, planned.change.failures) == (done.change.counts, done.change.failures)


def test_several_runs_are_put_back_at_once(place: Stand) -> None:
    before = place.held()
    place.migrate(PAINT, keys="ARTIST#a1*")
    place.migrate(PAINT, limit=4)
    place.migrate(PAINT)
    done = place.roll_back(PAINT)
    assert (place.held(), len(done.runs)) == (before, 3)


def test_a_record_that_was_put_in_its_old_form_and_migrated_again(place: Stand) -> None:
    before = place.held()
    (old,) = place.table.get([key(3)])
    place.migrate(THREE)
    place.table.put([old])
    place.migrate(THREE)
    assert place.roll_back(THREE).change.failures == ()
    assert place.held() == before


def test_a_rollback_puts_back_what_is_there_of_it(place: Stand) -> None:
    place.migrate(PAINT)
    place.remove(3)
    place.table.put([Entry(key(99), place.table.get([key(4)])[0].body.replace(b"a4", b"a99"))])
    done = place.roll_back(PAINT)
    assert done.change.failures == ()
    assert key(3) not in place.held()[TABLE]
    assert place.fields(99)["example"] == "painted", "no run of the step wrote it"


# Documents.


def test_a_document_that_the_step_made_goes(place: Stand) -> None:
    place.index._entries = {}
    before = place.held()
    place.migrate(PAINT)
    assert place.is_consistent()
    done = place.roll_back(PAINT)
    assert (place.held(), done.change.counts[INDEX].deleted) == (before, COUNT)


def test_a_document_that_is_gone_stays_away(place: Stand) -> None:
    place.migrate(PAINT)
    assert place.index._entries is not None
    del place.index._entries["a3"]
    assert place.roll_back(PAINT).change.failures == ()
    assert place.document(3) is None


def test_a_document_that_was_odd_before_is_odd_again(place: Stand) -> None:
    place.index.put([Entry("a3", b'{"artistId":"a3","of":"theirs","rating":4.500}')])
    before = place.held()
    place.migrate(PAINT)
    assert place.is_consistent()
    place.roll_back(PAINT)
    assert place.held() == before


def test_a_document_that_somebody_wrote_since_becomes_what_its_item_gives(place: Stand) -> None:
    place.migrate(PAINT)
    place.index.put([Entry("a3", b'{"artistId":"a3","bio":"stale"}')])
    assert place.roll_back(PAINT).change.failures == ()
    assert place.is_consistent()


# Somebody edited since.


def test_an_edit_of_another_field_stays_and_the_step_is_put_back(place: Stand) -> None:
    before = [place.fields(number) for number in range(COUNT)]
    place.migrate(THREE)
    place.edit(3, rating=1, tags={"c"}, extra=b"\x00")
    done = place.roll_back(THREE)
    assert done.change.failures == ()
    assert place.fields(3) == {**before[3], "rating": 1, "tags": {"c"}, "extra": b"\x00"}
    assert place.fields(4) == before[4]
    assert place.is_consistent()
    assert {name: place.fields(3)[name] for name in ("exact", "raw", "deep")} == {
        name: ODD[name] for name in ("exact", "raw", "deep")
    }


def test_a_field_that_was_changed_since_is_left_and_named(place: Stand) -> None:
    before = [place.fields(number) for number in range(COUNT)]
    place.migrate(THREE)
    place.edit(3, bio="edited", avatar="x")
    place.edit(4, "example")
    done = place.roll_back(THREE)
    assert named(done) == {key(3): "avatar, bio was changed since, and is left as it is"}
    assert place.fields(3) == {**before[3], "bio": "edited", "avatar": "x"}
    assert place.fields(4) == before[4], "it is gone already"
    assert place.is_consistent()
    assert place.desk.newest().status == "partial"


def test_a_rollback_that_left_something_can_be_done_again_and_writes_nothing(place: Stand) -> None:
    place.migrate(THREE)
    place.edit(3, bio="edited")
    place.roll_back(THREE)
    there, runs = place.held(), len(place.desk.runs())
    again = place.roll_back(THREE)
    assert set(named(again)) == {key(3)}
    assert (place.held(), len(place.desk.runs()), again.change.run) == (there, runs, None)


def test_what_was_left_is_put_back_once_it_is_as_the_step_made_it(place: Stand) -> None:
    before = place.held()
    place.migrate(THREE)
    place.edit(3, bio="edited")
    place.roll_back(THREE)
    place.edit(3, bio=artist(3)["bio"].upper())
    assert place.roll_back(THREE).change.failures == ()
    assert place.held() == before
    assert place.applied(THREE) == []


def test_what_was_left_and_is_as_it_was_by_now_is_rolled_back(place: Stand) -> None:
    before = place.held()
    place.migrate(THREE)
    place.edit(3, bio="edited")
    place.roll_back(THREE)
    place.edit(3, bio=artist(3)["bio"])
    place.index.put([each for item in place.table.get([key(3)]) if (each := document_of(item))])
    assert place.roll_back(THREE).change.failures == ()
    assert (place.held(), place.applied(THREE)) == (before, [])
    with pytest.raises(NothingToUndo):
        place.roll_back(THREE)


def test_a_null_and_nothing_are_not_the_same(place: Stand) -> None:
    place.migrate(PAINT)
    place.edit(3, example=None)
    assert named(place.roll_back(PAINT)) == {key(3): "example was changed since, and is left as it is"}
    assert place.fields(3)["example"] is None


def test_the_keys_of_secondary_indexes_go_with_their_fields(place: Stand) -> None:
    place.migrate(RESTYLE)
    place.edit(3, bio="edited")
    place.edit(4, styles=["tribal"])
    done = place.roll_back(RESTYLE)
    assert set(named(done)) == {key(4)}
    assert place.attributes(3)["gsi1pk"] == {"S": f"STYLE#celtic#SHARD#{shard('a3')}"}
    assert place.attributes(4)["gsi1pk"] == {"S": f"STYLE#tribal#SHARD#{shard('a4')}"}


def test_a_style_that_was_edited_without_its_key_keeps_a_key_of_its_own(place: Stand) -> None:
    """Somebody who writes one field alone leaves the keys of the indexes as the step made them."""
    place.migrate(RESTYLE)
    (old,) = place.table.get([key(4)])
    place.table.put([Entry(old.key, old.body.replace(b'[{"S":"gothic"}]', b'[{"S":"gothic"},{"S":"tribal"}]'))])
    assert set(named(place.roll_back(RESTYLE))) == {key(4)}
    assert place.fields(4)["styles"] == ["gothic", "tribal"]
    assert place.attributes(4)["gsi1pk"] == {"S": f"STYLE#gothic#SHARD#{shard('a4')}"}


def test_a_shard_that_the_application_drew_comes_back(place: Stand) -> None:
    (old,) = place.table.get([key(3)])
    place.table.put([Entry(old.key, old.body.replace(f"SHARD#{shard('a3')}".encode(), b"SHARD#77"))])
    place.migrate(RESTYLE)
    (new,) = place.table.get([key(3)])
    place.table.put([Entry(new.key, new.body.replace(b'"bio":{"S":"Knots', b'"bio":{"S":"No knots'))])
    assert place.roll_back(RESTYLE).change.failures == ()
    assert place.attributes(3)["gsi1pk"] == {"S": "STYLE#celtic#SHARD#77"}
    assert place.fields(3)["bio"] == "No knots, mostly."


def test_a_step_whose_code_is_another_by_now(place: Stand) -> None:
    before = place.held()
    place.migrate(PAINT)
    place.edit(3, bio="edited")

    def fails(record: Fields) -> Fields:
        raise KeyError("rewritten")

    assert place.roll_back(step_of(fails, ("example",))).change.failures == ()
    assert place.fields(3) == {**artist(3), "bio": "edited"}
    assert {each: body for each, body in place.held()[TABLE].items() if each != key(3)} == {
        each: body for each, body in before[TABLE].items() if each != key(3)
    }


@given(
    edits=st.dictionaries(
        st.sampled_from(["example", "bio", "avatar", "rating", "new", "tags"]),
        st.sampled_from(["KNOTS, MOSTLY.", "Knots, mostly.", None, 4, {"deep": [1, None]}]),
        max_size=3,
    ),
    gone=st.sets(st.sampled_from(["example", "bio", "avatar", "rating", "tags"]), max_size=2),
)
@settings(max_examples=30)
def test_each_field_is_as_before_or_as_it_was_edited(edits: Fields, gone: set[str]) -> None:
    with ThreadPoolExecutor(2) as pool:
        place = stand(Path(), pool)
        place.fill(artist(1))
        before = place.fields(1)
        place.migrate(THREE)
        migrated = place.fields(1)
        place.edit(1, *gone, **edits)
        edited = place.fields(1)
        done = place.roll_back(THREE)
        after = place.fields(1)
        left = {
            name
            for name in THREE.writes
            if edited.get(name, ...) != migrated.get(name, ...) and edited.get(name, ...) != before.get(name, ...)
        }
        for name in {*before, *edited, *after}:
            wanted = before if name in THREE.writes and name not in left else edited
            assert after.get(name, ...) == wanted.get(name, ...), name
        assert bool(done.change.failures) is bool(left)
        assert all(name in done.change.failures[0].message for name in left)
        assert place.is_consistent()


# Steps that wrote the same field.

FIRST, SECOND = setting("example", "first", "first", "3.0.0"), setting("example", "second", "second", "3.1.0")


def test_a_field_that_a_later_step_wrote_waits_for_that_one(place: Stand) -> None:
    before = place.held()
    place.steps = [FIRST, SECOND]
    place.migrate(FIRST)
    place.migrate(SECOND)
    there = place.held()
    for options in ({}, {"dry_run": True}):
        with pytest.raises(CannotRollBack, match="second wrote example later; roll that back first") as refused:
            place.roll_back(FIRST, **options)
        assert refused.value.exit_code == 13
    assert (place.held(), len(place.desk.runs())) == (there, 2)
    place.roll_back(SECOND)
    place.roll_back(FIRST)
    assert place.held() == before


def test_a_later_step_that_was_undone_is_in_nobodys_way(place: Stand) -> None:
    before = place.held()
    place.steps = [FIRST, SECOND]
    place.migrate(FIRST)
    place.migrate(SECOND)
    place.desk.undo()
    place.roll_back(FIRST)
    assert place.held() == before


def test_an_earlier_step_that_ran_later_is_nobodys_loss(place: Stand) -> None:
    place.steps = [FIRST, SECOND]
    place.migrate(SECOND)
    place.migrate(FIRST)
    assert set(named(place.roll_back(SECOND))) == {key(number) for number in range(COUNT)}
    assert place.fields(1)["example"] == "first"
    place.roll_back(FIRST)
    assert place.fields(1)["example"] == "second"
    assert place.roll_back(SECOND).change.failures == ()
    assert "example" not in place.fields(1)


def test_two_steps_never_wait_for_each_other(place: Stand) -> None:
    """Both ran twice, because records in the old form came in between."""
    first = step_of(lambda record: {"example": "first", **record}, ("example",), "first", "3.0.0")
    place.steps = [first, SECOND]
    old = place.table.get([key(3), key(4)])
    for _ in range(2):
        place.table.put(old)
        place.migrate(first)
        place.migrate(SECOND)
    place.roll_back(SECOND)
    assert {place.fields(number)["example"] for number in range(COUNT)} == {"first"}
    place.roll_back(first)
    assert all("example" not in place.fields(number) for number in range(COUNT))


# What cannot be rolled back.


@pytest.mark.parametrize("options", [{}, {"dry_run": True}])
def test_where_no_run_stands_there_is_nothing_to_roll_back(place: Stand, options: Any) -> None:
    for prepare in (
        lambda: None,
        lambda: place.migrate(PAINT) and place.roll_back(PAINT),
        lambda: place.leave("reset"),
    ):
        prepare()
        with pytest.raises(NothingToUndo, match="nothing to roll back of paint") as refused:
            place.roll_back(PAINT, **options)
        assert refused.value.exit_code == 10


def test_a_run_that_kept_nothing_cannot_be_rolled_back(place: Stand) -> None:
    place.migrate(PAINT, undo=False)
    with pytest.raises(CannotRollBack, match="kept no before-images"):
        place.roll_back(PAINT)


def test_before_images_that_are_damaged_stop_it_before_anything_is_written(place: Stand) -> None:
    place.migrate(PAINT)
    name = place.env.before_images.files(place.desk.newest().id)[0]
    place.desk.shelf.put(name, Blob(b"cut", "application/zstd"))
    before = place.held()
    with pytest.raises(IntegrityFailed):
        place.roll_back(PAINT)
    assert (place.held(), len(place.desk.runs())) == (before, 1)


def test_without_a_table_nothing_is_made(place: Stand) -> None:
    place.migrate(PAINT)
    place.table.lose()
    with pytest.raises(StoreMissing):
        place.roll_back(PAINT)
    assert place.table.describe() is None


def test_another_command_keeps_it_out(place: Stand) -> None:
    place.migrate(PAINT)
    with place.desk.session("reset", "fresh"), pytest.raises(Locked):
        place.roll_back(PAINT)


# Meanwhile, and interrupted.


def test_an_edit_in_between_is_kept(place: Stand) -> None:
    place.migrate(THREE)

    def edit(keys: list[str]) -> None:
        place.table.meanwhile = lambda keys: None
        place.edit(3, rating=1)
        place.edit(4, bio="edited")

    place.table.meanwhile = edit
    done = place.roll_back(THREE)
    assert {each.key for each in done.change.failures if each.store is TABLE} <= {key(4)}
    assert (place.fields(3)["rating"], place.fields(3)["bio"]) == (1, artist(3)["bio"])
    assert place.fields(4)["bio"] == "edited"
    assert all("example" not in place.fields(number) for number in range(COUNT))
    assert place.is_consistent()
    assert set(named(place.roll_back(THREE))) == {key(4)}


def test_a_document_written_in_between_becomes_what_its_item_gives(place: Stand) -> None:
    place.migrate(PAINT)

    def edit(keys: list[str]) -> None:
        place.index.meanwhile = lambda keys: None
        place.edit(3, bio="edited")
        MemoryStore.put(place.index, [Entry("a3", b'{"artistId":"a3","bio":"edited"}')])

    place.index.meanwhile = edit
    assert place.roll_back(PAINT).change.failures == ()
    assert place.is_consistent()
    assert (place.document(3)["bio"], "example" in place.document(3)) == ("edited", False)


@pytest.mark.parametrize("store", [TABLE, INDEX])
@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("then", ["the same", "another", "a migration of its own"])
def test_a_killed_rollback_goes_on(place: Stand, store: Any, write: int, then: str) -> None:
    before = place.held()
    place.migrate(THREE)
    crowded = place.table if store is TABLE else place.index
    crowded.dies_at = write
    with pytest.raises(Killed):
        place.roll_back(THREE)
    assert place.desk.newest().status == "running"
    if then == "another":
        place.migrate(PAINT)
        place.roll_back(PAINT)
    elif then != "the same":
        place.migrate(THREE)
    assert place.roll_back(THREE).change.failures == ()
    assert place.held() == before
    assert place.applied(THREE) == []


@pytest.mark.parametrize("verify", list(Verify))
def test_what_a_store_refuses_is_named_and_done_by_the_next(place: Stand, verify: Verify) -> None:
    before = place.held()
    place.migrate(THREE)
    place.index.refuses = lambda each: each == "a7"
    place.table.refuses = lambda each: each == key(3)
    done = place.roll_back(THREE, verify=verify)
    assert {(each.store, each.key) for each in done.change.failures} == {(TABLE, key(3)), (INDEX, "a7")} or (
        verify is Verify.NONE
    )
    place.index.refuses = place.table.refuses = lambda each: False
    assert place.roll_back(THREE, verify=verify).change.failures == ()
    assert place.held() == before


def test_a_command_that_was_killed_after_its_last_write_tells_what_it_did(place: Stand) -> None:
    place.migrate(PAINT)
    done = place.roll_back(PAINT)
    place.desk.outlive(place.desk.newest(), "migrate rollback paint")
    assert place.roll_back(PAINT).change.run == done.change.run


# Undo and redo.


def test_undo_and_redo_of_a_rollback(place: Stand) -> None:
    before = place.held()
    place.migrate(THREE)
    migrated = place.held()
    place.roll_back(THREE)
    place.desk.undo()
    assert (place.held(), place.applied(THREE)) == (migrated, ["done"])
    place.desk.redo()
    assert (place.held(), place.applied(THREE)) == (before, [])
    place.desk.undo()
    assert place.roll_back(THREE).change.failures == ()
    assert place.held() == before


def test_a_migration_that_was_undone_and_redone_is_rolled_back(place: Stand) -> None:
    before = place.held()
    place.migrate(THREE)
    place.desk.undo()
    with pytest.raises(NothingToUndo):
        place.roll_back(THREE)
    place.desk.redo()
    place.roll_back(THREE)
    assert place.held() == before


def test_migrated_again_after_a_rollback(place: Stand) -> None:
    before = place.held()
    for _ in range(3):
        place.migrate(THREE)
        place.roll_back(THREE)
    assert place.held() == before


def test_an_undo_of_an_older_run_leaves_the_later_ones_to_a_rollback(place: Stand) -> None:
    before = place.held()
    first = place.migrate(PAINT, limit=5).change.run
    place.migrate(PAINT)
    place.desk.undo(first)
    assert place.roll_back(PAINT).runs[0].id != first
    assert place.held() == before

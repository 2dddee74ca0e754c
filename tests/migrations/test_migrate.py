"""Migrate: every record taken through a step, table and index in one run, whatever comes in between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.engine.verify import Verify
from tattoo_data.errors import IntegrityFailed, Locked, NotFound, StepBroken, StoreError, StoreMissing
from tattoo_data.migrations.documents import documents_now
from tattoo_data.migrations.load import load_steps
from tattoo_data.migrations.migrate import migrate_all
from tattoo_data.migrations.step import Context, Fields, Step
from tattoo_data.model.entry import Blob, Entry
from tattoo_data.model.keys import item_key, record_key
from tattoo_data.model.project import document_of, item_of
from tattoo_data.model.records import Kind, Record
from tattoo_data.model.structure import INDEX_MAPPING
from tattoo_data.runs.session import WriteOptions
from tattoo_data.stores.base import scan
from tattoo_data.stores.memory import MemoryStore
from tests.migrations.stand import INDEX, ODD, TABLE, Crowded, Stand, artist, setting, stand, step_of
from tests.runs import Killed
from tests.validation.samples import STUDIO

PAINT = setting("example", "painted")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stand]:
    """A target with 12 artists, a studio and an item of another kind."""
    with ThreadPoolExecutor(2) as pool:
        made = stand(tmp_path, pool)
        made.fill(*(artist(number) for number in range(12)))
        studio = item_of(Record(kind=Kind.STUDIO, fields=STUDIO))
        made.table.put([studio, Entry(item_key("AUDIT#1", "x"), b'{"PK":{"S":"AUDIT#1"},"SK":{"S":"x"}}')])
        yield made


def key(number: int) -> str:
    return record_key(Kind.ARTIST, f"a{number}")


def painted(place: Stand) -> set[int]:
    return {number for number in range(12) if place.fields(number).get("example") == "painted"}


def once(store: Crowded, act: Any) -> None:
    """Somebody does something just before the store's next write."""

    def meanwhile(keys: list[str]) -> None:
        store.meanwhile = lambda keys: None
        act()

    store.meanwhile = meanwhile


# What a run does.


def test_every_record_and_its_document_change_in_one_run(place: Stand) -> None:
    done = place.migrate(PAINT)
    assert painted(place) == set(range(12))
    assert place.is_consistent()
    assert {name: place.fields(7)[name] for name in ODD} == ODD
    assert (done.change.counts[TABLE].replaced, done.change.counts[INDEX].replaced) == (12, 12)
    assert (done.change.counts[TABLE].unchanged, done.change.failures) == (2, ())
    run = place.desk.newest()
    assert (run.id, run.words, run.status) == (done.change.run, "migrate run paint", "done")
    assert run.by is not None and "@" in run.by


def test_a_second_time_nothing_is_written(place: Stand) -> None:
    place.migrate(PAINT)
    there, kept = place.held(), place.desk.shelf.keys()
    again = place.migrate(PAINT)
    assert (again.change.run, again.change.counts[TABLE].replaced) == (None, 0)
    assert (place.held(), place.desk.shelf.keys()) == (there, kept)


def test_other_items_and_documents_stay_to_the_byte(place: Stand) -> None:
    place.index.put([Entry("ARTIST#a1", b'{"of":"theirs"}'), Entry("a99", b'{"artistId":"a99","stale":1.50}')])
    before = place.held()
    place.migrate(PAINT)
    after = place.held()
    for name, entry in (("AUDIT#1", "x"), ("STUDIO#studio-a", "METADATA")):
        assert after[TABLE][item_key(name, entry)] == before[TABLE][item_key(name, entry)]
    assert {name: after[INDEX][name] for name in ("ARTIST#a1", "a99")} == {
        name: before[INDEX][name] for name in ("ARTIST#a1", "a99")
    }


def test_a_step_of_studios_leaves_the_index_alone(place: Stand) -> None:
    before = place.held()
    done = place.migrate(setting("example", 1, kinds=frozenset({Kind.STUDIO})))
    assert done.change.counts[TABLE].replaced == 1
    assert place.held()[INDEX] == before[INDEX]


def test_a_dry_run_plans_just_what_is_done(place: Stand) -> None:
    there = place.held()
    planned = place.migrate(PAINT, dry_run=True)
    assert (place.held(), place.desk.runs(), planned.change.run) == (there, [], None)
    steps = {
        name: [(each.key, each.put) for each in planned.change.plan.stores[name].steps()] for name in (TABLE, INDEX)
    }
    done = place.migrate(PAINT)
    assert planned.change.counts == done.change.counts
    for name, each in steps.items():
        assert all(put is not None and place.held()[name][key] == put.body for key, put in each)


def test_a_missing_document_is_made_with_its_record(place: Stand) -> None:
    place.index._entries = {}
    assert place.migrate(PAINT).change.counts[INDEX].created == 12
    assert place.is_consistent()


def test_records_under_the_node_tools_key_keep_it(place: Stand) -> None:
    (old,) = place.table.get([key(3)])
    place.remove(3)
    place.table.put([Entry(old.key.replace("METADATA", "PROFILE"), old.body.replace(b"METADATA", b"PROFILE"))])
    place.migrate(PAINT)
    assert place.document(3)["example"] == "painted"
    assert key(3) not in place.held()[TABLE]
    assert place.is_consistent()


@pytest.mark.parametrize("first", [True, False])
def test_of_two_items_of_one_artist_ours_gives_the_document(place: Stand, first: bool) -> None:
    place.add_second(3, first=first, artistName="Second")
    done = place.migrate(PAINT)
    assert (done.change.counts[TABLE].replaced, done.change.counts[INDEX].replaced) == (13, 12)
    assert place.document(3) == {**place.document(3), "artistName": artist(3)["artistName"], "example": "painted"}
    assert b"painted" in place.held()[TABLE][key(3).replace("METADATA", "PROFILE")]


def test_an_item_that_does_not_count_is_migrated_and_leaves_the_document(place: Stand) -> None:
    place.migrate(PAINT)
    before = place.document(3)
    place.add_second(3, artistName="Second", example="old")
    assert place.migrate(PAINT).change.counts[TABLE].replaced == 1
    assert place.document(3) == before


def test_of_two_items_of_one_artist_ours_alone_counts_where_it_cannot_be_read(place: Stand) -> None:
    place.add_second(3, artistName="Second")
    assert place.table._entries is not None
    place.table._entries[key(3)] = Entry(key(3), b'{"PK":{"S":"ARTIST#a3"},"SK":{"S":"METADATA"},"bio":1}')
    assert documents_now(place.table, ["a3", "a4"]).keys() == {"a4"}


def test_without_a_table_there_is_nothing_to_migrate(place: Stand) -> None:
    place.table.lose()
    for options in ({}, {"dry_run": True}):
        with pytest.raises(StoreMissing):
            place.migrate(PAINT, **options)
    assert place.desk.runs() == []
    assert place.table.describe() is None


def test_an_index_that_is_missing_is_made_and_filled(place: Stand) -> None:
    place.index.lose()
    done = place.migrate(PAINT)
    assert done.change.counts[INDEX].created == 12
    assert place.is_consistent()
    place.index.lose()
    assert place.migrate(PAINT).change.counts[INDEX].created == 12, "even where no record has anything to do"


def test_of_two_at_once_one_is_kept_out(place: Stand) -> None:
    def another() -> None:
        with pytest.raises(Locked, match="locked by `migrate run paint`"):
            place.migrate(setting("bio", "x", "other", "2.1.0"))

    once(place.table, another)
    assert place.migrate(PAINT).change.failures == ()


# A part of it.


def test_a_trial_on_a_few_keys(place: Stand) -> None:
    done = place.migrate(PAINT, keys="ARTIST#a1*")
    assert painted(place) == {1, 10, 11}
    assert done.change.counts[TABLE].replaced == 3
    assert place.desk.newest().words == "migrate run paint --keys 'ARTIST#a1*'"
    assert place.migrate(PAINT).change.counts[TABLE].replaced == 9


def test_a_trial_on_keys_that_nothing_has_is_told(place: Stand) -> None:
    with pytest.raises(NotFound, match=r"no key of the table is like 'ARTIST#nobody\*'"):
        place.migrate(PAINT, keys="ARTIST#nobody*")
    assert (painted(place), place.desk.runs()) == (set(), [])


def test_a_trial_on_a_few_records(place: Stand) -> None:
    done = place.migrate(PAINT, limit=5)
    assert (len(painted(place)), done.change.counts[TABLE].replaced) == (5, 5)
    assert place.is_consistent()
    assert place.migrate(PAINT, limit=4, keys="ARTIST#*").change.counts[TABLE].replaced == 4
    assert len(painted(place)) == 9
    assert place.desk.newest().words == "migrate run paint --keys 'ARTIST#*' --limit 4"


def test_a_trial_that_is_killed_changes_no_more_when_it_goes_on(place: Stand) -> None:
    place.index.dies_at = 1
    with pytest.raises(Killed):
        place.migrate(PAINT, limit=5)
    begun = painted(place)
    place.migrate(PAINT, limit=5)
    assert begun <= painted(place)
    assert len(painted(place)) == 5
    assert len(place.desk.runs()) == 1
    assert place.is_consistent()


def test_what_is_left_out_is_not_looked_at(place: Stand) -> None:
    odd = replace(step_of(touchy, ("example",)), left=lambda record: "odd")
    done = place.migrate(odd, keys="ARTIST#a1")
    assert (done.change.failures, [each.count for each in done.left]) == ((), [1])


# Records to which it cannot be done.


def touchy(record: Fields) -> Fields:
    if record["artistId"] in ("a3", "a7"):
        raise KeyError("no colour")
    return {**record, "example": "painted"}


def test_a_record_at_which_it_raises_is_named_and_the_rest_is_done(place: Stand) -> None:
    before = place.held()
    done = place.migrate(step_of(touchy, ("example",)))
    assert painted(place) == set(range(12)) - {3, 7}
    assert {(each.store, each.key, each.error) for each in done.change.failures} == {
        (TABLE, key(number), "StepFailed") for number in (3, 7)
    }
    assert all("it raises KeyError: 'no colour'" in each.message for each in done.change.failures)
    assert done.change.counts[TABLE].failed == 2
    assert place.held()[TABLE][key(3)] == before[TABLE][key(3)]
    assert place.held()[INDEX]["a3"] == before[INDEX]["a3"]
    assert place.desk.newest().status == "partial"


def test_where_it_can_be_done_to_no_record_nothing_is_written(place: Stand) -> None:
    before = place.held()
    done = place.migrate(step_of(lambda record: None, ("example",)))  # type: ignore[arg-type,return-value]
    assert len(done.change.failures) == 12
    assert (place.held(), place.desk.runs()) == (before, [])


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (step_of(lambda record: {**record, "example": record.get("example", 0) + 1}, ("example",)), "not idempotent"),
        (step_of(lambda record: {**record, "example": 1, "bio": "x"}, ("example",)), "WRITES lacks"),
        (setting("example", 1, left=lambda record: record["nothing"]), "left"),
    ],
)
def test_a_step_at_fault_stops_before_anything_is_written(place: Stand, step: Step, why: str) -> None:
    before = place.held()
    for options in ({}, {"dry_run": True}):
        with pytest.raises(StepBroken, match=why):
            place.migrate(step, **options)
    assert (place.held(), place.desk.runs(), place.desk.shelf.keys("locks/")) == (before, [], [])


def test_a_record_that_becomes_invalid_is_named(place: Stand) -> None:
    done = place.migrate(step_of(lambda record: {**record, "rating": 9}, ("rating",)), keys="ARTIST#a3")
    assert ["at rating" in each.message for each in done.change.failures] == [True]
    assert place.fields(3)["rating"] == artist(3)["rating"]


# What is said beside it.


def test_records_that_are_left_are_counted_by_reason(place: Stand) -> None:
    def left(record: Fields) -> str | None:
        number = int(record["artistId"][1:])
        return {0: "rare", 1: "frequent", 2: "frequent"}.get(number % 10)

    done = place.migrate(replace(PAINT, left=left))
    assert [(each.reason, each.count, each.example) for each in done.left] == [("frequent", 3, "a1"), ("rare", 2, "a0")]


def test_earlier_steps_with_something_to_do_are_named(place: Stand) -> None:
    first, second = setting("one", 1, "first", "1.0.1"), setting("two", 2, "second", "1.0.2")
    failing = step_of(lambda record: {**record, "three": 1.5}, ("three",), "third", "1.0.3")
    broken = step_of(lambda record: {**record, "four": record.get("four", 0) + 1}, ("four",), "fourth", "1.0.4")
    place.migrate(second)
    assert place.migrate(PAINT, first, second, failing, broken).earlier == ("first", "third", "fourth")
    place.migrate(first)
    assert place.migrate(PAINT, first, second).earlier == ()


def test_the_day_is_that_of_the_data(place: Stand) -> None:
    def up(record: Fields, context: Context) -> Fields:
        return {**record, "example": str(context.as_of)}

    step = replace(PAINT, up=up)
    place.migrate(step)
    assert place.fields(1)["example"] == str(place.env.clock.today())
    place.leave("reset", "fresh", as_of=date(2026, 1, 31))
    place.migrate(step)
    assert place.fields(1)["example"] == "2026-01-31"
    place.desk.env = replace(place.env, settings=replace(place.env.settings, as_of=date(2025, 5, 5)))
    place.migrate(step)
    assert (place.fields(1)["example"], place.desk.newest().as_of) == ("2025-05-05", date(2025, 5, 5))


# The index's mapping.


def test_the_mapping_of_a_step_is_asked_for_with_what_is_there(place: Stand) -> None:
    there = {**INDEX_MAPPING, "properties": {**INDEX_MAPPING["properties"], "own": {"type": "keyword"}}}
    place.index.structure = {"mappings": there, "settings": {"index": {"number_of_shards": "3"}}}
    step = replace(PAINT, mapping={"example": {"type": "keyword"}})
    place.migrate(step)
    (shape,) = place.index.shapes
    assert shape["settings"] == {"index": {"number_of_shards": "3"}}
    assert set(shape["mappings"]["properties"]) == {*INDEX_MAPPING["properties"], "own", "example"}


@pytest.mark.parametrize("structure", [None, {}, {"mappings": {"properties": {"artistId": {"type": "text"}}}}])
def test_the_mapping_of_a_step_comes_to_an_index_that_is_missing_or_spoilt(place: Stand, structure: Any) -> None:
    if structure is None:
        place.index.lose()
    else:
        place.index.structure = structure
    place.migrate(replace(PAINT, mapping={"example": {"type": "keyword"}}))
    assert set(place.index.shapes[0]["mappings"]["properties"]) == {*INDEX_MAPPING["properties"], "example"}


def test_a_mapping_that_is_there_already_is_not_asked_for(place: Stand) -> None:
    place.index.structure = {"mappings": INDEX_MAPPING}
    place.migrate(replace(PAINT, mapping={"bio": INDEX_MAPPING["properties"]["bio"]}))
    assert place.index.shapes == []


def test_an_index_that_is_to_stay_as_it_is_does_and_that_is_said(place: Stand) -> None:
    place.desk.env = replace(place.env, settings=replace(place.env.settings, index_swap="never"))
    place.index.structure = {"mappings": INDEX_MAPPING}
    step = replace(PAINT, mapping={"example": {"type": "keyword"}})
    place.migrate(step)
    assert place.migrate(step).change.run is None
    assert place.index.shapes == []
    assert ["index.swap is never" in each and "example is not mapped" in each for each in place.desk.said] == [True] * 2


@pytest.mark.parametrize(
    ("reason", "error", "named"),
    [
        ("HTTP 400 mapper_parsing_exception: No handler for type [nosuch]", StepBroken, "paint.py.*type .nosuch."),
        ("HTTP 400 validation_exception: this action would add [2] total shards", StoreError, "create index.*shards"),
    ],
)
def test_a_mapping_that_opensearch_refuses_is_the_fault_of_its_step(
    place: Stand, monkeypatch: pytest.MonkeyPatch, reason: str, error: type[Exception], named: str
) -> None:
    class Refusing:
        def shaped(self, structure: Any) -> Refusing:
            return self

        def build(self) -> None:
            raise StoreError(service="opensearch", endpoint="x", operation="create index", reason=reason)

    before = place.held()
    door: Any = Refusing()
    place.desk.env = replace(place.env, stores=replace(place.env.stores, index_door=door))
    with pytest.raises(error, match=named) as found:
        place.migrate(replace(PAINT, mapping={"lang": {"type": "nosuch"}}))
    assert type(found.value) is error
    assert (place.held(), place.desk.runs()) == (before, [])


# Somebody else writes meanwhile.


def test_an_edit_in_between_is_kept_and_the_record_migrated(place: Stand) -> None:
    def edit() -> None:
        for number in range(12):
            place.edit(number, bio=f"edited {number}")

    once(place.table, edit)
    done = place.migrate(PAINT)
    assert done.change.failures == ()
    assert painted(place) == set(range(12))
    assert {place.fields(number)["bio"] for number in range(12)} == {f"edited {number}" for number in range(12)}
    assert place.is_consistent()


def test_an_edit_of_the_very_field_is_what_the_step_starts_from(place: Stand) -> None:
    step = step_of(lambda record: {**record, "bio": record["bio"].upper()}, ("bio",))
    once(place.table, lambda: place.edit(4, bio="edited"))
    place.migrate(step)
    assert (place.fields(4)["bio"], place.document(4)["bio"]) == ("EDITED", "EDITED")


def test_a_record_that_goes_in_between_stays_away(place: Stand) -> None:
    def remove() -> None:
        place.remove(4)
        assert place.index._entries is not None
        del place.index._entries["a4"]

    once(place.table, remove)
    done = place.migrate(PAINT)
    assert done.change.failures == ()
    assert key(4) not in place.held()[TABLE] and "a4" not in place.held()[INDEX]


def test_a_record_whose_edit_did_the_step_already_is_right(place: Stand) -> None:
    once(place.table, lambda: place.edit(4, example="painted", bio="edited"))
    done = place.migrate(PAINT)
    assert (done.change.failures, place.fields(4)["bio"]) == ((), "edited")
    assert place.is_consistent()


def test_a_record_to_which_it_cannot_be_done_any_more_is_named(place: Stand) -> None:
    once(place.table, lambda: place.edit(4, artistName="x", bio="odd"))

    def up(record: Fields) -> Fields:
        assert record["bio"] != "odd", "no colour"
        return {**record, "example": "painted"}

    done = place.migrate(step_of(up, ("example",)))
    assert [(each.store, each.key) for each in done.change.failures] == [(TABLE, key(4))]
    assert (place.fields(4)["bio"], place.document(4)["bio"]) == ("odd", "odd")
    assert painted(place) == set(range(12)) - {4}


def test_a_document_that_somebody_writes_in_between_becomes_what_its_item_gives(place: Stand) -> None:
    def write() -> None:
        place.edit(4, bio="edited")
        MemoryStore.put(place.index, [Entry("a4", b'{"artistId":"a4","bio":"edited"}')])

    once(place.index, write)
    done = place.migrate(PAINT)
    assert done.change.failures == ()
    assert (place.document(4)["bio"], place.document(4)["example"]) == ("edited", "painted")
    assert place.is_consistent()


def test_a_record_that_is_edited_again_once_all_is_written_is_right(place: Stand) -> None:
    """Its document was made of the edit before; the next one is the application's to bring."""
    once(place.table, lambda: place.edit(4, bio="edited"))
    place.index.afterwards = lambda: place.edit(4, bio="edited again", example="painted")
    done = place.migrate(PAINT)
    assert done.change.failures == ()
    assert (place.fields(4)["bio"], place.document(4)["bio"]) == ("edited again", "edited")


def test_who_never_stops_writing_one_record_keeps_only_that_one_back(place: Stand) -> None:
    count = Counter[str]()

    def edit(keys: list[str]) -> None:
        if key(4) in keys:
            count["edits"] += 1
            place.edit(4, bio=f"edit {count['edits']}")

    place.table.meanwhile = edit
    done = place.migrate(PAINT)
    assert {each.key for each in done.change.failures if each.store is TABLE} == {key(4)}
    assert place.fields(4)["bio"] == f"edit {count['edits']}"
    assert painted(place) == set(range(12)) - {4}


# Interrupted.


@pytest.mark.parametrize("store", [TABLE, INDEX])
@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("then", ["the same", "another", "run-all"])
def test_a_killed_run_goes_on_and_can_be_taken_back(place: Stand, store: Any, write: int, then: str) -> None:
    before = place.held()
    other = setting("other", 1, "other", "1.9.0")
    crowded = place.table if store is TABLE else place.index
    crowded.dies_at = write
    with pytest.raises(Killed):
        place.migrate(PAINT)
    assert place.desk.newest().status == "running"
    if then != "the same":
        place.migrate(other)
        place.roll_back(other)
    place.migrate(PAINT)
    assert painted(place) == set(range(12))
    assert place.is_consistent()
    assert len(place.applied(PAINT)) == (1 if then == "the same" else 2)
    place.roll_back(PAINT)
    assert place.held() == before


@pytest.mark.parametrize("verify", list(Verify))
def test_a_document_that_the_index_refuses_is_written_by_the_next_run(place: Stand, verify: Verify) -> None:
    place.index.refuses = lambda key: key in ("a3", "a7", "a10")
    done = place.migrate(PAINT, verify=verify)
    assert {(each.store, each.key) for each in done.change.failures} == {(INDEX, each) for each in ("a3", "a7", "a10")}
    assert done.change.counts[INDEX].failed == 3
    assert not place.is_consistent()
    place.index.refuses = lambda key: False
    again = place.migrate(PAINT, verify=verify)
    assert (again.change.failures, again.change.counts[INDEX].replaced) == ((), 3)
    assert place.is_consistent()


def test_the_document_of_an_item_that_is_refused_waits_for_it(place: Stand) -> None:
    before = place.held()
    place.table.refuses = lambda each: each == key(3)
    done = place.migrate(PAINT)
    assert [(each.store, each.key) for each in done.change.failures] == [(TABLE, key(3))]
    assert place.held()[INDEX]["a3"] == before[INDEX]["a3"]
    place.table.refuses = lambda each: False
    assert place.migrate(PAINT).change.failures == ()
    assert painted(place) == set(range(12)) and place.is_consistent()


def test_a_command_that_was_killed_after_its_last_write_tells_what_it_did(place: Stand) -> None:
    done = place.migrate(PAINT)
    place.desk.outlive(place.desk.newest(), "migrate run paint")
    again = place.migrate(PAINT)
    assert again.change.run == done.change.run
    assert again.change.counts[TABLE].replaced == 12


def test_one_that_was_killed_so_and_left_records_tries_them_again(place: Stand) -> None:
    place.index.refuses = lambda key: key == "a3"
    place.migrate(PAINT)
    place.index.refuses = lambda key: False
    place.desk.outlive(place.desk.newest(), "migrate run paint")
    assert place.migrate(PAINT).change.counts[INDEX].replaced == 1
    assert place.is_consistent()


def test_a_limited_run_whose_before_images_are_damaged_does_not_go_on(place: Stand) -> None:
    place.index.dies_at = 1
    with pytest.raises(Killed):
        place.migrate(PAINT, limit=5)
    name = place.env.before_images.files(place.desk.newest().id)[0]
    place.desk.shelf.put(name, Blob(b"cut", "application/zstd"))
    before = place.held()
    with pytest.raises(IntegrityFailed):
        place.migrate(PAINT, limit=5)
    assert place.held() == before


# Undo and redo.


def test_undo_and_redo_of_a_migration(place: Stand) -> None:
    before = place.held()
    place.migrate(PAINT)
    after = place.held()
    place.desk.undo()
    assert (place.held(), place.applied(PAINT)) == (before, [])
    assert place.migrate(PAINT, dry_run=True).change.counts[TABLE].replaced == 12
    place.desk.redo()
    assert (place.held(), place.applied(PAINT)) == (after, ["done"])
    assert place.migrate(PAINT).change.run is None


def test_the_shipped_steps_one_after_the_other_and_back(place: Stand) -> None:
    for number in range(10):
        place.edit(number, "reviewCount", "pricing", locationDisplay="leith - EDINBURGH")
    place.index.put([each for item in scan(place.table) if (each := document_of(item))])
    before = place.held()
    place.steps = load_steps()
    for step in place.steps:
        assert place.migrate(step).change.failures == ()
        assert place.is_consistent()
    assert place.fields(1)["socialMedia"]["instagram"] == "https://www.instagram.com/a1"
    assert {name: place.fields(1)[name] for name in ODD} == ODD
    for step in reversed(place.steps):
        place.roll_back(step)
        assert place.is_consistent()
    assert place.held() == before


@pytest.mark.parametrize(("dry", "done"), [(False, ["paint", "break"]), (True, ["paint", "break", "frame"])])
def test_all_steps_are_done_up_to_the_first_that_fails(place: Stand, dry: bool, done: list[str]) -> None:
    def broken(record: Any) -> Any:
        raise ValueError("no")

    steps = [PAINT, step_of(broken, ("other",), "break", "2.1.0"), setting("frame", "oak", "frame", "2.2.0")]
    assert [each.step.id for each in migrate_all(place.env, steps, WriteOptions(dry_run=dry))] == done
    assert painted(place) == (set() if dry else set(range(12)))
    assert "frame" not in place.fields(0)

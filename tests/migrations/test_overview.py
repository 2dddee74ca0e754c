"""Overview: counts as the data say, the runs behind them, and everything that is not as the steps promise."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.errors import StepBroken, StoreMissing
from tattoo_data.migrations.overview import Overview, Standing, overview, validate_steps
from tattoo_data.migrations.step import Fields, Step
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key, record_key
from tattoo_data.model.project import item_of
from tattoo_data.model.records import Kind, Record
from tattoo_data.model.structure import INDEX_MAPPING
from tests.migrations.stand import Stand, artist, setting, stand, step_of
from tests.runs import make_run
from tests.validation.samples import STUDIO

PAINT = setting("example", "painted")
COUNT = 12
SECOND = record_key(Kind.ARTIST, "a3", "PROFILE")
Said = tuple[str, str, str, str]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stand]:
    """A target with 12 artists, a studio and an item of another kind."""
    with ThreadPoolExecutor(2) as pool:
        made = stand(tmp_path, pool)
        made.fill(*(artist(number) for number in range(COUNT)))
        studio = item_of(Record(kind=Kind.STUDIO, fields=STUDIO))
        made.table.put([studio, Entry(item_key("AUDIT#1", "x"), b'{"PK":{"S":"AUDIT#1"},"SK":{"S":"x"}}')])
        made.index.structure = {"mappings": INDEX_MAPPING}
        yield made


def counts(place: Stand, *steps: Step) -> list[tuple[int, int, int]]:
    return [(each.pending, each.failing, each.done) for each in overview(place.env, steps).standings]


def found(place: Stand, *steps: Step) -> list[Said]:
    findings = validate_steps(place.env, steps).findings
    assert all(each.severity == "error" for each in findings)
    return sorted((each.rule, each.store, each.key, each.field) for each in findings)


def touchy(record: Fields) -> Fields:
    if record["artistId"] == "a3":
        raise KeyError("no colour")
    return {**record, "example": "painted"}


# Counts.


def test_what_is_pending_is_computed_from_the_data(place: Stand) -> None:
    other = setting("bio", "x", "other", "2.1.0")
    assert counts(place, PAINT, other) == [(COUNT, 0, 0), (COUNT, 0, 0)]
    place.migrate(PAINT, limit=5)
    assert counts(place, PAINT, other) == [(COUNT - 5, 0, 5), (COUNT, 0, 0)]
    place.migrate(PAINT)
    place.edit(3, "example")
    assert counts(place, PAINT) == [(1, 0, COUNT - 1)]


def test_records_to_which_it_cannot_be_done_are_failing(place: Stand) -> None:
    step = step_of(touchy, ("example",))
    assert counts(place, step) == [(COUNT - 1, 1, 0)]
    place.migrate(step)
    assert counts(place, step) == [(0, 1, COUNT - 1)]


def test_only_the_kinds_of_a_step_count(place: Stand) -> None:
    of_studios = setting("example", 1, kinds=frozenset({Kind.STUDIO}))
    of_both = setting("example", 1, "both", kinds=frozenset({Kind.STUDIO, Kind.ARTIST}))
    assert counts(place, of_studios, of_both) == [(1, 0, 0), (COUNT + 1, 0, 0)]


def test_nothing_is_written_and_nothing_locked(place: Stand) -> None:
    place.migrate(PAINT)
    there, kept = place.held(), dict(place.desk.shelf.held)
    with place.desk.session("reset", "fresh"):
        overview(place.env, [PAINT])
        validate_steps(place.env, [PAINT])
    assert (place.held(), set(place.desk.shelf.held)) == (there, set(kept))


def test_an_empty_table_has_nothing_to_do(place: Stand) -> None:
    place.table._entries = {}
    assert counts(place, PAINT) == [(0, 0, 0)]
    assert overview(place.env, [PAINT]).schema_version == "2.0.0"


def test_without_a_table_there_is_no_overview(place: Stand) -> None:
    place.table.lose()
    for look in (overview, validate_steps):
        with pytest.raises(StoreMissing):
            look(place.env, [PAINT])


def test_many_scan_pages_and_segments_give_every_record_once(place: Stand) -> None:
    place.table.put([item_of(Record(kind=Kind.ARTIST, fields=artist(number))) for number in range(COUNT, 2_100)])
    assert counts(place, PAINT) == [(2_100, 0, 0)]


def test_a_step_at_fault_is_told(place: Stand) -> None:
    step = step_of(lambda record: {**record, "example": record.get("example", 0) + 1}, ("example",))
    with pytest.raises(StepBroken, match="not idempotent"):
        overview(place.env, [step])


# Runs and versions.


def test_the_newest_run_that_stands_is_told(place: Stand) -> None:
    def last(step: Step) -> Any:
        (standing,) = overview(place.env, [step]).standings
        return standing.last and (standing.last.words, standing.last.status)

    assert last(PAINT) is None
    place.migrate(PAINT, limit=5)
    assert last(PAINT) == ("migrate run paint --limit 5", "done")
    place.migrate(PAINT)
    assert last(PAINT) == ("migrate run paint", "done")
    place.roll_back(PAINT)
    assert last(PAINT) is None


@pytest.mark.parametrize(
    ("open_ones", "version", "pending"),
    [
        ((), "1.3.0", ()),
        ((2,), "1.2.0", ("c",)),
        ((0,), "1.0.0", ("a",)),
        ((1,), "1.1.0", ("b",)),
        ((0, 2), "1.0.0", ("a", "c")),
    ],
)
def test_the_version_is_that_of_the_last_of_an_unbroken_row(
    open_ones: tuple[int, ...], version: str, pending: tuple[str, ...]
) -> None:
    steps = [setting("example", 1, name, f"1.{number}.0") for number, name in enumerate("abc", 1)]
    for pending_ones, failing in ((1, 0), (0, 1)):
        standings = [Standing(step=step, done=3) for step in steps]
        for number in open_ones:
            standings[number] = Standing(step=steps[number], pending=pending_ones, failing=failing)
        look = Overview(standings=tuple(standings))
        assert (look.schema_version, look.pending) == (version, pending)
    assert Overview(standings=()).schema_version == "1.0.0"
    assert Standing(step=steps[0], last=make_run(1)).is_done


# What is promised.


def test_where_all_is_done_there_is_no_finding(place: Stand) -> None:
    step = replace(PAINT, mapping={"bio": INDEX_MAPPING["properties"]["bio"]})
    place.migrate(step)
    assert found(place, step) == []


def test_records_that_are_pending_or_fail_are_named(place: Stand) -> None:
    step = step_of(touchy, ("example",))
    place.migrate(step)
    place.edit(5, "example")
    place.index.put([entry for entry in place.index.get(["a5"]) if entry.key != "a5"])
    rules = found(place, step)
    assert ("migration-fails", "table", record_key(Kind.ARTIST, "a3"), "paint") in rules
    assert ("migration-pending", "table", record_key(Kind.ARTIST, "a5"), "paint") in rules
    assert ("document-not-migrated", "index", "a5", "example") in rules
    assert len(rules) == 3


def test_documents_that_do_not_have_what_their_items_have_are_named(place: Stand) -> None:
    place.migrate(PAINT)
    old = {key: body.replace(b'"painted"', b'"other"') for key, body in place.held()[place.index.name].items()}
    place.index.put([Entry("a3", old["a3"]), Entry("a7", old["a7"].replace(b'"example":"other",', b""))])
    place.index.put([Entry("a4", place.held()[place.index.name]["a4"].replace(b"Knots", b"No knots"))])
    assert found(place, PAINT) == [
        ("document-not-migrated", "index", "a3", "example"),
        ("document-not-migrated", "index", "a7", "example"),
    ]


def test_other_spellings_of_a_number_are_no_finding(place: Stand) -> None:
    step = setting("rating", 4)
    place.migrate(step)
    body = place.held()[place.index.name]["a3"]
    place.index.put([Entry("a3", body.replace(b'"rating":4,', b'"rating":4.00,'))])
    assert found(place, step) == []


def test_the_document_of_a_record_under_the_node_tools_key_is_held_against_it(place: Stand) -> None:
    (old,) = place.table.get([record_key(Kind.ARTIST, "a3")])
    place.remove(3)
    place.table.put([Entry(old.key.replace("METADATA", "PROFILE"), old.body.replace(b"METADATA", b"PROFILE"))])
    place.migrate(PAINT)
    body = place.held()[place.index.name]["a3"]
    place.index.put([Entry("a3", body.replace(b'"painted"', b'"other"'))])
    assert found(place, PAINT) == [("document-not-migrated", "index", "a3", "example")]


def test_of_two_items_of_one_artist_ours_is_held_against_the_document(place: Stand) -> None:
    place.migrate(PAINT)
    place.add_second(3, example="other")
    assert found(place, PAINT) == [("migration-pending", "table", SECOND, "paint")]


def test_documents_of_other_shapes_are_left_to_validate(place: Stand) -> None:
    place.migrate(PAINT)
    place.index.put([Entry("a3", b"null"), Entry("a4", b"[]"), Entry("ARTIST#a5", b"{}"), Entry("a99", b"{}")])
    assert found(place, PAINT) == []


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        ({}, "example is not mapped"),
        ({"example": {"type": "text"}}, "example: type is text, not keyword"),
        ({"example": {"type": "keyword", "ignore_above": 100}}, ""),
    ],
)
def test_a_field_that_the_mapping_lacks_is_named(place: Stand, properties: Any, wrong: str) -> None:
    step = replace(PAINT, mapping={"example": {"type": "keyword"}})
    place.migrate(step)
    place.index.structure = {"mappings": {**INDEX_MAPPING, "properties": {**INDEX_MAPPING["properties"], **properties}}}
    findings = list(validate_steps(place.env, [step]).findings)
    assert [each.rule for each in findings] == (["field-not-mapped"] if wrong else [])
    assert all(each.message == f"paint needs example in the index's mapping: {wrong}" for each in findings)


def test_without_an_index_only_that_is_said(place: Stand) -> None:
    place.migrate(PAINT)
    place.index.lose()
    assert found(place, PAINT) == [("store-absent", "index", "index", "")]

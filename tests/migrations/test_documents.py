"""Documents: what earlier runs did not come to is written by the next one, and nothing that only the index was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tattoo_data.migrations.step import Fields
from tattoo_data.model.entry import Blob, Entry
from tests.migrations.stand import INDEX, TABLE, Stand, artist, setting, stand, step_of
from tests.runs import Killed

PAINT = setting("example", "painted")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stand]:
    """A target with 12 artists."""
    with ThreadPoolExecutor(2) as pool:
        made = stand(tmp_path, pool)
        made.fill(*(artist(number) for number in range(12)))
        yield made


def tell(place: Stand, number: int, **fields: Any) -> None:
    """Somebody edits a document alone."""
    held = json.loads(place.held()[INDEX][f"a{number}"])
    place.index.put([Entry(f"a{number}", json.dumps(held | fields).encode())])


def refused(place: Stand, *numbers: int, **options: Any) -> None:
    """Run the step while the index refuses some documents."""
    place.index.refuses = lambda key: key in {f"a{number}" for number in numbers}
    assert len(place.migrate(PAINT, **options).change.failures) == len(numbers)
    place.index.refuses = lambda key: False


def written(place: Stand, **options: Any) -> set[str]:
    """Run the step; the documents that it wrote."""
    before = place.held()
    assert place.migrate(PAINT, **options).change.failures == ()
    after = place.held()
    assert after[TABLE] == before[TABLE]
    return {key for key in after[INDEX] if after[INDEX][key] != before[INDEX].get(key)}


def test_after_a_run_that_failed_at_records_no_document_is_written(place: Stand) -> None:
    def touchy(record: Fields) -> Fields:
        if record["artistId"] == "a3":
            raise KeyError("no colour")
        return {**record, "example": "painted"}

    step = step_of(touchy, ("example",))
    place.migrate(step)
    tell(place, 9, bio="told", example="told")
    there = place.held()
    for options in ({"keys": "ARTIST#a2"}, {}):
        again = place.migrate(step, **options)
        assert (again.change.run, again.change.counts[INDEX].replaced, place.held()) == (None, 0, there)


def test_an_item_that_is_refused_every_time_brings_no_other_document(place: Stand) -> None:
    place.table.refuses = lambda key: "a3" in key
    place.migrate(PAINT)
    tell(place, 9, bio="told")
    there = place.held()
    assert [each.store for each in place.migrate(PAINT).change.failures] == [TABLE]
    assert place.held() == there


def test_of_documents_that_were_refused_those_of_the_keys_are_written(place: Stand) -> None:
    refused(place, 3, 7)
    tell(place, 9, bio="told")
    assert written(place, keys="ARTIST#a9") == set()
    assert written(place, keys="ARTIST#a3") == {"a3"}
    assert written(place) == {"a7"}
    assert place.document(9)["bio"] == "told"


def test_a_document_that_is_gone_is_made(place: Stand) -> None:
    refused(place, 3)
    assert place.index._entries is not None
    del place.index._entries["a3"]
    assert written(place) == {"a3"}


def test_a_document_that_cannot_be_read_is_made_anew(place: Stand) -> None:
    refused(place, 3)
    place.index.put([Entry("a3", b"null")])
    assert written(place) == {"a3"}


def test_a_document_under_a_routing_of_its_own_is_found(place: Stand) -> None:
    refused(place, 3)
    place.index.put([Entry("a4", json.dumps(place.document(4) | {"bio": "told"}).encode(), "there")])
    assert written(place) == {"a3"}


@pytest.mark.parametrize("write", [1, 2])
def test_an_interrupted_run_brings_no_document_of_a_record_that_it_left_alone(place: Stand, write: int) -> None:
    for number in (4, 5):
        place.edit(number, example="painted")
    place.index.dies_at = write
    with pytest.raises(Killed):
        place.migrate(PAINT)
    tell(place, 4, bio="told")
    assert place.migrate(PAINT).change.failures == ()
    assert (place.document(4)["bio"], place.document(4).get("example"), place.document(5).get("example")) == (
        "told",
        None,
        None,
    )
    assert all(place.document(number)["example"] == "painted" for number in range(12) if number not in (4, 5))


def test_once_a_whole_run_came_to_its_end_nobody_asks_again(place: Stand) -> None:
    refused(place, 3)
    assert written(place) == {"a3"}
    tell(place, 3, example="told")
    assert written(place) == set()


def test_of_a_run_that_kept_nothing_only_the_fields_of_the_step_are_asked_for(place: Stand) -> None:
    refused(place, 3, undo=False)
    tell(place, 9, bio="told")
    assert written(place) == {"a3"}


def test_before_images_that_are_damaged_keep_no_run_from_going_on(place: Stand) -> None:
    refused(place, 3)
    name = place.env.before_images.files(place.desk.newest().id)[0]
    place.desk.shelf.put(name, Blob(b"cut", "application/zstd"))
    assert written(place) == {"a3"}

"""Rollback goes by what its runs kept of each attribute, and not by what the step does or is told today."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from tattoo_data.errors import NothingToUndo
from tattoo_data.migrations.step import Fields, Step
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import record_key, shard
from tattoo_data.model.records import Kind
from tests.migrations.stand import INDEX, TABLE, Stand, artist, setting, stand, step_of
from tests.runs import Killed

TONGUES = {"en", "de", "fr", "cy", "ga", "gd", "kw", "gv"}
SPEAK = step_of(lambda record: {**record, "languages": TONGUES, "tongue": {"of": [TONGUES]}}, ("languages", "tongue"))
KEY = record_key(Kind.ARTIST, "a3")
UNKNOWN = "may be an edit or the step's, which its run did not keep, and is left as it is"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Stand]:
    """A target with 6 artists."""
    with ThreadPoolExecutor(2) as pool:
        made = stand(tmp_path, pool)
        made.fill(*(artist(number) for number in range(6)))
        yield made


def forget(place: Stand) -> None:
    """Make the newest run one of an older version, which kept nothing of attributes."""
    run = place.desk.newest().id
    kept = list(place.env.before_images.read(run))
    for number, (store, images) in enumerate(kept, 1):
        older = [msgspec.structs.replace(image, made=None) for image in images]
        place.env.before_images.write(run, number, store, older)


def left(place: Stand, step: Step) -> dict[str, str]:
    """Roll back; what was left, with its reason."""
    failures = place.roll_back(step).change.failures
    assert all(each.is_conflict for each in failures)
    return {each.key: each.message for each in failures}


def writing(*names: str) -> Step:
    return step_of(lambda record: {**record, **dict.fromkeys(names, TONGUES)}, names)


@pytest.mark.parametrize("older", [False, True])
def test_sets_that_nobody_touched_go_back(place: Stand, older: bool) -> None:
    place.migrate(SPEAK)
    if older:
        forget(place)
    place.edit(3, bio="edited")
    assert left(place, SPEAK) == {}
    assert place.fields(3) == {**artist(3), "bio": "edited"}


def test_what_the_step_does_not_write_any_more_goes_back_too(place: Stand) -> None:
    place.migrate(writing("languages", "tongue"))
    place.edit(3, bio="edited")
    assert left(place, writing("tongue")) == {}
    assert place.fields(3) == {**artist(3), "bio": "edited"}
    assert place.is_consistent()


def test_what_the_step_does_not_write_any_more_and_was_edited_is_named(place: Stand) -> None:
    place.migrate(writing("languages", "tongue"))
    place.edit(3, languages={"nl"})
    assert left(place, writing("tongue")) == {KEY: "languages was changed since, and is left as it is"}
    assert place.fields(3) == {**artist(3), "languages": {"nl"}}


def test_what_a_step_is_told_of_the_world_may_be_another_by_now(place: Stand) -> None:
    widths = {"knot.png": 640}
    step = step_of(lambda record: {**record, "width": widths.get("knot.png")}, ("width",))
    place.migrate(step)
    place.edit(3, bio="edited")
    widths.clear()
    assert left(place, step) == {}
    assert place.fields(3) == {**artist(3), "bio": "edited"}


def test_of_a_run_of_an_older_version_what_cannot_be_told_is_named(place: Stand) -> None:
    before = place.held()
    place.migrate(writing("languages", "tongue"))
    forget(place)
    place.edit(3, bio="edited")
    for _ in range(2):
        assert left(place, writing("tongue")) == {KEY: f"bio, languages {UNKNOWN}"}
        assert place.fields(3) == {**artist(3), "bio": "edited", "languages": TONGUES}
    assert {key: body for key, body in place.held()[TABLE].items() if key != KEY} == {
        key: body for key, body in before[TABLE].items() if key != KEY
    }
    place.edit(3, "languages", bio=artist(3)["bio"])
    assert left(place, writing("tongue")) == {}
    with pytest.raises(NothingToUndo):
        place.roll_back(writing("tongue"))


def test_of_a_run_of_an_older_version_whose_step_fails_by_now_all_that_differs_is_named(place: Stand) -> None:
    place.migrate(setting("example", "painted"))
    forget(place)
    place.edit(3, bio="edited")

    def fails(record: Fields) -> Fields:
        raise KeyError("rewritten")

    assert left(place, step_of(fails, ("example",))) == {KEY: f"bio, example {UNKNOWN}"}


def test_a_key_that_the_application_drew_anew_goes_with_its_field(place: Stand) -> None:
    step = setting("styles", ["gothic"])
    place.migrate(step)
    (old,) = place.table.get([KEY])
    place.table.put([Entry(KEY, old.body.replace(f"gothic#SHARD#{shard('a3')}".encode(), b"gothic#SHARD#77"))])
    assert left(place, step) == {}
    assert place.fields(3)["styles"] == artist(3)["styles"]
    assert place.attributes(3)["gsi1pk"] == {"S": f"STYLE#celtic#SHARD#{shard('a3')}"}


def test_a_record_that_was_edited_while_its_run_lay_dead_goes_back(place: Stand) -> None:
    step = writing("languages", "tongue")
    place.index.dies_at = 1
    with pytest.raises(Killed):
        place.migrate(step)
    for number in range(6):
        place.edit(number, "tongue", bio="edited")
    assert place.migrate(step).change.failures == ()
    place.edit(3, rating=1)
    assert left(place, step) == {}
    assert place.fields(3) == {**artist(3), "bio": "edited", "rating": 1}
    assert place.document(3) == {**place.document(3), "bio": "edited", "rating": 1}
    assert "tongue" not in place.document(3) and "a3" in place.held()[INDEX]

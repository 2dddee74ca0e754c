"""The four steps together, on the catalogue: what they change, in which order, and that nothing is left to do."""

from __future__ import annotations

from itertools import permutations
from types import ModuleType

import pytest
from hypothesis import given

from tattoo_data.catalog import Context as Days
from tattoo_data.catalog import load
from tattoo_data.migrations.picture import picture_of
from tattoo_data.migrations.step import Context, Fields, Picture
from tattoo_data.migrations.steps import (
    add_missing_fields,
    add_social_media,
    normalize_locations,
    update_portfolio_structure,
)
from tattoo_data.model.records import Kind
from tattoo_data.validation.records import check_fields
from tattoo_data.validation.rule import Severity
from tests.migrations.steps.records import CONTEXT, DAY, changed, exact, newly_broken, records, taken

STEPS = (add_missing_fields, normalize_locations, update_portfolio_structure, add_social_media)
DATASET = load(Days(as_of=DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"))
ARTISTS: list[Fields] = [dict(artist.fields) for artist in DATASET.artists]


def picture(url: str) -> Picture | None:
    image = DATASET.images.get(url.removeprefix(DATASET.context.image_base))
    return picture_of(image.read()) if image else None


LIVE = Context(as_of=DAY, picture=picture)


def all_taken(steps: tuple[ModuleType, ...], record: Fields, context: Context) -> Fields:
    for step in steps:
        record = taken(step.up, record, context)
    return record


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__.rpartition(".")[2])
def test_each_has_work_to_do(step: ModuleType) -> None:
    after = [taken(step.up, artist, LIVE) for artist in ARTISTS]
    assert sum(bool(changed(old, new)) for old, new in zip(ARTISTS, after, strict=True)) >= 5


def test_versions_follow_one_another() -> None:
    assert [step.VERSION for step in STEPS] == ["1.1.0", "1.2.0", "1.3.0", "1.4.0"]
    written = [name for step in STEPS for name in step.WRITES]
    assert len(set(written)) == len(written), "steps that write one field would depend on their order"


@pytest.mark.parametrize("context", [LIVE, Context(as_of=DAY)], ids=["pictures", "none"])
def test_what_they_leave_is_valid(context: Context) -> None:
    for artist in ARTISTS:
        after = all_taken(STEPS, artist, context)
        problems = check_fields(Kind.ARTIST, after).problems
        assert [each for each in problems if each.rule.severity is Severity.ERROR] == []
        assert newly_broken(artist, after) == set()
        assert "old-schema" not in {each.rule.id for each in problems}


def test_every_place_of_the_catalogue_is_placed() -> None:
    assert [artist["locationDisplay"] for artist in ARTISTS if normalize_locations.left(artist)] == []
    after = {normalize_locations.up(dict(artist), LIVE)["locationDisplay"] for artist in ARTISTS}
    assert all(text in after for text in ("Soho, London", "Birmingham", "Newcastle upon Tyne", "Chorlton, Manchester"))
    assert "Brum" not in after


def test_every_picture_of_the_catalogue_is_read() -> None:
    for artist in ARTISTS:
        images = all_taken(STEPS, artist, LIVE)["portfolioImages"]
        assert all(image["contentType"] == "image/png" and image["width"] > 0 for image in images)


@pytest.mark.parametrize("order", [*permutations(STEPS)], ids=lambda order: "-".join(each.VERSION for each in order))
def test_in_any_order_nothing_is_left_to_do(order: tuple[ModuleType, ...]) -> None:
    for artist in ARTISTS:
        after = all_taken(order, artist, LIVE)
        for step in STEPS:
            assert changed(after, taken(step.up, after, LIVE)) == set()


@given(records())
def test_the_order_makes_no_difference(record: Fields) -> None:
    one, *others = (all_taken(order, record, CONTEXT) for order in permutations(STEPS))
    assert {exact(other) for other in others} == {exact(one)}

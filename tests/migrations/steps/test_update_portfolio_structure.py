"""The portfolio's structure: images of every old form, and what of them stays."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from tattoo_data.migrations.step import Context, Fields, Picture
from tattoo_data.migrations.steps import update_portfolio_structure as step
from tests.migrations.steps.records import CONTEXT, DAY, GONE, THERE, exact, hold_laws, records

MADE = "2026-11-13T09:01:00.000Z"
#: An image of which nothing is known.
EMPTY: Fields = {
    "url": None,
    "description": None,
    "style": None,
    "tags": [],
    "uploadedAt": None,
    "isMain": True,
    "width": None,
    "height": None,
    "contentType": None,
}
PICTURE: Fields = {"width": 640, "height": 480, "contentType": "image/png"}


def after(*images: Any, context: Context = CONTEXT, **fields: Any) -> list[Any]:
    images_after = step.up({"portfolioImages": list(images), **fields}, context)["portfolioImages"]
    assert isinstance(images_after, list)
    return images_after


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        (GONE, {"url": GONE}),
        (THERE, {"url": THERE, **PICTURE}),
        ("", {"url": ""}),
        ({}, {}),
        ({"url": THERE}, {"url": THERE, **PICTURE}),
        ({"url": 7}, {"url": 7}),
        (
            {"url": GONE, "description": "A knot", "style": "celtic", "tags": ["knot"]},
            {"url": GONE, "description": "A knot", "style": "celtic", "tags": ["knot"]},
        ),
        ({"url": GONE, "tags": None}, {"url": GONE, "tags": None}),
        ({"url": GONE, "tags": {"knot"}}, {"url": GONE, "tags": {"knot"}}),
        ({"url": THERE, "width": 10}, {"url": THERE, **PICTURE, "width": 10}),
        ({"url": THERE, "width": None, "height": None}, {"url": THERE, **PICTURE}),
        ({"url": THERE, "width": "wide"}, {"url": THERE, **PICTURE, "width": "wide"}),
        ({"url": THERE, "width": Decimal("640.5")}, {"url": THERE, **PICTURE, "width": Decimal("640.5")}),
        ({"url": GONE, "by": {"camera": b"\x01"}}, {"url": GONE, "by": {"camera": b"\x01"}}),
        ({"url": GONE, "isMain": "yes"}, {"url": GONE, "isMain": "yes"}),
    ],
    ids=repr,
)
def test_an_image_gets_what_it_lacks(image: Any, wanted: Fields) -> None:
    assert exact(after(image)) == exact([EMPTY | wanted])


@pytest.mark.parametrize(
    ("created", "uploaded", "wanted"),
    [
        (MADE, {}, MADE),
        (MADE, {"uploadedAt": None}, None),
        (MADE, {"uploadedAt": "2025-01-01"}, "2025-01-01"),
        (MADE, {"uploadedAt": 7}, 7),
        (None, {}, None),
        ("yesterday", {}, None),
        ("2026-02-30", {}, None),
        (1700000000, {}, None),
    ],
)
def test_an_image_is_as_old_as_its_record(created: Any, uploaded: Fields, wanted: Any) -> None:
    (image,) = after({"url": GONE, **uploaded}, createdAt=created)
    assert image["uploadedAt"] == wanted


@pytest.mark.parametrize(
    ("marks", "wanted"),
    [
        ([], []),
        ([{}], [True]),
        ([{}, {}, {}], [True, False, False]),
        ([{}, {"isMain": True}, {}], [False, True, False]),
        ([{"isMain": False}, {"isMain": None}], [True, False]),
        ([{"isMain": True}, {"isMain": True}], [True, False]),
        ([{"isMain": "yes"}, {}, {}], ["yes", True, False]),
        ([{"isMain": 1}, {"isMain": True}], [1, True]),
        ([5, None, {}, ["a"]], [5, None, True, ["a"]]),
        ([GONE, {"isMain": True}], [False, True]),
    ],
    ids=repr,
)
def test_one_image_is_the_main_one(marks: list[Any], wanted: list[Any]) -> None:
    found = [image["isMain"] if isinstance(image, dict) else image for image in after(*marks)]
    assert exact(found) == exact(wanted)


@pytest.mark.parametrize("images", [None, "", THERE, 7, {"url": THERE}, {GONE}, b"", []], ids=repr)
def test_what_is_no_list_is_left(images: Any) -> None:
    assert exact(step.up({"portfolioImages": images}, CONTEXT)) == exact({"portfolioImages": images})
    assert step.up({}, CONTEXT) == {}


def test_a_picture_that_came_later_is_filled_in() -> None:
    before = after(THERE, context=Context(as_of=DAY))
    assert before[0]["width"] is None
    assert after(*before) == after(THERE)


def test_a_picture_is_asked_for_only_where_something_is_lacking() -> None:
    asked: list[str] = []

    def picture(url: str) -> Picture | None:
        asked.append(url)
        return None

    context = Context(as_of=DAY, picture=picture)
    after({"url": THERE, **PICTURE}, {"url": 7}, {}, 5, GONE, context=context)
    assert asked == [GONE]


@given(records())
def test_it_keeps_the_laws(record: Fields) -> None:
    images = hold_laws(step.up, step.WRITES, record).get("portfolioImages")
    before = record.get("portfolioImages")
    if not isinstance(images, list) or not isinstance(before, list):
        assert exact(images) == exact(before)
        return
    assert len(images) == len(before)
    for old, new in zip(before, images, strict=True):
        if isinstance(old, dict):
            kept = {
                name: value
                for name, value in old.items()
                if name != "isMain" and not (name in PICTURE and value is None)
            }
            assert exact({name: new[name] for name in kept}) == exact(kept)
            assert new.keys() == old.keys() | EMPTY.keys()
        elif isinstance(old, str):
            assert new["url"] == old
            assert new.keys() == EMPTY.keys()
        else:
            assert exact(new) == exact(old)
    free = [image for image in images if isinstance(image, dict) and isinstance(image["isMain"], bool)]
    assert sum(image["isMain"] for image in free) == bool(free)

"""Entities: what is wrong with a record, by field."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tattoo_data.model.entities import problems
from tattoo_data.model.records import Kind

ARTIST: dict[str, Any] = {
    "artistId": "a",
    "artistName": "Ada",
    "instagramHandle": "ada",
    "styles": ["celtic"],
    "locationDisplay": "Leith, Edinburgh",
    "geohash": "gcvwr3z",
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rating": Decimal("4.5"), "reviewCount": 3},
        {"portfolioImages": [{"url": "http://x/y.png"}, "http://x/z.png"]},
        {"unknown": {"field": [1]}},
        {"availability": {"bookingOpen": True, "nextAvailable": "2026-01-02"}},
        {"createdAt": "2026-01-02T03:04:05.000Z"},
    ],
)
def test_good_artists(fields: dict[str, Any]) -> None:
    assert problems(Kind.ARTIST, {**ARTIST, **fields}) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"artistName": ""}, "artistName"),
        ({"artistName": 5}, "artistName"),
        ({"instagramHandle": "@ada"}, "instagramHandle"),
        ({"instagramHandle": "a" * 31}, "instagramHandle"),
        ({"styles": []}, "styles"),
        ({"styles": ["celtic", 5]}, "styles.1"),
        ({"rating": 6}, "rating"),
        ({"rating": "4"}, "rating"),
        ({"rating": True}, "rating"),
        ({"reviewCount": -1}, "reviewCount"),
        ({"latitude": 91}, "latitude"),
        ({"portfolioImages": [{"description": "no url"}]}, "portfolioImages.0.url"),
        ({"availability": {"bookingOpen": "yes"}}, "availability.bookingOpen"),
        ({"availability": {"nextAvailable": "soon"}}, "availability.nextAvailable"),
        ({"createdAt": "yesterday"}, "createdAt"),
        ({"studioInfo": {"studioName": "x"}}, "studioInfo.studioId"),
    ],
)
def test_bad_artists(fields: dict[str, Any], field: str) -> None:
    found = problems(Kind.ARTIST, {**ARTIST, **fields})
    assert field in [problem.field for problem in found]
    assert all(problem.reason for problem in found)


@pytest.mark.parametrize("missing", list(ARTIST))
def test_the_six_required_fields(missing: str) -> None:
    fields = {name: value for name, value in ARTIST.items() if name != missing}
    assert [problem.field for problem in problems(Kind.ARTIST, fields)] == [missing]


def test_studios_and_styles() -> None:
    studio = {"studioId": "s", "studioName": "S", "address": "1 High St", "postcode": "E1 6JE", "geohash": "gcpvj0d"}
    style = {"styleId": "old_school", "styleName": "Old School", "description": "d", "difficulty": "expert"}
    assert problems(Kind.STUDIO, studio) == []
    assert problems(Kind.STYLE, style) == []
    assert [each.field for each in problems(Kind.STYLE, {**style, "styleId": "Old School"})] == ["styleId"]
    assert [each.field for each in problems(Kind.STYLE, {**style, "difficulty": "hard"})] == ["difficulty"]
    assert [each.field for each in problems(Kind.STUDIO, {**studio, "postcode": ""})] == ["postcode"]

"""The dataset: as many as promised, consistent, and built from its sources."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

import pygeohash
import pytest
from tools import build_catalog

from tattoo_data.catalog import Context, Dataset, load
from tattoo_data.catalog.selection import image_urls, linked_images
from tattoo_data.model.entities import problems
from tattoo_data.model.project import item_of
from tattoo_data.model.records import Kind, Record

DAY = date(2026, 11, 24)
CONTEXT = Context(as_of=DAY, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images")
_POSTCODE = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}")
#: Ofcom keeps these blocks for drama.
_PHONE = re.compile(r"07700 900\d{3}|020 7946 0\d{3}|0\d{3} 496 0\d{3}|029 2018 0\d{3}|0191 498 0\d{3}|01632 960\d{3}")
_ID = re.compile(r"artist-\d{3}|studio-\d{3}|[a-z_]+")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load(CONTEXT)


def of(dataset: Dataset, kind: Kind) -> list[Record]:
    return [record for record in dataset.records.values() if record.kind is kind]


def nested(record: Record, path: str) -> Any:
    value: Any = record.fields
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def test_how_many_of_each(dataset: Dataset) -> None:
    assert len(of(dataset, Kind.ARTIST)) == 60
    assert len(of(dataset, Kind.STUDIO)) == 15
    assert len(of(dataset, Kind.STYLE)) >= 17
    assert 1 <= len(dataset.images) <= 60


def test_the_artists_live_in_at_least_twelve_cities(dataset: Dataset) -> None:
    cities = {str(record.fields["locationDisplay"]).split(",")[-1].strip() for record in of(dataset, Kind.ARTIST)}
    assert len({city.lower() for city in cities}) >= 12


def test_the_files_are_what_their_sources_build() -> None:
    for name, text in build_catalog.files().items():
        assert (build_catalog.DATASET / name).read_text("utf-8") == text, f"{name}: run `make catalog`"


def test_every_record_is_valid_and_its_id_well_formed(dataset: Dataset) -> None:
    for record in dataset.records.values():
        assert problems(record.kind, record.fields) == []
        assert _ID.fullmatch(record.id)


def test_ids_names_and_handles_are_unique(dataset: Dataset) -> None:
    artists = of(dataset, Kind.ARTIST)
    for field in ("artistName", "instagramHandle"):
        counted = Counter(str(record.fields[field]).lower() for record in artists)
        assert max(counted.values()) == 1


def test_geohashes_come_from_the_coordinates(dataset: Dataset) -> None:
    for record in (*of(dataset, Kind.ARTIST), *of(dataset, Kind.STUDIO)):
        geohash = str(record.fields["geohash"])
        assert len(geohash) == 7
        latitude, longitude = float(str(record.fields["latitude"])), float(str(record.fields["longitude"]))
        assert pygeohash.encode(latitude, longitude, 7) == geohash
        assert 49.8 < latitude < 60.9
        assert -8.2 < longitude < 1.8


def test_studios_and_artists_name_each_other(dataset: Dataset) -> None:
    studios = {record.id: record for record in of(dataset, Kind.STUDIO)}
    for artist in of(dataset, Kind.ARTIST):
        studio_id = nested(artist, "studioInfo.studioId")
        if studio_id is not None:
            studio = studios[studio_id]
            assert artist.id in studio.fields["artists"]  # type: ignore[operator]
            for field in ("studioName", "address", "postcode"):
                assert nested(artist, f"studioInfo.{field}") == studio.fields[field]
    for studio in studios.values():
        for artist_id in studio.fields["artists"]:  # type: ignore[attr-defined]
            assert nested(dataset.records[Kind.ARTIST, artist_id], "studioInfo.studioId") == studio.id


def test_postcodes_are_postcodes_and_no_phone_is_anybodys(dataset: Dataset) -> None:
    for studio in of(dataset, Kind.STUDIO):
        assert _POSTCODE.fullmatch(str(studio.fields["postcode"]))
    for record in dataset.records.values():
        phone = nested(record, "contactInfo.phone")
        assert phone is None or _PHONE.fullmatch(phone)
        for url in (nested(record, "contactInfo.website"), nested(record, "contactInfo.email")):
            assert url is None or "example.com" in url


def test_styles_exist_and_ratings_come_with_reviews(dataset: Dataset) -> None:
    styles = {record.id for record in of(dataset, Kind.STYLE)}
    for artist in of(dataset, Kind.ARTIST):
        assert set(artist.fields["styles"]) <= styles  # type: ignore[call-overload]
        assert ("rating" in artist.fields) == ("reviewCount" in artist.fields)


def test_every_image_exists_and_each_one_is_used(dataset: Dataset) -> None:
    base = CONTEXT.image_base
    urls = {url for record in dataset.records.values() for url in image_urls(record)}
    assert all(url.startswith(base) for url in urls)
    linked = {key for record in dataset.records.values() for key in linked_images(record, base)}
    assert linked == set(dataset.images)
    for image in dataset.images.values():
        assert len(image.read()) == image.size < 60_000


def test_images_that_show_a_style_are_of_that_style(dataset: Dataset) -> None:
    for artist in of(dataset, Kind.ARTIST):
        for image in artist.fields.get("portfolioImages") or ():  # type: ignore[attr-defined]
            if isinstance(image, Mapping):
                assert str(image["style"]) in str(image["url"]).replace("-", "_")


def test_there_is_work_for_the_migrations(dataset: Dataset) -> None:
    artists = of(dataset, Kind.ARTIST)
    for field in ("rating", "specialties", "pricing", "availability", "experience", "studioInfo", "createdAt"):
        assert any(field not in artist.fields for artist in artists), field
        assert any(field in artist.fields for artist in artists), field
    assert all("socialMedia" not in artist.fields for artist in artists)
    portfolios = [image for artist in artists for image in artist.fields.get("portfolioImages") or ()]  # type: ignore[attr-defined]
    assert any(isinstance(image, str) for image in portfolios)
    assert all("width" not in image for image in portfolios if isinstance(image, Mapping))


def test_the_same_day_gives_the_same_bytes_and_another_day_others() -> None:
    def bodies(day: date) -> list[bytes]:
        context = Context(as_of=day, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images")
        return [item_of(record).body for record in load(context).records.values()]

    assert bodies(DAY) == bodies(DAY)
    assert bodies(DAY) != bodies(date(2026, 11, 25))


def test_no_token_is_left(dataset: Dataset) -> None:
    text = json.dumps([record.fields for record in dataset.records.values()], default=str)
    assert "@as-of" not in text
    assert "@images" not in text

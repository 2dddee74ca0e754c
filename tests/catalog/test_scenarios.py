"""Scenarios and states: what each promises, and that it holds just that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from tattoo_data.catalog import (
    Context,
    Dataset,
    broken_promises,
    find_state,
    load,
    resolve,
    scenarios,
    search_answers,
    states,
)
from tattoo_data.catalog.copies import STUDIO_COPIES, copies
from tattoo_data.catalog.days import resolve_days, resolve_value
from tattoo_data.catalog.query import Query
from tattoo_data.catalog.selection import linked_images, references
from tattoo_data.errors import BadSetting, UnknownName
from tattoo_data.model.entities import problems
from tattoo_data.model.project import item_of
from tattoo_data.model.records import Kind, Record

DAYS = [date(2026, 11, 24), date(2024, 2, 29), date(2030, 1, 1)]
NAMES = [scenario.name for scenario in scenarios()]


def dataset_of(day: date) -> Dataset:
    return load(Context(as_of=day, images_base_url="http://localhost:4566", image_bucket="tattoo-directory-images"))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return dataset_of(DAYS[0])


def artists(records: list[Record]) -> list[Record]:
    return [record for record in records if record.kind is Kind.ARTIST]


def test_the_ten_scenarios_and_eight_states_of_the_seed() -> None:
    assert NAMES == [
        "search-basic",
        "location-london",
        "style-traditional",
        "high-rating",
        "new-artists",
        "booking-available",
        "portfolio-rich",
        "multi-style",
        "pricing-range",
        "minimal",
    ]
    assert [state.name for state in states()] == [
        "clean",
        "fresh",
        "minimal",
        "search-ready",
        "location-test",
        "style-test",
        "performance-test",
        "backup-restore",
    ]


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_no_record_breaks_its_scenarios_promise_on_any_day(name: str, day: date) -> None:
    data = dataset_of(day)
    (scenario,), selection = resolve(name, data, {}, None)
    assert broken_promises(scenario, selection.records(), data) == []
    assert scenario.searches


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_holds_what_its_artists_refer_to_and_nothing_else(name: str, dataset: Dataset) -> None:
    _, selection = resolve(name, dataset, {}, None)
    held = list(selection.records())
    keys = {(record.kind, record.id) for record in held}
    wanted = {(Kind.ARTIST, record.id) for record in artists(held)}
    for artist in artists(held):
        wanted |= set(references(artist))
    assert keys == wanted
    linked = {key for record in held for key in linked_images(record, dataset.context.image_base)}
    assert {image.key for image in selection.images} == linked
    assert {kind: selection.counts[kind] for kind in Kind} == {
        kind: sum(record.kind is kind for record in held) for kind in Kind
    }


@pytest.mark.parametrize(
    ("name", "is_so"),
    [
        ("location-london", lambda fields: "london" in fields["locationDisplay"].lower()),
        ("style-traditional", lambda fields: any("traditional" in style for style in fields["styles"])),
        ("high-rating", lambda fields: fields.get("rating", 0) >= 4.5 and fields.get("reviewCount", 0) >= 10),
        ("new-artists", lambda fields: fields.get("createdAt", "") >= (DAYS[0] - timedelta(90)).isoformat()),
        ("booking-available", lambda fields: (fields.get("availability") or {}).get("bookingOpen") is True),
        ("portfolio-rich", lambda fields: len(fields.get("portfolioImages") or ()) >= 10),
        ("multi-style", lambda fields: len(fields["styles"]) >= 3),
    ],
)
def test_a_filter_holds_every_artist_that_is_so_and_no_other(name: str, is_so: Any, dataset: Dataset) -> None:
    _, selection = resolve(name, dataset, {}, None)
    held = {record.id for record in artists(list(selection.records()))}
    assert held == {record.id for record in dataset.artists if is_so(record.fields)}
    assert len(held) >= 5


def test_search_basic_has_twelve_to_twenty_and_minimal_three_and_one_studio(dataset: Dataset) -> None:
    _, basic = resolve("search-basic", dataset, {}, None)
    assert 12 <= basic.counts[Kind.ARTIST] <= 20
    _, minimal = resolve("minimal", dataset, {}, None)
    assert (minimal.counts[Kind.ARTIST], minimal.counts[Kind.STUDIO]) == (3, 1)


def test_prices_reach_all_four_quartiles(dataset: Dataset) -> None:
    rates = sorted(
        fields["pricing"]["hourlyRate"]
        for artist in dataset.artists
        if isinstance((fields := dict[str, Any](artist.fields)).get("pricing"), Mapping)
    )
    limits = [rates[len(rates) * part // 4] for part in (1, 2, 3)]
    _, selection = resolve("pricing-range", dataset, {}, None)
    held = [dict[str, Any](each.fields)["pricing"]["hourlyRate"] for each in artists(list(selection.records()))]
    assert {sum(rate >= limit for limit in limits) for rate in held} == {0, 1, 2, 3}


def test_a_promise_that_is_broken_is_said_so(dataset: Dataset) -> None:
    (scenario,), selection = resolve("location-london", dataset, {}, None)
    records = list(selection.records())
    victim = artists(records)[0]
    elsewhere = Record(kind=Kind.ARTIST, fields={**victim.fields, "locationDisplay": "Leith, Edinburgh"})
    (said,) = broken_promises(scenario, [elsewhere if each is victim else each for each in records], dataset)
    assert victim.id in said
    without_styles = [record for record in records if record.kind is not Kind.STYLE]
    assert any("which is not there" in said for said in broken_promises(scenario, without_styles, dataset))
    few = [record for record in records if record.kind is not Kind.ARTIST or record in artists(records)[:3]]
    assert any("there are 3 artists" in said for said in broken_promises(scenario, few, dataset))


def test_search_basic_asks_in_every_form(dataset: Dataset) -> None:
    (scenario,), selection = resolve("search-basic", dataset, {}, None)
    kinds = {search.kind for search in scenario.searches}
    assert kinds >= {"text", "studio", "handle", "location", "styles", "artist-id"}
    held = {record.id for record in selection.records()}
    for _, body, wanted in search_answers(scenario, held, DAYS[0]):
        assert wanted <= held
        assert body["query"]


def test_a_union_holds_both_once(dataset: Dataset) -> None:
    _, one = resolve("location-london", dataset, {}, None)
    _, other = resolve("high-rating", dataset, {}, None)
    named, both = resolve("location-london+high-rating", dataset, {}, None)
    ids = [(record.kind, record.id) for record in both.records()]
    assert [scenario.name for scenario in named] == ["location-london", "high-rating"]
    assert len(ids) == len(set(ids))
    assert set(ids) == {(each.kind, each.id) for part in (one, other) for each in part.records()}
    assert set(both.images) == {*one.images, *other.images}


@pytest.mark.parametrize("name", ["", "serch-basic", "minimal+", "minimal+nope", "Minimal", "fresh"])
def test_an_unknown_name_is_refused_with_those_there_are(name: str, dataset: Dataset) -> None:
    with pytest.raises(UnknownName) as refused:
        resolve(name, dataset, {}, None)
    assert "search-basic" in str(refused.value)


def test_an_unknown_state_is_refused() -> None:
    with pytest.raises(UnknownName, match="backup-restore"):
        find_state("frsh")


@pytest.mark.parametrize("count", [1, 5, STUDIO_COPIES + 2])
def test_copies_are_valid_unique_and_counted(count: int, dataset: Dataset) -> None:
    selection = copies(dataset, count)
    records = list(selection.records())
    originals = len(dataset.artists)
    copied = artists(records)
    assert len(copied) == originals * (count + 1) == selection.counts[Kind.ARTIST]
    assert len({record.id for record in copied}) == len(copied)
    assert len({str(record.fields["instagramHandle"]).lower() for record in copied}) == len(copied)
    step = max(1, len(copied) // 300)
    assert all(problems(Kind.ARTIST, record.fields) == [] for record in copied[::step])
    assert max(len(item_of(record).body) for record in records if record.kind is Kind.STUDIO) < 400_000
    assert {image.key for image in selection.images} == set(dataset.images)


def test_a_copy_is_named_after_its_original(dataset: Dataset) -> None:
    records = {record.id: record for record in copies(dataset, 5).records() if record.kind is Kind.ARTIST}
    original, copied = records["artist-001"].fields, records["artist-001-copy-3"].fields
    assert copied["artistName"] == f"{original['artistName']} 3"
    assert copied["instagramHandle"] == f"{original['instagramHandle']}_3"


def test_copies_and_studios_name_each_other(dataset: Dataset) -> None:
    records = list(copies(dataset, 3).records())
    studios = {record.id: record for record in records if record.kind is Kind.STUDIO}
    for artist in artists(records):
        studio = artist.fields.get("studioInfo")
        if isinstance(studio, Mapping):
            assert artist.id in studios[studio["studioId"]].fields["artists"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("@as-of", "2024-02-29"),
        ("@as-of+1d", "2024-03-01"),
        ("@as-of-60dT10:00:00.000Z", "2023-12-31T10:00:00.000Z"),
        ("created >= '@as-of-365d' && x < '@as-of'", "created >= '2023-03-01' && x < '2024-02-29'"),
        ("nothing", "nothing"),
    ],
)
def test_days_count_from_as_of(text: str, resolved: str) -> None:
    assert resolve_days(text, DAYS[1]) == resolved


def test_a_day_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(ValueError, match="no day"):
        resolve_days("@as-of-999999d", DAYS[1])


def test_tokens_are_resolved_in_depth_and_only_at_the_start() -> None:
    value = {"a": ["@images/x.png", "see @images/x.png", {"b": "@as-of+1d"}], "n": 1, "z": None}
    assert resolve_value(value, DAYS[1], "http://h/b/") == {
        "a": ["http://h/b/x.png", "see @images/x.png", {"b": "2024-03-01"}],
        "n": 1,
        "z": None,
    }


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("rating >= `4.5`", True),
        ("lower(artistName) == 'ada'", True),
        ("length(missing) == `0`", True),
        ("contains(styles, 'celtic')", True),
        ("missing", False),
        ("createdAt >= '@as-of-1d'", False),
        ("studioInfo.studioId", False),
    ],
)
def test_queries_over_a_record(expression: str, holds: bool) -> None:
    from decimal import Decimal

    record = Record(
        kind=Kind.ARTIST,
        fields={
            "artistId": "a",
            "artistName": "ADA",
            "rating": Decimal("4.5"),
            "styles": ["celtic"],
            "createdAt": "2020-01-01T00:00:00.000Z",
        },
    )
    assert Query(expression, DAYS[0], "a test").holds(record) is holds


@pytest.mark.parametrize("expression", ["rating >=", "nope(x)", "length(rating)", "[?"])
def test_a_bad_query_names_its_source(expression: str) -> None:
    record = Record(kind=Kind.ARTIST, fields={"artistId": "a", "rating": 5})
    with pytest.raises(BadSetting, match="file x"):
        Query(expression, DAYS[0], "file x").holds(record)


def test_a_query_for_a_day_that_no_calendar_has_says_so() -> None:
    with pytest.raises(BadSetting, match="file x: @as-of-999999d is no day that a calendar has"):
        Query("createdAt > '@as-of-999999d'", DAYS[0], "file x")

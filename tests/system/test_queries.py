"""The application's own queries, on what `reset fresh` left: they give what the dataset says they should."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from tattoo_data.catalog import Context, Dataset, load, scenarios
from tattoo_data.catalog.promises import search_body
from tattoo_data.model.records import Kind
from tests.conftest import GetEngine
from tests.live import Application
from tests.tool import AS_OF, forking

DAY = date.fromisoformat(AS_OF)


@pytest.fixture(scope="module", params=["embedded", "real", "real-2"])
def live(
    request: pytest.FixtureRequest, get_engine: GetEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    folder = tmp_path_factory.mktemp("queries")
    tool = forking(request.param, get_engine, folder)
    tool.ok("reset", "fresh", "--as-of", AS_OF)
    application = Application(tool.environment)
    yield application
    application.close()


@pytest.fixture(scope="module")
def dataset(live: Application) -> Dataset:
    return load(Context(as_of=DAY, images_base_url="http://localhost:4566", image_bucket=live.bucket))


def ids(dataset: Dataset, is_so: Callable[[dict[str, Any]], object]) -> set[str]:
    return {artist.id for artist in dataset.artists if is_so(dict(artist.fields))}


def test_an_artist_by_id_in_both_stores(live: Application, dataset: Dataset) -> None:
    for artist in dataset.artists:
        found = live.dynamodb.get_item(
            TableName=live.table, Key={"PK": {"S": f"ARTIST#{artist.id}"}, "SK": {"S": "METADATA"}}
        )["Item"]
        assert found["artistName"]["S"] == artist.fields["artistName"]
        assert live.search({"query": {"term": {"artistId": artist.id}}}) == [artist.id]


def test_artists_of_a_style_over_ten_shards(live: Application, dataset: Dataset) -> None:
    first = Counter(str(artist.fields["styles"][0]).lower() for artist in dataset.artists)  # type: ignore[index]
    for style, count in first.items():
        found = [
            item["artistId"]
            for shard in range(10)
            for item in live.query("style-geohash-index", "gsi1pk", f"STYLE#{style}#SHARD#{shard}")
        ]
        assert len(found) == len(set(found)) == count
        assert set(found) == {
            artist.id
            for artist in dataset.artists
            if str(artist.fields["styles"][0]).lower() == style  # type: ignore[index]
        }


def test_artists_of_a_style_near_a_place(live: Application, dataset: Dataset) -> None:
    artist = dataset.artists[0]
    style, area = artist.fields["styles"][0], str(artist.fields["geohash"])[:4]  # type: ignore[index]
    found: set[str] = set()
    for shard in range(10):
        answer = live.dynamodb.query(
            TableName=live.table,
            IndexName="style-geohash-index",
            KeyConditionExpression="gsi1pk = :style AND begins_with(gsi1sk, :area)",
            ExpressionAttributeValues={
                ":style": {"S": f"STYLE#{style}#SHARD#{shard}"},
                ":area": {"S": f"GEOHASH#{area}"},
            },
        )
        found |= {item["artistId"]["S"] for item in answer["Items"]}
    assert found == ids(dataset, lambda fields: fields["styles"][0] == style and fields["geohash"].startswith(area))


def test_an_artist_by_name_and_by_handle(live: Application, dataset: Dataset) -> None:
    for artist in dataset.artists:
        name = "".join(letter for letter in str(artist.fields["artistName"]).lower() if letter in _PLAIN)
        assert [item["artistId"] for item in live.query("artist-name-index", "gsi2pk", f"ARTISTNAME#{name}")] == [
            artist.id
        ]
        handle = str(artist.fields["instagramHandle"]).lower()
        assert [item["artistId"] for item in live.query("instagram-index", "gsi3pk", f"INSTAGRAM#{handle}")] == [
            artist.id
        ]


_PLAIN = set("abcdefghijklmnopqrstuvwxyz0123456789")


def test_studios_by_postcode_and_styles_by_difficulty(live: Application, dataset: Dataset) -> None:
    for record in dataset.records.values():
        if record.kind is Kind.STUDIO:
            found = live.query("artist-name-index", "gsi2pk", f"POSTCODE#{record.fields['postcode']}")
            assert record.id in [item["studioId"] for item in found]
    difficulties = Counter(
        str(record.fields["difficulty"]) for record in dataset.records.values() if record.kind is Kind.STYLE
    )
    for difficulty, count in difficulties.items():
        found = live.query("style-geohash-index", "gsi1pk", f"STYLE_CATEGORY#{difficulty}")
        assert len(found) == count
        assert [item["gsi1sk"] for item in found] == sorted(item["styleName"] for item in found)


def test_the_styles_aggregation_counts_every_artist(live: Application, dataset: Dataset) -> None:
    body = {"size": 0, "aggs": {"styles": {"terms": {"field": "styles", "size": 100}}}}
    answer = live.opensearch.search(index=live.index, body=body)
    counted = {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["styles"]["buckets"]}
    wanted = Counter(style for artist in dataset.artists for style in artist.fields["styles"])  # type: ignore[attr-defined]
    assert counted == dict(wanted)


@pytest.mark.parametrize("style", ["celtic", "traditional", "japanese"])
def test_filter_by_styles(live: Application, dataset: Dataset, style: str) -> None:
    found = live.search({"query": {"bool": {"filter": [{"terms": {"styles": [style]}}]}}})
    assert set(found) == ids(dataset, lambda fields: style in fields["styles"])


def test_best_rated_first(live: Application, dataset: Dataset) -> None:
    body = {"query": {"exists": {"field": "rating"}}, "sort": [{"rating": "desc"}, {"reviewCount": "desc"}]}
    rated: list[dict[str, Any]] = [dict(artist.fields) for artist in dataset.artists if "rating" in artist.fields]
    wanted = sorted(rated, key=lambda fields: (-fields["rating"], -fields["reviewCount"]))
    found = live.search(body)
    assert set(found) == {fields["artistId"] for fields in wanted}
    by_id = {fields["artistId"]: (fields["rating"], fields["reviewCount"]) for fields in wanted}
    assert [by_id[each] for each in found] == [(fields["rating"], fields["reviewCount"]) for fields in wanted]


def test_a_rating_range_is_exact(live: Application, dataset: Dataset) -> None:
    found = live.search({"query": {"range": {"rating": {"gte": 4.5}}}})
    assert set(found) == ids(dataset, lambda fields: fields.get("rating", 0) >= 4.5)


def test_who_is_near(live: Application, dataset: Dataset) -> None:
    place = {"lat": 51.5265, "lon": -0.0784}
    body = {"query": {"bool": {"filter": [{"geo_distance": {"distance": "3km", "location": place}}]}}}
    found = live.search(body)
    assert found
    for key in found:
        artist = next(each for each in dataset.artists if each.id == key)
        assert abs(float(str(artist.fields["latitude"])) - 51.5265) < 0.05


def test_dates_and_bookings_can_be_asked_for(live: Application, dataset: Dataset) -> None:
    since = "2026-08-26"
    found = live.search({"query": {"range": {"createdAt": {"gte": since}}}})
    assert set(found) == ids(dataset, lambda fields: fields.get("createdAt", "") >= since)
    open_now = live.search({"query": {"term": {"availability.bookingOpen": True}}})
    assert set(open_now) == ids(dataset, lambda fields: (fields.get("availability") or {}).get("bookingOpen") is True)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_every_search_of_every_scenario_on_the_full_dataset(live: Application, scenario: Any) -> None:
    for search in scenario.searches:
        found = live.search({**search_body(search, DAY), "size": 1000})
        assert found, f"{search.kind} {search.value} finds nobody"
        assert set(search.finds or ()) <= set(found)


def test_a_search_with_known_answers_puts_the_right_one_first(live: Application) -> None:
    basic = next(each for each in scenarios() if each.name == "search-basic")
    for search in basic.searches:
        if search.kind in ("text", "handle", "artist-id"):
            assert live.search(search_body(search, DAY))[0] in (search.finds or ())

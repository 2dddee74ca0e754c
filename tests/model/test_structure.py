"""Structure: what differs from ours, and what of it can be mended."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tattoo_data.model.structure import (
    INDEX_MAPPING,
    index_structure,
    key_schema,
    lacks_stream,
    mapping_difference,
    mapping_like,
    missing_indexes,
    table_definition,
    table_difference,
    table_structure,
)


def live_table() -> dict[str, Any]:
    return copy.deepcopy(table_definition("t"))


def live_mapping() -> dict[str, Any]:
    return copy.deepcopy(dict(INDEX_MAPPING))


def test_our_own_table_differs_in_nothing() -> None:
    assert (table_difference(live_table()), missing_indexes(live_table(), table_definition("t"))) == ([], [])
    assert not lacks_stream(live_table())


def test_another_key_is_named_with_both_sides() -> None:
    live = live_table()
    live["KeySchema"] = [{"AttributeName": "id", "KeyType": "HASH"}]
    live["AttributeDefinitions"].append({"AttributeName": "id", "AttributeType": "N"})
    (said,) = table_difference(live)
    assert "id (N, hash)" in said
    assert "PK (S, hash), SK (S, range)" in said


def test_a_key_of_another_type_is_a_difference() -> None:
    live = live_table()
    live["AttributeDefinitions"][0]["AttributeType"] = "B"
    assert table_difference(live)


def test_an_index_of_our_name_with_other_keys_is_refused_and_a_missing_one_added() -> None:
    live = live_table()
    live["GlobalSecondaryIndexes"][0]["KeySchema"][0]["AttributeName"] = "gsi9pk"
    del live["GlobalSecondaryIndexes"][2]
    (said,) = table_difference(live)
    assert "style-geohash-index" in said
    assert missing_indexes(live, table_definition("t")) == ["instagram-index"]


def test_more_indexes_than_ours_are_the_applications() -> None:
    live = live_table()
    live["GlobalSecondaryIndexes"].append({"IndexName": "their-own", "KeySchema": []})
    assert table_difference(live) == []


@pytest.mark.parametrize(
    ("stream", "lacks"),
    [
        (None, True),
        ({"StreamEnabled": False}, True),
        ({"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, False),
    ],
)
def test_a_stream_is_there_or_not(stream: Any, lacks: bool) -> None:
    assert lacks_stream({**live_table(), "StreamSpecification": stream}) is lacks


def test_our_own_mapping_differs_in_nothing_as_engines_give_it_back() -> None:
    live = live_mapping()
    assert mapping_difference(live) == []
    assert mapping_difference({**live, "dynamic": "false"}) == []


def test_a_mapping_that_holds_more_does_not_differ() -> None:
    live = live_mapping()
    live["properties"]["own"] = {"type": "keyword"}
    live["properties"]["rating"]["fields"] = {"raw": {"type": "keyword"}}
    assert mapping_difference(live) == []


def test_a_guessed_mapping_is_named_field_by_field() -> None:
    live = live_mapping()
    live["properties"]["artistId"] = {"type": "text", "fields": {"keyword": {"type": "keyword"}}}
    del live["properties"]["location"]
    live["properties"]["studioInfo"]["properties"]["postcode"] = {"type": "text"}
    del live["dynamic"]
    said = "; ".join(mapping_difference(live))
    for part in (
        "dynamic is true",
        "artistId: type is text, not keyword",
        "location is not mapped",
        "studioInfo.postcode",
    ):
        assert part in said


def test_every_field_of_the_format_is_mapped() -> None:
    properties = INDEX_MAPPING["properties"]
    assert INDEX_MAPPING["dynamic"] is False
    keywords = {name for name, field in properties.items() if field.get("type") == "keyword"}
    assert keywords == {
        "artistId",
        "studioId",
        "instagramHandle",
        "styles",
        "specialties",
        "geohash",
        "locationCity",
    }
    assert properties["location"]["type"] == "geo_point"
    assert properties["artistName"]["fields"]["keyword"]["type"] == "keyword"
    assert properties["portfolioImages"] == {"type": "object", "enabled": False}


def test_a_table_like_another_has_its_further_indexes_too() -> None:
    further = {
        "IndexName": "by-city",
        "KeySchema": key_schema("city", "founded"),
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    other = live_table()
    other["GlobalSecondaryIndexes"].append(further)
    other["AttributeDefinitions"] += [
        {"AttributeName": "city", "AttributeType": "S"},
        {"AttributeName": "founded", "AttributeType": "N"},
    ]
    other["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    made = table_definition("t", table_structure(other))
    assert further in made["GlobalSecondaryIndexes"]
    assert {"AttributeName": "founded", "AttributeType": "N"} in made["AttributeDefinitions"]
    assert made["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
    assert missing_indexes(live_table(), made) == ["by-city"]
    assert table_definition("t", table_structure(made)) == made


def test_a_mapping_like_another_is_that_one_only_where_it_holds_all_of_ours() -> None:
    more = {**INDEX_MAPPING, "properties": {**INDEX_MAPPING["properties"], "nickname": {"type": "keyword"}}}
    assert mapping_like({"mappings": more}) == more
    assert mapping_like({"mappings": {"properties": {"nickname": {"type": "keyword"}}}}) is INDEX_MAPPING
    assert mapping_like({}) is INDEX_MAPPING


def test_the_structure_of_an_index_leaves_out_what_is_its_own() -> None:
    live = {
        "mappings": {"dynamic": "false", "_meta": {"tattoo-data": {}}},
        "settings": {"index": {"uuid": "x", "number_of_shards": "2", "creation_date": "1", "version": {}}},
        "aliases": {"artists": {}},
    }
    assert index_structure(live) == {
        "mappings": {"dynamic": "false"},
        "settings": {"index": {"number_of_shards": "2"}},
        "aliases": {"artists": {}},
    }

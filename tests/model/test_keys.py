"""Keys: the forms of the application's own data layer."""

from __future__ import annotations

from typing import Any

import pytest

from tattoo_data.model.keys import index_keys, item_key, item_key_of, record_key, record_of, shard, split_item_key
from tattoo_data.model.records import Kind

ARTIST: dict[str, Any] = {
    "artistId": "artist-001",
    "artistName": "Zoë O'Hara-Smith 3",
    "instagramHandle": "Zoe.Ink",
    "geohash": "gcpvj0d",
    "styles": ["Old_School", "celtic"],
}


def test_an_artist_is_found_by_style_name_and_handle() -> None:
    assert index_keys(Kind.ARTIST, ARTIST) == {
        "gsi1pk": f"STYLE#old_school#SHARD#{shard('artist-001')}",
        "gsi1sk": "GEOHASH#gcpvj0d#ARTIST#artist-001",
        "gsi2pk": "ARTISTNAME#zooharasmith3",
        "gsi2sk": "ARTIST#artist-001",
        "gsi3pk": "INSTAGRAM#zoe.ink",
    }


def test_a_studio_is_found_by_place_and_postcode() -> None:
    fields = {"studioId": "s", "studioName": "Copperplate", "geohash": "gcpvj0d", "postcode": "E1 6JE"}
    assert index_keys(Kind.STUDIO, fields) == {
        "gsi1pk": "LOCATION#gcpvj0d",
        "gsi1sk": "Copperplate",
        "gsi2pk": "POSTCODE#E1 6JE",
        "gsi2sk": "Copperplate",
    }


def test_a_style_is_found_by_difficulty() -> None:
    fields = {"styleId": "celtic", "styleName": "Celtic", "difficulty": "advanced"}
    assert index_keys(Kind.STYLE, fields) == {"gsi1pk": "STYLE_CATEGORY#advanced", "gsi1sk": "Celtic"}


@pytest.mark.parametrize(
    ("missing", "absent"),
    [("styles", "gsi1pk"), ("geohash", "gsi1sk"), ("instagramHandle", "gsi3pk")],
)
def test_a_part_that_is_unknown_is_left_out(missing: str, absent: str) -> None:
    fields = {name: value for name, value in ARTIST.items() if name != missing}
    keys = index_keys(Kind.ARTIST, fields)
    assert absent not in keys
    assert all(keys.values())


def test_a_handle_with_an_at_sign_gives_the_same_key() -> None:
    assert index_keys(Kind.ARTIST, {**ARTIST, "instagramHandle": "@ZOE.ink"})["gsi3pk"] == "INSTAGRAM#zoe.ink"


def test_shards_are_ten_all_used_and_stay() -> None:
    drawn = [shard(f"artist-{number:03}") for number in range(500)]
    assert set(drawn) == set(range(10))
    assert [shard(f"artist-{number:03}") for number in range(500)] == drawn
    assert (shard("artist-001"), shard("artist-002"), shard("artist-003")) == (1, 3, 0)


@pytest.mark.parametrize(
    ("pk", "sk", "kind"),
    [
        ("ARTIST#a", "METADATA", Kind.ARTIST),
        ("ARTIST#a", "PROFILE", Kind.ARTIST),
        ("STUDIO#a", "METADATA", Kind.STUDIO),
        ("STYLE#a", "METADATA", Kind.STYLE),
        ("ARTIST#a", "metadata", None),
        ("ARTIST#a", "AUDIT#2026", None),
        ("ARTIST#", "METADATA", None),
        ("artist#a", "METADATA", None),
        ("AUDIT#a", "METADATA", None),
        ("STATUS#ARTIST#a", "METADATA", None),
        ("ARTIST", "METADATA", None),
    ],
)
def test_which_items_are_records(pk: str, sk: str, kind: Kind | None) -> None:
    found = record_of(item_key(pk, sk))
    assert (found.kind if found else None) is kind


def test_a_key_is_the_same_from_its_parts_and_from_its_item() -> None:
    body = b'{"name":{"S":"x"},"SK":{"S":"METADATA"},"PK":{"S":"ARTIST#\\u00e9#1"}}'
    key = item_key("ARTIST#é#1", "METADATA")
    assert item_key_of(body) == key
    assert split_item_key(key) == ("ARTIST#é#1", "METADATA")
    assert record_key(Kind.ARTIST, "é#1") == key


@pytest.mark.parametrize("body", [b'{"PK":{"S":"a"}}', b'{"PK":{"N":"1"},"SK":{"S":"b"}}', b"[]", b"{"])
def test_an_item_without_our_keys_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        item_key_of(body)

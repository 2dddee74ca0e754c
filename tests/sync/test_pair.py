"""Pair: both sides of artists, read together, and what documents are."""

from __future__ import annotations

import json

import pytest

from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key
from tattoo_data.sync.pair import Shape, artist_of, items_of, pairs, shape_of, writer_of
from tests.sync.stand import Stand, key_of


def test_both_sides_are_read_in_either_form(stand: Stand) -> None:
    stand.item("own")
    stand.item("old", "PROFILE")
    stand.item("two", "PROFILE", bio="old")
    stand.item("two", bio="own")
    stand.document("two")
    stand.document("only")
    found = {each.id: each for each in pairs(stand.env.stores, ["own", "old", "two", "only", "none"])}
    assert {key: each.item.key if each.item else None for key, each in found.items()} == {
        "own": key_of("own"),
        "old": key_of("old", "PROFILE"),
        "two": key_of("two"),
        "only": None,
        "none": None,
    }
    assert {key for key, each in found.items() if each.document} == {"two", "only"}
    assert [each.key for each in items_of(stand.table, ["two"])["two"]] == [key_of("two"), key_of("two", "PROFILE")]


def test_more_than_one_request_takes(stand: Stand) -> None:
    for number in range(120):
        stand.item(f"a{number}")
    assert len(items_of(stand.table, [f"a{number}" for number in range(200)])) == 120


@pytest.mark.parametrize(
    ("pk", "sk", "artist"),
    [
        ("ARTIST#a", "METADATA", "a"),
        ("ARTIST#a#b", "PROFILE", "a#b"),
        ("ARTIST#a", "OTHER", None),
        ("STUDIO#a", "METADATA", None),
        ("AUDIT#a", "METADATA", None),
    ],
)
def test_only_artists_are_artists(pk: str, sk: str, artist: str | None) -> None:
    record = artist_of(item_key(pk, sk))
    assert (record.id if record else None) == artist


@pytest.mark.parametrize(
    ("key", "body", "shape", "writer"),
    [
        ("a", {"artistId": "a"}, Shape.ARTIST, ""),
        ('é/"', {"artistId": 'é/"'}, Shape.ARTIST, ""),
        ("ARTIST#a", {"artistId": "a"}, Shape.OTHER, "stream function"),
        ("ARTIST#a", {}, Shape.OTHER, "stream function"),
        ("Xk3", {"artistId": "a"}, Shape.OTHER, "its artistId is not its _id"),
        ("1", {"artistId": 1}, Shape.OTHER, "its artistId is not its _id"),
        ("AUDIT#1", {"text": "x"}, Shape.OTHER, "its _id is a key"),
        ("a", {"text": "x"}, Shape.NAMELESS, ""),
        ("a", [], Shape.NAMELESS, ""),
    ],
)
def test_what_a_document_is(key: str, body: object, shape: Shape, writer: str) -> None:
    document = Entry(key, json.dumps(body).encode())
    assert shape_of(document) is shape
    assert writer in writer_of(document)

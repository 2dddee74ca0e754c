"""Projections: a record as an item, an item as a document, nothing lost on the way."""

from __future__ import annotations

import base64
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.catalog import Context, load
from tattoo_data.catalog.copies import copies
from tattoo_data.model.canonical import canonical_document
from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import item_key
from tattoo_data.model.project import (
    document_of,
    image_entry,
    item_of,
    moved_key,
    record_fields,
    record_from_item,
    typed,
)
from tattoo_data.model.projector import Projector
from tattoo_data.model.records import Image, Kind, Record
from tests.model.strategies import body, items


def artist(**fields: object) -> Record:
    return Record(kind=Kind.ARTIST, fields={"artistId": "artist-001", "artistName": "Ada", **fields})


def document(**attributes: Any) -> Any:
    key = item_key("ARTIST#artist-001", "METADATA")
    item = {"PK": {"S": "ARTIST#artist-001"}, "SK": {"S": "METADATA"}, **attributes}
    found = document_of(Entry(key, body(item)))
    assert found is not None
    assert found.key == "artist-001"
    return found.body.decode()


def test_a_record_comes_back_from_its_item() -> None:
    record = artist(
        rating=Decimal("4.5"),
        reviewCount=12,
        bio="",
        avatar=None,
        styles=["celtic"],
        pricing={"hourlyRate": 120},
        availability={"bookingOpen": True},
    )
    assert record_from_item(item_of(record).body) == record


def test_an_item_holds_its_fields_at_top_level_and_its_keys() -> None:
    item = json.loads(item_of(artist(rating=Decimal("4.50"))).body)
    assert item["PK"] == {"S": "ARTIST#artist-001"}
    assert item["SK"] == {"S": "METADATA"}
    assert item["rating"] == {"N": "4.5"}
    assert item["gsi2pk"] == {"S": "ARTISTNAME#ada"}


def test_keys_in_a_record_do_not_overrule_ours() -> None:
    item = json.loads(item_of(artist(PK="x", gsi1pk="y", gsi9="z")).body)
    assert item["PK"] == {"S": "ARTIST#artist-001"}
    assert "gsi1pk" not in item
    assert "gsi9" not in item


@pytest.mark.parametrize("number", [10**38 + 1, Decimal("1234567890.12345678901234567890123456789")])
def test_a_number_that_dynamodb_would_round_is_refused(number: int | Decimal) -> None:
    with pytest.raises(ValueError, match="38 digits"):
        typed(number)


def test_a_float_is_refused() -> None:
    with pytest.raises(ValueError, match="is no value of DynamoDB"):
        typed(0.1)


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ({"S": ""}, '""'),
        ({"N": "12345678901234567890123456789012345678"}, "12345678901234567890123456789012345678"),
        ({"N": "4.50"}, "4.5"),
        ({"B": "YQ"}, '"YQ=="'),
        ({"NULL": True}, "null"),
        ({"BOOL": False}, "false"),
        ({"SS": ["b", "a"]}, '["a","b"]'),
        ({"NS": ["10", "9.0", "-1"]}, "[-1,9,10]"),
        ({"BS": ["Yg==", "YQ=="]}, '["YQ==","Yg=="]'),
        ({"L": [{"N": "1"}, {"M": {"x": {"SS": ["z"]}}}]}, '[1,{"x":["z"]}]'),
    ],
)
def test_every_type_in_a_document(attribute: dict[str, Any], text: str) -> None:
    assert document(value=attribute) == f'{{"value":{text}}}'


def test_keys_and_a_location_of_the_items_own_are_left_out() -> None:
    made = document(gsi1pk={"S": "x"}, gsi4sk={"S": "y"}, location={"S": "London"}, bio={"S": "b"})
    assert made == '{"bio":"b"}'


@pytest.mark.parametrize(
    ("latitude", "longitude", "location"),
    [
        ({"N": "51.50"}, {"N": "-0.1"}, '{"lat":51.5,"lon":-0.1}'),
        ({"N": "90"}, {"N": "180"}, '{"lat":90,"lon":180}'),
        ({"N": "0"}, {"N": "0"}, '{"lat":0,"lon":0}'),
        ({"N": "90.1"}, {"N": "0"}, None),
        ({"N": "0"}, {"N": "-181"}, None),
        ({"S": "51.5"}, {"N": "0"}, None),
        ({"NULL": True}, {"N": "0"}, None),
    ],
)
def test_a_location_needs_valid_coordinates(latitude: Any, longitude: Any, location: str | None) -> None:
    made = document(latitude=latitude, longitude=longitude)
    assert (f'"location":{location}' in made) if location else ('"location"' not in made)


@pytest.mark.parametrize(("pk", "sk"), [("STUDIO#a", "METADATA"), ("AUDIT#1", "x"), ("ARTIST#a", "AUDIT#1")])
def test_only_artists_have_documents(pk: str, sk: str) -> None:
    item = {"PK": {"S": pk}, "SK": {"S": sk}, "artistId": {"S": "a"}}
    assert document_of(Entry(item_key(pk, sk), body(item))) is None


@given(items)
def test_any_item_gives_a_document_that_opensearch_can_read(item: Any) -> None:
    found = document_of(Entry(item_key("ARTIST#a", "METADATA"), body(item)))
    assert found is not None
    decoded = json.loads(found.body, parse_float=Decimal, parse_int=Decimal)
    assert canonical_document(found.body) == found.body
    for name, value in item.items():
        if name in ("PK", "SK", "location") or name.startswith("gsi"):
            continue
        ((tag, inner),) = value.items()
        if tag == "N":
            assert decoded[name] == Decimal(inner)
        if tag == "B":
            assert base64.b64decode(decoded[name]) == base64.b64decode(inner)
        if tag == "NS":
            assert set(decoded[name]) == set(map(Decimal, inner))


@given(items)
def test_plain_fields_of_any_item_keep_every_digit(item: Any) -> None:
    fields = record_fields(body(item))
    for name, value in item.items():
        if "N" in value and name in fields:
            assert Decimal(fields[name]) == Decimal(value["N"])


def test_a_record_under_the_node_tools_key_moves_to_ours() -> None:
    assert moved_key(item_key("ARTIST#a", "PROFILE")) == item_key("ARTIST#a", "METADATA")
    assert moved_key(item_key("ARTIST#a", "METADATA")) is None
    assert moved_key(item_key("AUDIT#a", "PROFILE")) is None


def test_an_image_reads_its_body_only_when_it_is_written() -> None:
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        return b"abc"

    md5 = "900150983cd24fb0d6963f7d28e17f72"
    entry = image_entry(Image(key="a.png", content_type="image/png", md5=md5, size=3, read=read))
    assert entry.body == f'{{"md5":"{md5}","size":3}}'.encode()
    assert reads == []
    assert entry.load is not None
    assert entry.load().body == b"abc"


def test_a_projector_gives_what_each_record_gives_by_itself() -> None:
    dataset = load(Context(as_of=date(2026, 1, 1), images_base_url="http://localhost:4566", image_bucket="images"))
    projector = Projector()
    for record in copies(dataset, 3).records():
        item, document = projector.item_and_document(record)
        assert item == item_of(record)
        assert document == document_of(item)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["bio", "latitude", "longitude", "location", "styles", "own", "é"]),
            st.recursive(
                st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=5),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                max_leaves=6,
            ),
        ),
        max_size=5,
    )
)
def test_a_projector_remembers_nothing_wrong(several: list[dict[str, object]]) -> None:
    projector = Projector()
    for fields in several * 2:
        record = Record(kind=Kind.ARTIST, fields={**fields, "artistId": "a-1"})
        item, document = projector.item_and_document(record)
        assert item == item_of(record)
        assert document == document_of(item)

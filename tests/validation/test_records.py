"""Records: each rule finds what breaks it, in every form, and nothing in what is right."""

from __future__ import annotations

import json
from typing import Any

import pygeohash
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tattoo_data.model.entry import Entry
from tattoo_data.model.keys import record_of
from tattoo_data.model.records import Kind
from tattoo_data.validation import records
from tattoo_data.validation.geography import is_around, is_geohash
from tattoo_data.validation.records import check_document, check_fields, check_item, check_plain, decode_plain
from tattoo_data.validation.rules.every import GROUPS, RULES
from tattoo_data.validation.shapes import Binary
from tests.validation.museum import BROKEN, BROKEN_IDS, RIGHT, Edge, Exhibit
from tests.validation.samples import ARTIST, GOOD, changed, document, item, text


def found(checked: records.Checked) -> list[tuple[str, str]]:
    return [(problem.rule.id, problem.field) for problem in checked.problems]


@pytest.mark.parametrize("exhibit", BROKEN, ids=lambda each: each.name)
def test_what_breaks_one_rule_is_found_in_every_form_and_nothing_else(exhibit: Exhibit) -> None:
    fields = changed(exhibit.kind, exhibit.changes)
    wanted = [(exhibit.rule, exhibit.field)]
    assert found(check_plain(exhibit.kind, text(fields))) == wanted
    assert found(check_item(item(exhibit.kind, fields))) == wanted
    if exhibit.kind is Kind.ARTIST:
        assert found(check_document(document(fields))) == wanted


@pytest.mark.parametrize("exhibit", BROKEN_IDS, ids=lambda each: each.name)
def test_a_broken_id_is_found_in_a_file(exhibit: Exhibit) -> None:
    fields = changed(exhibit.kind, exhibit.changes)
    assert found(check_plain(exhibit.kind, text(fields))) == [(exhibit.rule, exhibit.field)]


@pytest.mark.parametrize("edge", RIGHT, ids=lambda each: each.name)
def test_what_is_right_at_the_edge_has_no_finding(edge: Edge) -> None:
    fields = changed(edge.kind, edge.changes)
    assert found(check_plain(edge.kind, text(fields))) == []
    assert found(check_item(item(edge.kind, fields))) == []
    if edge.kind is Kind.ARTIST:
        assert found(check_document(document(fields))) == []


def test_the_museum_has_every_rule_of_a_record() -> None:
    shown = {exhibit.rule for exhibit in BROKEN + BROKEN_IDS}
    assert shown == {rule.id for rule in GROUPS["One record"]}


def test_every_problem_says_what_is_wrong_and_the_value() -> None:
    fields = changed(Kind.ARTIST, {"rating": 7, "instagramHandle": "@ada", "artistName": ""})
    problems = {problem.rule.id: problem for problem in check_plain(Kind.ARTIST, text(fields)).problems}
    assert problems["rating-range"].value == 7
    assert problems["rating-range"].rule.message == "a rating is from 0 to 5"
    assert problems["handle-form"].value == "@ada"
    assert problems["required-field"].value == ""
    assert all(rule.message and len(rule.reason) > 20 and rule.of for rule in RULES.values())


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_right_is_never_walked_through(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*_: object) -> None:
        raise AssertionError("a right record was looked at slowly")

    for name in ("_item_slowly", "_document_slowly", "check_fields"):
        monkeypatch.setattr(records, name, slowly)
    fields = GOOD[kind]
    assert check_item(item(kind, fields)).facts == check_plain(kind, text(fields)).facts
    if kind is Kind.ARTIST:
        assert check_document(document(fields)).facts == check_item(item(kind, fields)).facts


# Keys.


def with_attributes(entry: Entry, **attributes: Any) -> Entry:
    body = json.loads(entry.body) | attributes
    return Entry(entry.key, json.dumps({name: value for name, value in body.items() if value is not None}).encode())


@pytest.mark.parametrize("name", ["gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "gsi3pk"])
@pytest.mark.parametrize("value", [None, {"S": "WRONG#x"}, {"N": "5"}])
def test_a_wrong_key_of_a_secondary_index(name: str, value: Any) -> None:
    entry = with_attributes(item(Kind.ARTIST, ARTIST), **{name: value})
    assert found(check_item(entry)) == [("index-key", name)]


@pytest.mark.parametrize("kind", [Kind.STUDIO, Kind.STYLE])
def test_a_key_that_the_record_does_not_give(kind: Kind) -> None:
    entry = with_attributes(item(kind, GOOD[kind]), gsi3pk={"S": "INSTAGRAM#x"}, gsi1sk={"S": "?"})
    assert found(check_item(entry)) == [("index-key", "gsi1sk"), ("index-key", "gsi3pk")]


def test_another_shard_is_the_applications_choice() -> None:
    entry = item(Kind.ARTIST, ARTIST)
    ours = json.loads(entry.body)["gsi1pk"]["S"]
    others = [f"{ours[:-1]}{digit}" for digit in range(10) if not ours.endswith(str(digit))]
    for other in others:
        assert found(check_item(with_attributes(entry, gsi1pk={"S": other}))) == [("index-key-shard", "gsi1pk")]
    for wrong in (f"{ours[:-1]}10", f"{ours[:-1]}x", f"{ours[:-1]}", "STYLE#dotwork#SHARD#1"):
        assert found(check_item(with_attributes(entry, gsi1pk={"S": wrong}))) == [("index-key", "gsi1pk")]


def test_the_id_is_that_of_the_key() -> None:
    entry = item(Kind.ARTIST, {**ARTIST, "artistId": "artist-b"}, "artist-a")
    assert ("id-differs-from-key", "artistId") in found(check_item(entry))
    assert found(check_document(Entry("artist-b", document(ARTIST).body))) == [("id-differs-from-key", "artistId")]


def test_the_node_tools_key_form_is_named_as_such() -> None:
    entry = item(Kind.ARTIST, ARTIST)
    node = Entry(entry.key.replace("METADATA", "PROFILE"), entry.body.replace(b"METADATA", b"PROFILE"))
    (problem,) = check_item(node).problems
    assert problem.rule.id == "node-key-form"
    assert "PROFILE" in problem.rule.message
    plain = {**ARTIST, "PK": "ARTIST#artist-a", "SK": "PROFILE"}
    rules = {rule for rule, _ in found(check_fields(Kind.ARTIST, plain))}
    assert rules == {"node-key-form", "index-key"}


def test_other_items_have_no_rules() -> None:
    for pk, sk in (("AUDIT#1", "2026"), ("ARTIST#a", "LIKES"), ("ARTIST#", "METADATA")):
        entry = Entry(json.dumps({"PK": {"S": pk}, "SK": {"S": sk}}), b'{"n":{"N":"1"}}')
        assert check_item(entry) == records.OTHER


def test_binary_is_no_text_and_a_set_is_an_array() -> None:
    entry = with_attributes(item(Kind.ARTIST, ARTIST), bio={"B": "eHg="}, specialties={"SS": ["b", "a"]})
    assert found(check_item(entry)) == [("field-type", "bio")]
    assert check_item(entry).problems[0].detail == "it is binary, not text"
    assert isinstance(records.plain_value({"L": [{"B": "eA"}]})[0], Binary)  # type: ignore[index]
    assert records.plain_value({"NS": ["10", "9"]}) == [9, 10]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"a":5}', b'{"a":{"X":1}}', b'{"a":{"S":"x","N":"1"}}', b'{"a":{"N":"x"}}']
)
def test_an_item_that_cannot_be_read_is_named(body: bytes) -> None:
    checked = check_item(Entry(item(Kind.ARTIST, ARTIST).key, body))
    assert found(checked) == [("record-unreadable", "")]
    assert checked.problems[0].detail


# Documents.


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"null", "document-without-source"),
        (b"{", "record-unreadable"),
        (b"[]", "record-unreadable"),
        (b"[" * 100_000, "record-unreadable"),
    ],
)
def test_a_document_that_cannot_be_read_is_named(body: bytes, rule: str) -> None:
    assert found(check_document(Entry("artist-a", body))) == [(rule, "")]


def test_a_document_of_another_shape_is_named() -> None:
    assert found(check_document(Entry("ARTIST#artist-a", document(ARTIST).body))) == [("document-shape", "")]


@pytest.mark.parametrize(
    "location", [None, {"lat": 1, "lon": 2}, {"lat": 55.975501}, "55.97,-3.16", {"lat": 55.975501, "lon": -3.1667}]
)
def test_the_location_is_latitude_and_longitude(location: Any) -> None:
    body = json.loads(document(ARTIST).body)
    body["location"] = location
    if location is None:
        del body["location"]
    assert found(check_document(Entry("artist-a", json.dumps(body).encode()))) == [("document-location", "location")]


def test_a_location_without_coordinates_is_none() -> None:
    body = json.loads(document(ARTIST).body)
    del body["latitude"], body["longitude"]
    entry = Entry("artist-a", json.dumps(body).encode())
    assert found(check_document(entry)) == [("document-location", "location")]


# Quickly and slowly say the same.

_ODD: list[Any] = [None, "", " ", "x", 0, 5, -1, 10**20, True, [], ["x"], [1], [None], {}, {"x": 1}, "http://x/y.png"]
_ODD += ["2024-02-29", "2026-02-29", "@x", "gcvwryn", "u10", "EH6 3SX", "eh6 3sx", 55, -3, 4, "celtic", "expert"]


@st.composite
def odd_records(draw: st.DrawFn) -> tuple[Kind, dict[str, Any]]:
    kind = draw(st.sampled_from(list(Kind)))
    fields = changed(kind, {})
    paths = list(fields) + [
        f"{name}.{inner}" for name, value in fields.items() if isinstance(value, dict) for inner in value
    ]
    for path in draw(st.lists(st.sampled_from(paths), max_size=4, unique=True)):
        name, _, inner = path.partition(".")
        odd = draw(st.sampled_from(_ODD))
        if inner and isinstance(fields.get(name), dict):
            fields[name][inner] = odd
        elif not inner:
            fields[name] = odd
    for name in draw(st.lists(st.sampled_from(list(fields)), max_size=2, unique=True)):
        del fields[name]
    return kind, fields


@given(odd_records())
def test_a_record_of_a_file_is_judged_alike_quickly_and_slowly(odd: tuple[Kind, dict[str, Any]]) -> None:
    kind, fields = odd
    body = text(fields)
    assert check_plain(kind, body) == check_fields(kind, decode_plain(body))


@given(odd_records())
def test_an_item_is_judged_alike_quickly_and_slowly(odd: tuple[Kind, dict[str, Any]]) -> None:
    kind, fields = odd
    entry = item(kind, {**fields, kind.id_field: GOOD[kind][kind.id_field]})
    record = record_of(entry.key)
    assert record is not None
    assert check_item(entry) == records._item_slowly(entry, record)


@given(odd_records())
def test_a_document_is_judged_alike_quickly_and_slowly(odd: tuple[Kind, dict[str, Any]]) -> None:
    kind, fields = odd
    if kind is Kind.ARTIST:
        entry = document({**fields, "artistId": "artist-a"})
        assert check_document(entry) == records._document_slowly(entry)


# Geography.


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(1, 12))
def test_coordinates_are_around_their_geohash(latitude: float, longitude: float, precision: int) -> None:
    geohash = pygeohash.encode(latitude, longitude, precision)
    assert is_geohash(geohash)
    assert is_around(geohash, latitude, longitude)


@given(st.floats(50, 58), st.floats(-5, 1), st.sampled_from([(1, 0), (-1, 0), (0, 1), (0, -1)]))
def test_coordinates_a_cell_away_are_not(latitude: float, longitude: float, step: tuple[int, int]) -> None:
    geohash = pygeohash.encode(latitude, longitude, 7)
    height = width = 180 / 2**17
    moved = latitude + step[0] * 1.01 * height, longitude + step[1] * 1.01 * width
    assert not is_around(geohash, *moved)


@pytest.mark.parametrize("text_", ["", "a", "i", "l", "o", "G", "gcvwryn ", "g" * 13, "gé"])
def test_what_is_no_geohash(text_: str) -> None:
    assert not is_geohash(text_)
